import io

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, NeighborBlendClassifier, make_feature_mlp
from skmlclf.comparison import compare, default_architectures
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import precision_at_k_score


@pytest.fixture(scope="module")
def data():
    X, y = make_video_embeddings(150, n_labels=40, random_state=0)
    return X[:120], y[:120], X[120:], y[120:]


def test_metrics_are_those_of_a_fit_of_ones_own(data):
    estimators = {
        "base": BaseMLPClassifier(hidden_units=8, epochs=2, random_state=0),
        "audio": make_feature_mlp("audio", 5, hidden_units=8, epochs=2, random_state=0),
    }
    comparison = compare(estimators, *data, metrics=["precision_at_5"], verbose=False)
    for result in comparison.results:
        fitted = estimators[result.name].fit(*data[:2])
        own = precision_at_k_score(data[3], fitted.predict_proba(data[2]), k=5)
        assert result.metrics["precision_at_5"] == pytest.approx(own, abs=1e-12)
    assert comparison.results[0].n_parameters == 1152 * 8 + 8 + 8 * 40 + 40
    assert comparison.results[1].n_parameters == 5 * 8 + 8 + 8 * 40 + 40


def test_the_estimators_given_stay_unfitted(data):
    estimator = BaseMLPClassifier(hidden_units=8, epochs=1)
    compare({"base": estimator}, *data, verbose=False)
    assert not hasattr(estimator, "model_")
    assert estimator.callbacks is None


def test_the_table_is_aligned(data):
    estimator = BaseMLPClassifier(hidden_units=8, epochs=1, random_state=0)
    file = io.StringIO()
    comparison = compare({"a": estimator, "longer name": estimator}, *data, file=file)
    lines = str(comparison).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[:5] == ["architecture", "parameters", "seconds", "loss", "P@20"]
    assert repr(comparison) == str(comparison)
    assert file.getvalue().count("epoch 1/1") == 2


def test_totals_of_the_confusion_matrix_are_shown_each_epoch_but_are_no_column(data):
    file = io.StringIO()
    estimator = BaseMLPClassifier(hidden_units=8, epochs=2, random_state=0)
    comparison = compare({"base": estimator}, *data, file=file)
    history = comparison.results[0].history
    predicted = history["val_tp"][-1] + history["val_fp"][-1]
    assert predicted == comparison.results[0].y_pred.nnz
    assert sum(history[f"val_{name}"][-1] for name in ("tn", "fp", "fn", "tp")) == 30 * 40
    lines = file.getvalue().splitlines()[2:]
    assert len(lines) == 2
    assert all(f" {name} " in line for line in lines for name in ("tn", "fp", "fn", "tp"))
    assert "tn" not in str(comparison)


def test_a_comparison_needs_a_column(data):
    estimator = BaseMLPClassifier(hidden_units=8, epochs=1)
    with pytest.raises(ValueError, match="at least one metric to compare by"):
        compare({"base": estimator}, *data, metrics=["multilabel_confusion_matrix"])


def test_differences_are_shares_of_the_bases_values(data):
    estimators = {
        "base": BaseMLPClassifier(hidden_units=8, epochs=1, random_state=0),
        "wide": BaseMLPClassifier(hidden_units=16, epochs=1, random_state=0),
    }
    comparison = compare(estimators, *data, metrics=["precision_at_5"], verbose=False)
    against = comparison.against("base")
    values = comparison.values()
    assert list(against.values) == ["wide"]
    for column, difference in against.values["wide"].items():
        ratio = values["wide"][column] / values["base"][column]
        assert difference == pytest.approx(ratio - 1, nan_ok=True)
    lines = str(against).splitlines()
    assert lines[0].split()[:4] == ["against", "base", "parameters", "seconds"]
    # 16 units instead of 8, over the same 40 output biases.
    assert lines[2].split()[1] == f"{8 * (1152 + 1 + 40) / comparison.results[0].n_parameters:+.1%}"
    with pytest.raises(ValueError, match="there are base, wide"):
        comparison.against("deep")


def test_nothing_to_compare_is_refused(data):
    with pytest.raises(ValueError, match="at least one estimator"):
        compare({}, *data)
    X, _, X_val, _ = data
    with pytest.raises(ValueError, match=r"one column per label: .* shape is \(120,\)"):
        compare({"base": BaseMLPClassifier()}, X, np.arange(120), X_val, np.arange(30))
    with pytest.raises(TypeError, match="scaler: expected a classifier"):
        compare({"base": BaseMLPClassifier(), "scaler": StandardScaler()}, *data)
    with pytest.raises(TypeError, match=r"LogisticRegression takes one label .*OneVsRest"):
        compare({"base": BaseMLPClassifier(), "logistic": LogisticRegression()}, *data)
    with pytest.raises(ValueError, match="y has 40 labels and y_val 39"):
        compare({"base": BaseMLPClassifier()}, *data[:3], data[3][:, :39])


