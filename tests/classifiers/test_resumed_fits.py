"""Fits that are interrupted anywhere and run again: they end as if nothing had happened."""

import copy

import keras
import numpy as np
import pytest

from skmlclf import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    NetworkClassifier,
    load,
)
from skmlclf.callbacks import Checkpoint, EpochMetrics
from skmlclf.classifiers import _checkpointing
from skmlclf.classifiers._best_epoch import BestEpoch
from skmlclf.classifiers._held_out import HeldOut
from skmlclf.classifiers._history import HistoryRecorder
from skmlclf.metrics import get_scorer
from skmlclf.training import RowBatches, _batches


def problem(n_rows=150, n_features=12, n_labels=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    return X, (X @ rng.standard_normal((n_features, n_labels)) > 2).astype(np.int64)


def make(folder, cls=BaseMLPClassifier, *, every="epoch", callbacks=(), **params):
    saved = [] if folder is None else [Checkpoint(folder, every=every)]
    defaults = {"epochs": 3, "batch_size": 16, "random_state": 0}
    if cls is not NetworkClassifier:
        defaults["hidden_units"] = 8 if cls is BaseMLPClassifier else (8, 8)
    return cls(**{**defaults, **params, "callbacks": [*saved, *callbacks]})


def two_layers(n_features, n_outputs, width=8):
    inputs = keras.Input((n_features,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(width)(inputs))
    hidden = keras.layers.Dropout(0.3)(keras.layers.ReLU()(hidden))
    return keras.Model(inputs, keras.layers.Dense(n_outputs)(hidden))


STOPPING = {"early_stopping": True, "n_iter_no_change": 2, "epochs": 8}
CASES = {
    "base": {},
    "every step": {"every": 1},
    "every four steps": {"every": 4},
    "more steps than an epoch has": {"every": 13},
    "schedule": {"every": 3, "learning_rate_schedule": "cosine", "warmup_epochs": 1.5},
    "blocks": {"cls": BlockMLPClassifier, "every": 4},
    "blocks that stop": {"cls": BlockMLPClassifier, "learning_rate": 0.1, **STOPPING},
    "stops in the middle": {"every": 3, "learning_rate": 0.3, "scoring": "gap_at_20", **STOPPING},
    "residual": {"cls": DeepMLPClassifier, "every": 5, "ema_momentum": 0.9},
    "averages that stop": {"every": 4, "ema_momentum": 0.9, "learning_rate": 0.1, **STOPPING},
    "class weights": {"class_weight": "balanced", "weight_decay": 0.1, "every": 4},
    "sgd": {"optimizer": "sgd", "dropout": 0.4, "every": 4},
    "optimizer object": {
        "optimizer": keras.optimizers.Adam(0.01, amsgrad=True, use_ema=True, ema_momentum=0.9)
    },
    "rate of its own": {
        "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20)),
        "every": 4,
    },
    "own network": {"cls": NetworkClassifier, "build_network": two_layers, "every": 4},
    "metrics": {"callbacks": [EpochMetrics(["ndcg_at_5", "map"], verbose=False)]},
}


def left_by(clf):
    """Return everything that a fit has left, to be compared bit for bit."""
    model = clf.model_
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    values = [np.asarray(v.value) for v in [*variables, *model.optimizer.variables]]
    generators = [clf._generator, clf._split_generator]
    states = [(g.get_state()[1], g.get_state()[2]) for g in generators]
    record = (clf.history_, clf.n_iter_, clf.best_epoch_, list(clf.history_))
    return [v.tobytes() for v in values], [(k.tobytes(), pos) for k, pos in states], record


class Interruptions:
    """Raise at the n-th of the moments that a fit goes through, or count them."""

    def __init__(self, monkeypatch):
        self.left = None
        self.seen = 0
        for owner, name in [
            (RowBatches, "_chunk"),
            (HeldOut, "evaluate"),
            (HistoryRecorder, "measure"),
            (HistoryRecorder, "on_epoch_end"),
            (HistoryRecorder, "on_train_end"),
            (BestEpoch, "on_epoch_end"),
            (BestEpoch, "on_train_end"),
            (_checkpointing, "write_plain"),
        ]:
            monkeypatch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, function):
        def interrupted(*args, **kwargs):
            self.tick()
            result = function(*args, **kwargs)
            self.tick()
            return result

        return interrupted

    def tick(self):
        self.seen += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


@pytest.fixture
def interruptions(monkeypatch):
    # Several calls of the compiled step per epoch.
    monkeypatch.setattr(_batches, "_CALL_BYTES", 3000)
    # No power cut is simulated here, and waiting for the disk takes longer than the fits.
    monkeypatch.setattr("skmlclf._atomic._sync", lambda path: None)
    return Interruptions(monkeypatch)


@pytest.mark.parametrize("name", CASES)
def test_a_fit_interrupted_again_and_again_ends_bit_for_bit(name, tmp_path, interruptions):
    X, y = problem()
    whole = make(tmp_path / "whole", **CASES[name]).fit(X, y)
    n_moments, interruptions.seen = interruptions.seen, 0
    rng = np.random.default_rng(0)
    n_interrupted = 0
    for _ in range(10_000):
        clf = make(tmp_path / "parts", **CASES[name])
        interruptions.left = int(rng.integers(n_moments // 2))
        try:
            clf.fit(X, y)
        except KeyboardInterrupt:
            n_interrupted += 1
        else:
            break
    assert n_interrupted >= 2
    assert left_by(clf) == left_by(whole)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize(("every", "first"), [("epoch", 0), (2, 2)])
def test_there_is_no_moment_that_a_fit_does_not_survive(every, first, tmp_path, interruptions):
    X, y = problem(n_rows=60)
    params = {"every": every, "epochs": 2, "early_stopping": True, "random_state": 3}
    whole = make(tmp_path / "whole", **params).fit(X, y)
    n_moments = interruptions.seen
    for moment in range(first, n_moments, 4):
        folder = tmp_path / str(moment)
        interruptions.left = moment
        with pytest.raises(KeyboardInterrupt):
            make(folder, **params).fit(X, y)
        interruptions.left = None
        assert left_by(make(folder, **params).fit(X, y)) == left_by(whole), moment
    assert n_moments > 30


@pytest.mark.parametrize("every", ["epoch", 1, 4])
def test_checkpoints_do_not_change_the_weights(every, tmp_path):
    X, y = problem()
    params = {"cls": BlockMLPClassifier, "early_stopping": True}
    plain = make(None, **params).fit(X, y)
    saved = make(tmp_path, every=every, **params).fit(X, y)
    assert left_by(saved)[:2] == left_by(plain)[:2]
    # Losses of steps are added up in another order where a call of the compiled step ends earlier.
    for name, values in plain.history_.items():
        np.testing.assert_allclose(saved.history_[name], values, rtol=1e-6)


@pytest.mark.parametrize(
    "kind", ["binary", "multiclass", "weighted entries", "sparse", "validation"]
)
def test_targets_and_weights_of_every_kind(kind, tmp_path, interruptions):
    X, y = problem()
    rest = {}
    if kind == "binary":
        y = np.array(["no", "yes"])[y[:, 0]]
    elif kind == "multiclass":
        y = y.argmax(axis=1)
    elif kind == "weighted entries":
        y = y.astype(float)
        y[::3, 1] = np.nan
        rest = {"sample_weight": np.random.default_rng(0).uniform(0.5, 2, y.shape)}
    elif kind == "validation":
        rest = {"X_val": X[:40] + 1, "y_val": y[:40], "sample_weight": np.arange(150.0)}
    params = {"every": 4, **STOPPING}
    whole = make(tmp_path / "whole", **params).fit(X, y, **rest)
    interruptions.left = interruptions.seen // 2
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "parts", **params).fit(X, y, **rest)
    interruptions.left = None
    assert left_by(make(tmp_path / "parts", **params).fit(X, y, **rest)) == left_by(whole)


class Counter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.batches = [*getattr(self, "batches", []), batch]


def test_callbacks_that_watch_batches_go_on_with_the_next_batch(tmp_path, interruptions):
    X, y = problem()
    whole = make(tmp_path / "whole", every=4, callbacks=[Counter()]).fit(X, y)
    before, after = Counter(), Counter()
    interruptions.left = 30
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "parts", every=4, callbacks=[before]).fit(X, y)
    interruptions.left = None
    resumed = make(tmp_path / "parts", every=4, callbacks=[after]).fit(X, y)
    assert left_by(resumed) == left_by(whole)
    assert after.batches[0] % 2 == 0
    assert 30 <= len(before.batches) + len(after.batches) <= 33


class StopAt(keras.callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.batch:
            self.model.stop_training = True


def test_a_fit_that_was_asked_to_stop_stops(tmp_path, interruptions):
    X, y = problem()
    whole = make(tmp_path / "whole", every=1, callbacks=[StopAt(5)]).fit(X, y)
    assert whole.n_iter_ == 1
    n_moments = interruptions.seen
    for moment in range(n_moments - 21, n_moments, 4):
        interruptions.left = moment
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / str(moment), every=1, callbacks=[StopAt(5)]).fit(X, y)
        interruptions.left = None
        resumed = make(tmp_path / str(moment), every=1, callbacks=[StopAt(5)]).fit(X, y)
        assert left_by(resumed) == left_by(whole)


def test_the_same_estimator_resumes(tmp_path, interruptions):
    X, y = problem()
    whole = make(tmp_path / "whole").fit(X, y)
    clf = make(tmp_path / "parts")
    interruptions.left = interruptions.seen // 2
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    interruptions.left = None
    assert left_by(clf.fit(X, y)) == left_by(whole)
    assert left_by(clf.fit(X, y)) == left_by(whole)


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_a_resumed_fit_that_is_interrupted_keeps_the_last_completed_epoch(tmp_path):
    X, y = problem()
    after_one = make(None, epochs=1).fit(X, y)
    for _ in range(2):
        clf = make(tmp_path, callbacks=[InterruptAt(1)])
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
        assert (clf.n_iter_, clf.best_epoch_) == (1, 0)
        np.testing.assert_array_equal(clf.predict_proba(X), after_one.predict_proba(X))


def test_an_unseeded_fit_resumes_with_the_generators_it_had(tmp_path, interruptions, monkeypatch):
    X, y = problem()
    params = {"every": 4, "random_state": None, **STOPPING}
    interruptions.left = 60
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, **params).fit(X, y)
    interruptions.left = None
    resumed = make(tmp_path, **params).fit(X, y)
    start = resumed._split_generator
    monkeypatch.setattr(BaseMLPClassifier, "_new_generator", lambda self: copy.deepcopy(start))
    assert left_by(make(None, **params).fit(X, y))[:2] == left_by(resumed)[:2]


