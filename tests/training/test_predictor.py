import numpy as np
import pytest
from scipy import sparse

from skmlclf.networks import MLPNetwork, build_model
from skmlclf.training import Predictor, _hardware


@pytest.fixture(scope="module", params=["sigmoid", "softmax"])
def predictor(request):
    network = MLPNetwork(6, 50, request.param, (8,))
    model = build_model(network)
    model.get_layer("logits").bias.assign(np.linspace(-3, 3, 50))
    predictor = Predictor(network, model)
    predictor.block_rows = 16
    return predictor


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).standard_normal((41, 6)).astype(np.float32)


def test_probabilities_are_those_of_the_keras_model(predictor, X):
    probabilities = predictor.probabilities(X)
    np.testing.assert_allclose(probabilities, predictor.model.predict(X, verbose=0), rtol=1e-5)
    logits = predictor.logits(X).astype(np.float64)
    if predictor.network.output == "sigmoid":
        np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_best_is_a_stable_sort_of_the_probabilities(predictor, X):
    probabilities = predictor.probabilities(X)
    labels, logits, scores = predictor.best(X, 7)
    expected = np.argsort(-probabilities, axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(scores, np.take_along_axis(probabilities, expected, axis=1))
    expected_logits = np.take_along_axis(predictor.logits(X), expected, axis=1)
    np.testing.assert_array_equal(logits, expected_logits)


def test_decisions_are_the_probabilities_above_one_half(predictor, X):
    decisions = predictor.decisions(X)
    assert decisions.has_canonical_format
    np.testing.assert_array_equal(decisions.toarray(), predictor.probabilities(X) > 0.5)


def test_evaluate_agrees_with_the_single_passes(predictor, X):
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 50, len(X))
    y = sparse.csr_matrix((np.ones(len(X)), (np.arange(len(X)), classes)), shape=(len(X), 50))
    weight = rng.random(len(X))
    loss, best, decisions = predictor.evaluate(X, y, weight, 5)
    p = predictor.probabilities(X).astype(np.float64)
    if predictor.network.output == "softmax":
        terms = -np.log(p[np.arange(len(X)), classes])
    else:
        dense = y.toarray()
        terms = -(dense * np.log(p) + (1 - dense) * np.log1p(-p)).mean(axis=1)
    np.testing.assert_allclose(loss, np.average(terms, weights=weight), rtol=1e-5)
    np.testing.assert_array_equal(best.outputs, predictor.best(X, 5).outputs)
    assert (decisions != predictor.decisions(X)).nnz == 0


def test_a_row_scores_the_same_wherever_it_stands(predictor, X):
    whole = predictor.logits(X)
    for n_rows in (1, 2, 9, 17):
        np.testing.assert_array_equal(predictor.logits(X[-n_rows:]), whole[-n_rows:])
    np.testing.assert_array_equal(predictor.logits(X[::-1])[::-1], whole)


def test_probabilities_stay_inside_zero_and_one():
    network = MLPNetwork(1, 2, "sigmoid", ())
    model = build_model(network)
    model.get_layer("logits").bias.assign([1000.0, -1000.0])
    ((high, low),) = Predictor(network, model).probabilities(np.zeros((1, 1), np.float32))
    assert 0 < low < 1e-30
    assert 0.9999 < high < 1


@pytest.mark.parametrize("label_units", [(), (5,)])
def test_bfloat16_predicts_in_float32_where_it_would_be_emulated(monkeypatch, X, label_units):
    networks = [
        MLPNetwork(6, 50, "sigmoid", (8,), label_units=label_units, precision=precision)
        for precision in ("float32", "bfloat16")
    ]
    single, low = (build_model(network) for network in networks)
    low.set_weights(single.get_weights())
    expected = Predictor(networks[0], single)
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: True)
    emulated = Predictor(networks[1], low)
    assert np.abs(emulated.logits(X) - expected.logits(X)).max() > 1e-4
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: False)
    exact = Predictor(networks[1], low)
    np.testing.assert_array_equal(exact.logits(X), expected.logits(X))
    np.testing.assert_array_equal(exact.hidden(X), expected.hidden(X))
    # Read at every call, as the variables of any model are.
    low.set_weights([0 * w for w in low.get_weights()])
    np.testing.assert_array_equal(exact.logits(X), np.zeros((41, 50)))


@pytest.mark.parametrize("native", [True, False])
def test_layers_may_be_frozen_between_predictions(monkeypatch, X, native):
    network = MLPNetwork(6, 50, "sigmoid", (8,), batch_normalization=True, precision="bfloat16")
    model = build_model(network)
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: native)
    before = Predictor(network, model)
    logits, hidden = before.logits(X), before.hidden(X)
    model.get_layer("dense_1").trainable = False
    after = Predictor(network, model)
    np.testing.assert_array_equal(after.logits(X), logits)
    np.testing.assert_array_equal(after.hidden(X), hidden)
