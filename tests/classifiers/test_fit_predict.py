"""The classifiers as a user meets them: targets, weights, seeds, state, bad input."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, load
from skmlclf.callbacks import EpochMetrics
from skmlclf.classifiers._rows import split_rows

# Without what a fit of a few steps cannot make good: noise, and rates that fall to zero.
PLAIN = {"dropout": 0.0, "input_dropout": 0.0, "learning_rate_schedule": "constant"}
SMALL = {
    BaseMLPClassifier: {"hidden_units": 16, **PLAIN},
    BlockMLPClassifier: {"hidden_units": (16, 8)},
    DeepMLPClassifier: {"hidden_units": (16, 16)},
}
ALL = pytest.mark.parametrize("cls", SMALL, ids=lambda c: c.__name__)


def problem(n_rows=90, n_features=12, n_labels=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    scores = X @ rng.standard_normal((n_features, n_labels))
    return X, (scores > 3).astype(np.int64)


def make(cls=BaseMLPClassifier, **kwargs):
    return cls(**{**SMALL[cls], "epochs": 3, "random_state": 0, **kwargs})


@ALL
def test_dense_and_sparse_targets_give_the_same_fit(cls):
    X, y = problem()
    dense = make(cls).fit(X, y)
    for container in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix):
        fitted = make(cls).fit(X, container(y))
        np.testing.assert_array_equal(fitted.predict_proba(X), dense.predict_proba(X))
        predicted = fitted.predict(X)
        assert sparse.issparse(predicted)
        assert predicted.format == "csr"
        assert predicted.dtype == y.dtype
        np.testing.assert_array_equal(predicted.toarray(), dense.predict(X))


@ALL
def test_methods_agree(cls):
    X, y = problem()
    clf = make(cls, epochs=10).fit(X, y)
    p, z = clf.predict_proba(X), clf.decision_function(X)
    assert p.shape == z.shape == y.shape
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z.astype(float))), rtol=1e-5)
    np.testing.assert_array_equal(clf.predict(X), p > 0.5)
    labels, scores = clf.predict_topk(X, k=3)
    np.testing.assert_array_equal(labels, np.argsort(-p, axis=1, kind="stable")[:, :3])
    np.testing.assert_array_equal(scores, np.take_along_axis(p, labels, axis=1))
    assert clf.predict_proba(X[:1]).shape == (1, y.shape[1])


@ALL
def test_learns(cls):
    X, y = problem(400)
    options = {"epochs": 60, "hidden_units": (64,), "learning_rate": 5e-3, **PLAIN}
    clf = make(cls, **options).fit(X, y)
    frequent = y.mean(axis=0)
    assert (clf.predict(X) == y).mean() > 0.97
    assert clf.history_["loss"][-1] < 0.3 * clf.history_["loss"][0]
    assert (clf.predict(X) == y).mean() > ((frequent > 0.5) == y).mean()


def test_starts_at_the_label_frequencies():
    X, y = problem()
    clf = make(learning_rate=1e-12, epochs=1).fit(np.zeros_like(X), y)
    np.testing.assert_allclose(clf.predict_proba(np.zeros_like(X))[0], y.mean(axis=0), rtol=1e-4)


@ALL
def test_random_state_reproduces_bit_for_bit_and_leaves_the_callers_generators(cls):
    X, y = problem()
    keras.utils.set_random_seed(5)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = make(cls).fit(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    second, other = make(cls).fit(X, y), make(cls, random_state=1).fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))
    seeded = [make(cls, random_state=np.random.RandomState(3)).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(*(clf.predict_proba(X) for clf in seeded))


@pytest.mark.parametrize(
    "X_as",
    [
        lambda X: X.astype(np.float64),
        lambda X: np.asfortranarray(X),
        lambda X: X[:, ::-1][:, ::-1],
        lambda X: X.tolist(),
        lambda X: pd.DataFrame(X),
    ],
    ids=["float64", "fortran", "strided", "list", "frame"],
)
def test_any_form_of_the_features_gives_the_same_fit(X_as):
    X, y = problem()
    expected = make().fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(make().fit(X_as(X), y).predict_proba(X_as(X)), expected)


def test_a_memory_map_is_read_not_copied(tmp_path):
    X, y = problem()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        make().fit(mapped, y).predict_proba(mapped), make().fit(X, y).predict_proba(X)
    )


def test_weighted_rows_are_repeated_rows():
    X, y = problem(40)
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    options = {"batch_size": 1000, "epochs": 20}
    weighted = make(**options).fit(X, y, sample_weight=weight)
    repeated = make(**options).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("n_rows", "steps"), [(50, 1), (300, 5), (800, 7), (20_000, 100), (40_000, 157)]
)
def test_automatic_batches_grow_with_the_rows(n_rows, steps):
    class Steps(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.params["steps"])

    seen = []
    X, y = np.zeros((n_rows, 1), np.float32), np.ones((n_rows, 2), int)
    make(epochs=1, callbacks=[Steps()]).fit(X, y)
    assert seen == [steps]


def test_class_weight_moves_predictions():
    X, y = problem(200)
    plain, heavy = (make(epochs=10, class_weight=w).fit(X, y) for w in (None, {2: 50.0}))
    assert heavy.predict(X)[:, 2].sum() > plain.predict(X)[:, 2].sum()
    assert make(class_weight="balanced").fit(X, y).predict_proba(X).mean() > 0.3


def test_classes_of_any_type():
    X, _ = problem()
    y = np.where(X[:, 0] > 0, "cat", "dog")
    clf = make(epochs=20, learning_rate=0.01).fit(X, y)
    assert clf.predict_proba(X).shape == (len(X), 2)
    assert clf.decision_function(X).shape == (len(X),)
    assert (clf.predict(X) == y).mean() > 0.95
    labels, scores = clf.predict_topk(X, k=2)
    np.testing.assert_array_equal(labels[:, 0], clf.predict(X))
    assert (scores[:, 0] >= scores[:, 1]).all()
    y = np.digitize(X[:, 0], [-0.5, 0.5]) * 10
    clf = make(epochs=20, learning_rate=0.01).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, [0, 10, 20])
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(clf.predict_topk(X, k=1)[0][:, 0], clf.predict(X))


def test_one_row_and_one_class_work():
    X, y = problem()
    assert make().fit(X[:1], y[:1]).predict(X).shape == y.shape
    assert (make().fit(X, np.full(len(X), "only")).predict(X) == "only").all()


@ALL
def test_pickle_and_clone(cls):
    X, y = problem()
    clf = make(cls, callbacks=[EpochMetrics(["precision_at_2"], verbose=False)]).fit(X, y)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.history_ == clf.history_
    assert [c.metrics for c in loaded.callbacks] == [("precision_at_2",)]
    assert all(c.model is None for c in loaded.callbacks)
    assert clf.callbacks[0].model is clf.model_
    assert len(pickle.loads(pickle.dumps(clone(clf))).callbacks) == 1
    assert clone(clf).callbacks[0] is not clf.callbacks[0]
    # What was learnt goes on from where it was, optimizer and generator included.
    loaded.set_params(callbacks=None).partial_fit(X, y)
    clf.set_params(callbacks=None).partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_training_goes_on_at_the_rates_of_now():
    X, y = problem()
    clf = BlockMLPClassifier((8, 4), dropout=0.5, epochs=1, random_state=0).fit(X, y)
    clf.set_params(dropout=0.25, input_dropout=0.125, learning_rate=0.003).partial_fit(X, y)
    rates = [w.numpy() for w in clf.model_.non_trainable_variables if w.name == "rate"]
    assert rates == [0.125, 0.25, 0.25]
    assert clf.model_.optimizer.learning_rate.numpy() == np.float32(0.003)


def test_partial_fit_and_warm_start_go_on():
    X, y = problem()
    fitted = make(epochs=1).fit(X, y)
    before = fitted.predict_proba(X)
    fitted.partial_fit(X, y)
    assert fitted.n_iter_ == 2
    assert len(fitted.history_["loss"]) == 2
    assert not np.array_equal(fitted.predict_proba(X), before)
    stepwise = make()
    for _ in range(3):
        stepwise.partial_fit(X, y)
    np.testing.assert_array_equal(stepwise.predict_proba(X), make().fit(X, y).predict_proba(X))
    warm = make(epochs=1, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(warm.predict_proba(X), before)
    assert warm.fit(X, y).n_iter_ == 2
    with pytest.raises(ValueError, match="warm_start=False"):
        warm.set_params(hidden_units=5).fit(X, y)


def test_partial_fit_needs_all_classes_at_first():
    X, _ = problem()
    y = np.arange(len(X)) % 3
    with pytest.raises(ValueError, match="classes must be passed"):
        make().partial_fit(X, y)
    clf = make().partial_fit(X[:10], np.zeros(10, int), classes=[0, 1, 2])
    assert clf.partial_fit(X, y).predict_proba(X).shape == (len(X), 3)
    with pytest.raises(ValueError, match="not the same"):
        clf.partial_fit(X, y, classes=[0, 1])


def test_early_stopping_restores_the_best_epoch():
    X, y = problem(200)
    X_val, y_val = problem(100, seed=9)
    options = {"epochs": 40, "learning_rate": 0.02, "hidden_units": 64}
    clf = make(early_stopping=True, n_iter_no_change=3, **options)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    losses = clf.history_["val_loss"]
    assert clf.n_iter_ == len(losses) < 40
    p = clf.predict_proba(X_val).astype(float)
    loss = -(y_val * np.log(p) + (1 - y_val) * np.log1p(-p)).mean()
    np.testing.assert_allclose(loss, min(losses), rtol=1e-5)
    assert np.argmin(losses) < len(losses) - 1


def test_early_stopping_is_not_for_one_epoch():
    clf = make(early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=False, or call fit"):
        clf.partial_fit(*problem())
    assert not hasattr(clf, "model_")


def test_early_stopping_on_a_metric():
    X, y = problem(200)
    clf = make(early_stopping=True, scoring="precision_at_2", n_iter_no_change=2, epochs=30)
    clf.fit(X, y)
    assert len(clf.history_["val_precision_at_2"]) == clf.n_iter_ < 30


def test_the_held_out_split_is_random_seeded_and_never_trained_on():
    X, y = problem(100)
    watch = {"callbacks": [EpochMetrics(["f1_samples"], verbose=False)]}
    first, second = (make(**watch, validation_fraction=0.3).fit(X, y) for _ in range(2))
    assert first.history_ == second.history_
    other = make(**watch, validation_fraction=0.3, random_state=1).fit(X, y)
    assert first.history_["val_loss"] != other.history_["val_loss"]
    # Memorised, were they trained on: labels drawn by lot cannot be foretold.
    y = np.random.default_rng(0).integers(0, 2, y.shape)
    clf = make(early_stopping=True, epochs=100, learning_rate=0.01, n_iter_no_change=100)
    clf.fit(X, y)
    assert clf.history_["loss"][-1] < 0.5 < min(clf.history_["val_loss"])


BAD_X = {
    "nan": (lambda X: np.where(X[0, 0] == X, np.nan, X), "NaN"),
    "infinity": (lambda X: np.where(X[0, 0] == X, np.inf, X), "infinity"),
    "too large": (lambda X: X.astype(float) * 1e39, "float32"),
    "3-d": (lambda X: X[:, :, None], "dim 3"),
    "1-d": (lambda X: X[0], "Reshape your data"),
    "text": (lambda X: X.astype(str).astype(object) + "x", "could not convert"),
    "empty": (lambda X: X[:0], "0 sample"),
    "no features": (lambda X: X[:, :0], "0 feature"),
    "other length": (lambda X: X[:-1], "inconsistent numbers of samples"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_X.values(), ids=BAD_X)
def test_bad_features_raise_and_change_nothing(spoil, message):
    X, y = problem()
    clf = make().fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        clf.fit(spoil(X), y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert clf.n_features_in_ == X.shape[1]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"sample_weight": -np.ones(90)}, "[Nn]egative"),
        ({"sample_weight": np.zeros(90)}, "zero"),
        ({"sample_weight": np.full(90, np.nan)}, "NaN"),
        ({"sample_weight": np.ones(3)}, "90"),
        ({"X_val": np.ones((2, 12))}, "together"),
        ({"X_val": np.ones((2, 5)), "y_val": np.ones((2, 7))}, "5 features, expected the 12"),
        ({"X_val": np.ones((2, 12)), "y_val": np.ones((2, 3))}, "must have 7 columns"),
        ({"X_val": np.full((2, 12), np.nan), "y_val": np.ones((2, 7))}, r"held-out rows .* NaN"),
        ({"sample_weight_val": np.ones(2)}, "no X_val was given"),
    ],
)
def test_bad_arguments_of_fit(kwargs, message):
    X, y = problem()
    clf = make()
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, **kwargs)
    assert not hasattr(clf, "model_")


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_units": 0},
        {"hidden_units": (8, -1)},
        {"hidden_units": "wide"},
        {"activation": "step"},
        {"dropout": 1.0},
        {"learning_rate": 0},
        {"epochs": 0},
        {"batch_size": "all"},
        {"optimizer": "newton"},
        {"weight_decay": -1},
        {"class_weight": "equal"},
        {"validation_fraction": 1.0},
        {"precision": "float16"},
        {"scoring": "no_such_metric", "early_stopping": True},
        {"verbose": -1},
        {"random_state": "seed"},
    ],
    ids=lambda p: next(iter(p)),
)
def test_bad_parameters(params):
    X, y = problem()
    with pytest.raises(ValueError, match=f"{next(iter(params))}|no metric"):
        make(**params).fit(X, y)


def test_bad_callbacks():
    X, y = problem()
    with pytest.raises(TypeError, match=r"keras\.callbacks"):
        make(callbacks=[print]).fit(X, y)


@pytest.mark.parametrize("k", [0, -1, 8, 2.5, "3"])
def test_bad_k(k):
    X, y = problem()
    with pytest.raises(ValueError, match="k must be an int from 1 to the 7"):
        make().fit(X, y).predict_topk(X, k=k)


def test_unfitted():
    for method in ("predict", "predict_proba", "decision_function", "predict_topk"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(problem()[0])


def test_a_label_never_or_always_there_is_learnt():
    X, y = problem()
    y[:, 0], y[:, 1] = 0, 1
    clf = make(epochs=20).fit(X, y)
    p = clf.predict_proba(X)
    assert p[:, 0].max() < 0.1
    assert p[:, 1].min() > 0.9


def test_model_is_a_keras_model_with_probabilities():
    X, y = problem()
    clf = make().fit(X, y)
    np.testing.assert_allclose(clf.model_.predict(X, verbose=0), clf.predict_proba(X), rtol=1e-5)
    assert clf.model_.optimizer.iterations > 0
    # Weights changed from outside are what the next prediction uses.
    clf.model_.set_weights([0 * w for w in clf.model_.get_weights()])
    np.testing.assert_allclose(clf.predict_proba(X), 0.5)


@ALL
def test_bfloat16_learns_what_float32_learns(cls, monkeypatch):
    # Emulated where the processor lacks it: slow, but the same numbers.
    monkeypatch.setattr("skmlclf.training._hardware.has_bfloat16", lambda: True)
    X, y = problem(300)
    low, high = (make(cls, epochs=15, precision=p).fit(X, y) for p in ("bfloat16", "float32"))
    assert low.predict_proba(X).dtype == "float32"
    assert {v.dtype for v in low.model_.trainable_variables} == {"float32"}
    np.testing.assert_allclose(low.history_["loss"][-1], high.history_["loss"][-1], rtol=0.05)


def test_the_precision_of_auto_is_kept_by_resumed_fits(monkeypatch, tmp_path):
    X, y = problem()
    clf = make(precision="auto", warm_start=True)
    assert not hasattr(clf, "precision_")
    monkeypatch.setattr("skmlclf.training._hardware.has_bfloat16", lambda: True)
    assert clf.fit(X, y).precision_ == "bfloat16"
    clf.save(tmp_path / "clf", with_optimizer=True)
    # Loaded by a machine without it.
    monkeypatch.setattr("skmlclf.training._hardware.has_bfloat16", lambda: False)
    loaded = load(tmp_path / "clf")
    assert loaded.fit(X, y).precision_ == "bfloat16"
    assert loaded.set_params(warm_start=False).fit(X, y).precision_ == "float32"


def test_a_fit_that_cannot_be_built_leaves_the_last_one(monkeypatch):
    X, y = problem()
    clf = make().fit(X, y)
    before = clf.predict_proba(X)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("skmlclf.networks.MLPNetwork.build", interrupted)
        with pytest.raises(KeyboardInterrupt):
            clf.set_params(hidden_units=5).fit(X[:, :4], y[:, :3])
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert clf.n_features_in_ == X.shape[1]
    assert len(clf.classes_) == y.shape[1]
    # And nothing of it is left for others either.
    assert make(hidden_units=5).fit(X[:, :4], y[:, :3]).predict_proba(X[:, :4]).shape == (90, 3)


def test_an_interrupted_fit_tells_of_the_epochs_it_ran():
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    X, y = problem()
    clf = make(callbacks=[Interrupt])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 2
    assert clf.best_epoch_ == 1
    assert clf.predict_proba(X).shape == y.shape


@pytest.mark.parametrize(
    "params",
    [{"batch_size": np.int64(32)}, {"learning_rate": np.float32(1e-3)}, {"learning_rate": 1}],
)
def test_numbers_of_any_kind_are_taken(params):
    X, y = problem()
    (name,) = params
    plain = make(**{name: params[name] if isinstance(params[name], int) else params[name].item()})
    found = make(**params).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, plain.fit(X, y).predict_proba(X))


def test_the_optimizer_of_the_fit_is_kept():
    X, y = problem()
    clf = make(optimizer="sgd", warm_start=True).fit(X, y)
    clf.set_params(optimizer="adam")
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match=r"'sgd', but the parameters now ask for .* 'adam'"):
        clf.fit(X, y)
    assert clf.set_params(optimizer="sgd").fit(X, y).n_iter_ == 6


def test_partial_fit_does_not_warm_up():
    X, y = problem()
    slow, plain = (make(warmup_epochs=w).partial_fit(X, y) for w in (3.0, 0.0))
    np.testing.assert_array_equal(slow.predict_proba(X), plain.predict_proba(X))


def test_a_fit_that_goes_on_holds_out_the_same_rows(monkeypatch):
    def split(*args, **options):
        splits.append(split_rows(*args, **options))
        return splits[-1]

    splits = []
    monkeypatch.setattr("skmlclf.classifiers._held_out.split_rows", split)
    X, y = problem()
    clf = make(early_stopping=True, warm_start=True)
    for _ in range(3):
        clf.fit(X, y)
    make(early_stopping=True, random_state=1).fit(X, y)
    first, *others, of_another_seed = [held_out.index.tolist() for _, held_out in splits]
    assert others == [first, first]
    assert of_another_seed != first


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        (">i4", "int64"),
        ("uint8", "int64"),
        (bool, "bool"),
        (object, "int64"),
    ],
)
def test_predictions_have_the_dtype_of_the_targets_but_none_that_wraps(dtype, expected):
    X, y = problem()
    predicted = make().fit(X, y.astype(dtype)).predict(X)
    assert predicted.dtype == expected
    np.testing.assert_array_equal(predicted.astype(int), make().fit(X, y).predict(X))


def test_probabilities_of_two_classes_stay_inside_zero_and_one():
    X, _ = problem()
    clf = make(learning_rate=10.0, epochs=20).fit(X, (X[:, 0] > 0).astype(int))
    p = clf.predict_proba(X)
    assert p.min() < 1e-9
    assert ((p > 0) & (p < 1)).all()
    alone = make().fit(X, np.zeros(len(X)))
    assert (alone.predict_proba(X) == 1).all()
    assert (alone.predict_topk(X, k=1)[1] == 1).all()


def test_columns_in_another_order_are_not_held_out():
    X, y = problem()
    frame = pd.DataFrame(X).add_prefix("f")
    with pytest.raises(ValueError, match=r"in the same order: got \['f11', 'f10'"):
        make().fit(frame, y, X_val=frame[frame.columns[::-1]], y_val=y)


def test_a_fit_that_diverges_says_so():
    X, y = problem()
    with pytest.raises(
        ValueError, match=r"diverged in epoch 1: its loss is nan.*Lower learning_rate"
    ):
        make(optimizer="sgd", learning_rate=1e30).fit(X, y)


def test_names_of_columns_are_no_classes():
    X, y = problem()
    with pytest.raises(ValueError, match="are their numbers"):
        make().partial_fit(X, y, classes=list("abcdefg"))
    assert make().partial_fit(X, y, classes=range(7)).n_iter_ == 1


@pytest.mark.parametrize("y", [sparse.csr_matrix((90, 0)), sparse.coo_array(np.ones(90))])
def test_targets_without_a_column_are_refused(y):
    with pytest.raises(ValueError, match="one column per label"):
        make().fit(problem()[0], y)
