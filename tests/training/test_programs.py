import gc
import threading
import weakref

import keras
import numpy as np
import pytest
from scipy import sparse

from skmlclf.networks import MLPNetwork, build_model, set_dropout
from skmlclf.training import (
    Predictor,
    RowBatches,
    _forward,
    _programs,
    _step,
    clear_programs,
    make_optimizer,
    train,
)

NETWORK = MLPNetwork(6, 5, "sigmoid", (8,), batch_normalization=True, dropout=True)


def problem(n_rows=40):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 6)).astype(np.float32)
    return X, sparse.csr_matrix((rng.random((n_rows, 5)) < 0.3).astype(np.uint8))


def fitted(network=NETWORK, optimizer="adam", learning_rate=1e-2, dropout=0.2, seed=0, **kwargs):
    X, y = problem()
    model = build_model(network, seed)
    set_dropout(network, model, dropout)
    model.compile(
        optimizer=make_optimizer(optimizer, learning_rate, model.trainable_variables),
        loss="binary_crossentropy",
    )
    train(
        network,
        model,
        RowBatches(X, y, None, 16),
        epochs=range(3),
        rng=np.random.RandomState(seed),
        **kwargs,
    )
    return model


def test_fits_of_one_structure_share_one_program():
    clear_programs()
    fitted()
    before = len(_programs._programs)
    fitted(learning_rate=1e-3, dropout=0.4, seed=1)
    fitted(label_weights=(np.ones(5), np.full(5, 2.0)))
    fitted(label_weights=(np.ones(5), np.full(5, 3.0)))
    assert before == 1
    assert len(_programs._programs) == 2


def test_a_shared_program_gives_what_a_new_one_gives():
    clear_programs()
    alone = fitted(seed=3).get_weights()
    fitted(seed=4, dropout=0.5)
    for shared, own in zip(fitted(seed=3).get_weights(), alone, strict=True):
        np.testing.assert_array_equal(shared, own)


def test_dropout_rate_counts_although_the_program_is_shared():
    kernels = [fitted(dropout=rate).get_weights()[0] for rate in (0.1, 0.6)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3


def test_no_trace_for_another_number_of_rows(monkeypatch):
    traced = []
    compile_once = _programs.compile_once

    def counted(function, *signature):
        traced.append(function.__name__)
        return compile_once(function, *signature)

    for module in (_forward, _step):
        monkeypatch.setattr(module, "compile_once", counted)
    clear_programs()
    model = fitted()
    predictor = Predictor(NETWORK, model)
    for n_rows in (1, 7, 40):
        predictor.best(problem()[0][:n_rows], 2)
    assert sorted(traced) == ["best", "run", "steps"]


def test_programs_keep_no_model_alive():
    clear_programs()
    model = fitted()
    Predictor(NETWORK, model).best(problem()[0], 2)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_forgotten_programs_are_freed():
    clear_programs()
    fitted()
    step = next(program for key, program in _programs._programs.items() if key[0] == "step")
    graph = weakref.ref(step.graph)
    del step
    clear_programs()
    gc.collect()
    assert graph() is None


def test_the_cache_is_bounded(monkeypatch):
    clear_programs()
    monkeypatch.setattr(_programs, "_MAX_PROGRAMS", 2)
    for key in "abc":
        _programs.cached_program(key, lambda: object())
    assert list(_programs._programs) == ["b", "c"]


def test_threads_share_programs_and_agree():
    clear_programs()
    weights = [None] * 4

    def fit(i):
        weights[i] = fitted(seed=7).get_weights()

    threads = [threading.Thread(target=fit, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_are_those_of_keras_on_the_sum_over_labels(optimizer):
    network = MLPNetwork(6, 5, "sigmoid", (8,))
    X, y = problem()
    ours = fitted(network, optimizer, learning_rate=0.01)
    reference = build_model(network, 0)
    reference.compile(
        make_optimizer(optimizer, 0.01, reference.trainable_variables),
        lambda y_true, p: 5 * keras.losses.binary_crossentropy(y_true, p),
    )
    rng = np.random.RandomState(0)
    for _ in range(3):
        order = rng.permutation(len(X))
        for rows in np.array_split(order, [13, 26]):
            reference.train_on_batch(X[rows], y[rows].toarray().astype(np.float32))
    for a, b in zip(ours.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert int(ours.optimizer.iterations) == 9


def test_weight_decay_shrinks_kernels_and_spares_biases():
    network = MLPNetwork(6, 5, "sigmoid", (8,))
    free, decayed = (fitted(network, weight_decay=decay) for decay in (0.0, 5.0))
    for name in ("dense_1", "logits"):
        assert np.linalg.norm(decayed.get_layer(name).kernel) < 0.8 * np.linalg.norm(
            free.get_layer(name).kernel
        )


def test_a_schedule_scales_the_learning_rate():
    network = MLPNetwork(6, 5, "sigmoid", (8,))
    still = fitted(network, schedule=lambda steps: np.zeros(len(steps)))
    np.testing.assert_array_equal(still.get_weights()[0], build_model(network, 0).get_weights()[0])
    seen = []
    fitted(network, schedule=lambda steps: seen.extend(steps) or np.ones(len(steps)))
    assert seen == list(range(9))