def test_names_that_are_written_alike_are_refused(data):
    file = io.StringIO()
    estimator = BaseMLPClassifier(hidden_units=8, epochs=1)
    with pytest.raises(ValueError, match="3 and '3' are both written '3'"):
        compare({3: estimator, "3": estimator}, *data, file=file)
    assert file.getvalue() == ""


def test_what_is_wrong_with_one_is_told_before_any_fit(data):
    file = io.StringIO()
    good = BaseMLPClassifier(hidden_units=8, epochs=1)
    for bad in ({"hidden_units": 0}, {"hidden_units": (4, 0)}, {"dropout": 2.0}):
        with pytest.raises(ValueError, match=r"^bad: .*(hidden_units|dropout)"):
            compare({"good": good, "bad": BaseMLPClassifier(**bad)}, *data, file=file)
    with pytest.raises(TypeError, match="must be a mapping"):
        compare([good], *data, file=file)
    assert file.getvalue() == ""
    assert compare({1: good}, *data, verbose=False).results[0].name == "1"


def test_metrics_are_those_of_the_weights_that_are_kept(data):
    options = {"early_stopping": True, "scoring": "precision_at_5", "n_iter_no_change": 3}
    estimator = BaseMLPClassifier(32, epochs=30, learning_rate=0.03, random_state=0, **options)
    comparison = compare({"base": estimator}, *data, metrics=["precision_at_5"], verbose=False)
    (result,) = comparison.results
    by_epoch = result.history["val_precision_at_5"]
    assert result.best_epoch == int(np.argmax(by_epoch)) < len(by_epoch) - 1
    assert result.metrics["precision_at_5"] == pytest.approx(max(by_epoch), abs=1e-12)
    assert precision_at_k_score(data[3], result.topk, k=5) == pytest.approx(max(by_epoch))


def test_a_pipeline_of_one_step_is_as_its_step(data):
    estimator = BaseMLPClassifier(hidden_units=8, epochs=2, random_state=0)
    alone, in_pipeline = compare(
        {"alone": estimator, "pipeline": make_pipeline(estimator)}, *data, verbose=False
    ).results
    assert alone.metrics == in_pipeline.metrics
    assert alone.history == in_pipeline.history
    assert alone.n_parameters == in_pipeline.n_parameters


def test_targets_may_be_lists(data):
    X, y, X_val, y_val = data
    estimators = {"base": BaseMLPClassifier(hidden_units=8, epochs=1, random_state=0)}
    expected = compare(estimators, *data, verbose=False).results[0].history
    lists = (y.toarray().tolist(), X_val, y_val.toarray().tolist())
    assert compare(estimators, X, *lists, verbose=False).results[0].history == expected


def test_every_architecture_beats_the_frequency_ranking_by_half_in_the_main_job():
    X, y = make_video_embeddings(random_state=0)
    rows = np.random.RandomState(0).permutation(1000)
    train, held_out = rows[200:], rows[:200]
    frequency = np.broadcast_to(np.asarray(y[train].mean(axis=0)), (200, 4800))
    by_frequency = precision_at_k_score(y[held_out], frequency, k=20)
    comparison = compare(
        default_architectures(random_state=0),
        X[train],
        y[train],
        X[held_out],
        y[held_out],
        metrics=["precision_at_20"],
        verbose=False,
    )
    for result in comparison.results:
        assert result.metrics["precision_at_20"] >= 1.5 * by_frequency, result.name


def test_the_architectures():
    architectures = default_architectures(epochs=3, random_state=1)
    assert list(architectures) == ["base", "pca", "blocks", "deep", "deep+neighbors"]
    deep, blend = architectures["deep"], architectures["deep+neighbors"]
    assert repr(blend.estimator) == repr(deep)
    assert list(architectures["pca"].named_steps) == ["select", "pca", "mlp"]


def test_a_blend_with_neighbors_is_measured_by_epoch_too(data):
    network = BaseMLPClassifier(hidden_units=8, epochs=2, random_state=0)
    chosen = {
        "alone": network,
        "blend": NeighborBlendClassifier(network),
        "piped": make_pipeline(StandardScaler(with_mean=False), NeighborBlendClassifier(network)),
        "around": NeighborBlendClassifier(
            make_pipeline(StandardScaler(with_mean=False), network), weight="auto"
        ),
    }
    file = io.StringIO()
    results = compare(chosen, *data, metrics=["gap_at_20"], file=file).results
    alone, blend, piped, around = results
    assert blend.history == alone.history
    assert blend.n_parameters == alone.n_parameters
    assert blend.metrics != alone.metrics
    for result in (piped, around):
        assert len(result.history["val_gap_at_20"]) == 2
        assert result.error is None
    assert file.getvalue().count("epoch 2/2") == 4
