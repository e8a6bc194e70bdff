"""What an estimator is left with: after interruptions, failures, and callbacks of any kind."""

import multiprocessing
import pickle

import keras
import numpy as np
import pytest

from skmlclf import BaseMLPClassifier, BlockMLPClassifier
from skmlclf.callbacks import EpochMetrics


def problem(n_rows=90, n_features=12, n_labels=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    scores = X @ rng.standard_normal((n_features, n_labels))
    return X, (scores > 3).astype(np.int64)


def make(cls=BaseMLPClassifier, **kwargs):
    # Without a schedule, the first epochs of a long fit are those of a short one.
    params = {"hidden_units": 16, "epochs": 3, "learning_rate_schedule": "constant"}
    return cls(**{**params, "random_state": 0, **kwargs})


def loss_of(clf, X, y):
    z = clf.decision_function(X).astype(np.float64)
    return (np.logaddexp(0, z) - z * y).mean()


class InterruptAfter(keras.callbacks.Callback):
    """Raise in the middle of an epoch."""

    def __init__(self, epoch, error=KeyboardInterrupt):
        super().__init__()
        self.epoch, self.error = epoch, error

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fit_keeps_the_last_completed_epoch(error):
    X, y = problem()
    whole = make(epochs=2).fit(X, y, X_val=X, y_val=y)
    clf = make(epochs=9, callbacks=[InterruptAfter(2, error)])
    with pytest.raises(error):
        clf.fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))
    assert clf.history_.keys() == whole.history_.keys()
    # Losses of batches are added up in another order where a callback watches batches.
    for name, values in whole.history_.items():
        np.testing.assert_allclose(clf.history_[name], values, rtol=1e-6)
    assert (clf.n_iter_, clf.best_epoch_) == (2, 1)


def test_a_refit_interrupted_in_its_first_epoch_keeps_the_last_fit():
    X, y = problem()
    clf = make().fit(X, y)
    before = clf.predict_proba(X), dict(clf.history_), clf.n_iter_, clf.best_epoch_
    clf.set_params(callbacks=[InterruptAfter(0)], hidden_units=5)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X[:, :5], y[:, :3])
    np.testing.assert_array_equal(clf.predict_proba(X), before[0])
    assert (clf.history_, clf.n_iter_, clf.best_epoch_) == before[1:]
    fresh = make(callbacks=[InterruptAfter(0)])
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, y)
    assert not hasattr(fresh, "model_")
    assert not hasattr(fresh, "classes_")


def test_an_interrupted_partial_fit_changes_nothing():
    X, y = problem()
    clf = make().partial_fit(X[:30], y[:30])
    expected = pickle.loads(pickle.dumps(clf)).partial_fit(X, y).predict_proba(X)
    before = clf.predict_proba(X)
    clf.set_params(callbacks=[InterruptAfter(1)])
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert clf.n_iter_ == 1
    # The optimizer has made its steps; the weights have not.
    assert expected.shape == before.shape


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 1e38, "epochs": 1, "optimizer": "sgd"},
        {"learning_rate": 1e38, "epochs": 1},
        {"learning_rate": 1e30, "epochs": 9, "callbacks": [EpochMetrics(verbose=False)]},
    ],
    ids=["one step", "adam", "with metrics"],
)
def test_a_fit_that_diverges_says_so_and_leaves_nothing_to_predict_with(options):
    X, y = problem()
    clf = make().fit(X, y)
    clf.set_params(**options)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+: its .* Lower learning_rate"):
        clf.fit(100 * X, y)
    for name in ("model_", "classes_", "history_", "n_features_in_"):
        assert not hasattr(clf, name)


def test_one_huge_cell_is_found():
    X, y = problem()
    X[3, 4] = 1e30
    with pytest.raises(ValueError, match="diverged"):
        make(epochs=5, learning_rate=0.1).fit(X, y)


def test_what_is_reported_is_of_the_weights_that_keras_brings_back():
    X, y = problem(200)
    X_val, y_val = problem(100, seed=9)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    clf = make(epochs=40, learning_rate=0.02, hidden_units=64, callbacks=[stop])
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    losses = clf.history_["val_loss"]
    assert clf.best_epoch_ == int(np.argmin(losses)) < len(losses) - 1
    np.testing.assert_allclose(loss_of(clf, X_val, y_val), losses[clf.best_epoch_], rtol=1e-5)