def test_a_callers_generator_is_asked_for_one_number(tmp_path, interruptions):
    X, y = problem()
    expected = np.random.RandomState(5)
    whole = make(None, random_state=expected).fit(X, y)
    used = np.random.RandomState(5)
    interruptions.left = 20
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, random_state=used).fit(X, y)
    interruptions.left = None
    # In this process it has moved on; in a new one it would be as at first.
    for state in (used, np.random.RandomState(5)):
        clf = make(tmp_path, random_state=state).fit(X, y)
        np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))
        assert state.get_state()[2] == expected.get_state()[2]
    with pytest.raises(ValueError, match="random_state: other values in a RandomState"):
        make(tmp_path, random_state=np.random.RandomState(6)).fit(X, y)


def test_warm_starts_resume_from_the_weights_they_had(tmp_path, interruptions):
    X, y = problem()
    first = make(None, warm_start=True).fit(X, y)
    first.save(tmp_path / "first.safetensors", with_optimizer=True)

    def second(folder):
        clf = load(tmp_path / "first.safetensors")
        clf.set_params(callbacks=[Checkpoint(folder, every=4)], early_stopping=True)
        return clf

    interruptions.seen = 0
    whole = second(tmp_path / "whole").fit(X, y)
    interruptions.left = interruptions.seen // 2
    with pytest.raises(KeyboardInterrupt):
        second(tmp_path / "parts").fit(X, y)
    interruptions.left = None
    resumed = second(tmp_path / "parts").fit(X, y)
    assert left_by(resumed) == left_by(whole)
    assert resumed.n_iter_ > 3
    # It starts from other weights now.
    with pytest.raises(ValueError, match="the weights that training starts from was those after 3"):
        resumed.fit(X, y)


def test_callbacks_of_scikit_learn_beside_it(tmp_path, interruptions):
    monitor = pytest.importorskip("sklearn.callback").ScoringMonitor
    X, y = problem()
    whole = make(None).fit(X, y)

    def watched():
        return make(tmp_path).set_callbacks(monitor(scoring=get_scorer("precision_at_2")))

    interruptions.left = 30
    with pytest.raises(KeyboardInterrupt):
        watched().fit(X, y)
    interruptions.left = None
    # Resumed, and then returned at once.
    for _ in range(2):
        assert left_by(watched().fit(X, y))[:2] == left_by(whole)[:2]