def test_what_is_reported_is_of_weights_that_no_epoch_had():
    class Average(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = [*getattr(self, "seen", []), self.model.get_weights()]

        def on_train_end(self, logs=None):
            self.model.set_weights([np.mean(each, axis=0) for each in zip(*self.seen, strict=True)])

    X, y = problem()
    clf = make(callbacks=[Average()]).fit(X, y, X_val=X, y_val=y)
    assert clf.best_epoch_ == 2
    np.testing.assert_allclose(loss_of(clf, X, y), clf.history_["val_loss"][2], rtol=1e-5)


def test_resumed_fits_never_lose_the_best_weights():
    X, y = problem(200)
    X_val, y_val = problem(100, seed=9)
    clf = make(
        epochs=6,
        learning_rate=0.02,
        hidden_units=64,
        warm_start=True,
        early_stopping=True,
        n_iter_no_change=2,
    )
    losses = []
    for _ in range(5):
        clf.fit(X, y, X_val=X_val, y_val=y_val)
        losses.append(loss_of(clf, X_val, y_val))
        np.testing.assert_allclose(losses[-1], clf.history_["val_loss"][clf.best_epoch_], rtol=1e-5)
        assert losses[-1] <= min(clf.history_["val_loss"]) * (1 + 1e-6)
    assert losses == sorted(losses, reverse=True)


def test_early_stopping_on_a_metric_that_is_not_defined():
    X, y = problem()
    clf = make(early_stopping=True, scoring="map")
    with pytest.raises(ValueError, match="'val_map', which is NaN after epoch 1"):
        clf.fit(X, y, X_val=X, y_val=np.zeros_like(y))


def test_early_stopping_on_scorers():
    X, y = problem(200)

    def rows_right(estimator, X, y):
        return estimator.score(X, y)

    for scoring, name in (("accuracy", "accuracy"), (rows_right, "rows_right")):
        clf = make(early_stopping=True, scoring=scoring, epochs=4).fit(X, y)
        assert len(clf.history_[f"val_{name}"]) == clf.n_iter_
    values = clf.history_["val_rows_right"]
    assert values[clf.best_epoch_] == max(values)


def test_fits_leave_the_callers_callbacks_and_parameters_alone():
    X, y = problem()
    watch = EpochMetrics(["hit_at_1"], verbose=False)

    def settings():
        # What Keras itself tells a callback is `params` and `_model`.
        return {k: v for k, v in vars(watch).items() if k[0] != "_" and k != "params"}

    before = settings()
    clf = make(callbacks=[watch], verbose=0).fit(X, y)
    assert settings() == before
    params = clf.get_params()
    pickle.dumps(clf)
    assert clf.get_params() == params
    assert clf.callbacks[0] is watch


def test_verbose_without_a_standard_output(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    X, y = problem()
    make(verbose=1, callbacks=[EpochMetrics(["hit_at_1"])]).fit(X, y)
    make(verbose=1).fit(X, y)


def test_early_stopping_can_hold_out_every_label():
    X, y = problem(200)
    y[:, 0] = 0
    y[[3, 150], 0] = 1
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["val_tp"] + logs["val_fn"])

    clf = make(
        stratify=True,
        epochs=1,
        callbacks=[EpochMetrics(["multilabel_confusion_matrix"], verbose=False), Look()],
        validation_fraction=0.25,
    ).fit(X, y)
    wanted = 0.25 * y.sum()
    assert abs(seen[0] - wanted) <= y.shape[1]
    assert clf.n_iter_ == 1


def predict_in_child(clf, X, queue):
    try:
        clf.predict(X)
    except RuntimeError as error:
        queue.put(str(error))
    else:
        queue.put("predicted")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_is_refused_at_once():
    X, y = problem()
    clf = make().fit(X, y)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=predict_in_child, args=(clf, X, queue))
    child.start()
    message = queue.get(timeout=60)
    child.join(timeout=60)
    for way in ("spawn", "forkserver", "loky"):
        assert way in message


def test_keras_settings_of_the_process():
    X, y = problem()
    expected = make().fit(X, y).predict_proba(X)
    import tensorflow as tf

    keras.config.set_floatx("float64")
    try:
        with pytest.raises(ValueError, match="set_floatx"):
            make().fit(X, y)
    finally:
        keras.config.set_floatx("float32")
    tf.config.run_functions_eagerly(True)
    try:
        np.testing.assert_array_equal(make().fit(X, y).predict_proba(X), expected)
    finally:
        tf.config.run_functions_eagerly(False)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        np.testing.assert_allclose(make().fit(X, y).predict_proba(X), expected, rtol=1e-5)


def test_weights_of_blocks_are_restored_with_their_statistics():
    X, y = problem()
    clf = make(BlockMLPClassifier, epochs=9, callbacks=[InterruptAfter(2)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    whole = make(BlockMLPClassifier, epochs=2).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))
