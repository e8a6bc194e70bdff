"""Classifiers on rows that stay on disk: the same results as on the loaded array."""

import re

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline

from skmlclf import BaseMLPClassifier, NetworkClassifier, _progress, predict_topk
from skmlclf.callbacks import Checkpoint, EpochMetrics
from skmlclf.datasets import NpyRowStore, RowStore, make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.training import _features

N_ROWS, N_LABELS = 300, 12


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """Rows as an array, as files, and their labels."""
    folder = tmp_path_factory.mktemp("rows")
    X, y = make_video_embeddings(N_ROWS, n_labels=N_LABELS, random_state=0)
    X = np.ascontiguousarray(X[:, :20])
    for i, part in enumerate(np.array_split(X, 4)):
        np.save(folder / f"{i}.npy", part)
    return X, NpyRowStore(folder / "*.npy"), sparse.csr_matrix(y)


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 60 rows, so that 300 are far from fitting."""
    monkeypatch.setattr(_features, "WINDOW_BYTES", 2 * 60 * 80)
    monkeypatch.setattr(NpyRowStore, "block_rows", 7)


def small_mlp(**params):
    return BaseMLPClassifier(**{"hidden_units": 8, "epochs": 2, "random_state": 0, **params})


def weights(classifier):
    return [np.asarray(variable) for variable in classifier.model_.variables]


def assert_same_fit(one, other):
    assert one.history_ == other.history_
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True, "epochs": 3},
        {"callbacks": [EpochMetrics(["gap_at_5", "f1_samples", "map"])]},
        {"early_stopping": True, "stratify": True},
    ],
    ids=["plain", "early stopping", "metrics", "stratified"],
)
def test_a_fit_is_that_of_the_array(problem, params):
    X, stored, y = problem
    params = {"verbose": 0, **params}
    assert_same_fit(small_mlp(**params).fit(X, y), small_mlp(**params).fit(stored, y))


def test_a_shuffle_by_blocks_trains_as_the_array_in_that_order(problem, small_windows, monkeypatch):
    X, stored, y = problem
    weight = np.random.default_rng(0).integers(0, 3, N_ROWS)
    index = np.flatnonzero(weight)
    blocks = _features.StoredFeatures(stored[index], None)
    on_disk = small_mlp().fit(stored, y, weight)
    in_full = small_mlp().fit(X, y, weight)
    assert on_disk.history_ != in_full.history_
    monkeypatch.setattr(_features.ArrayFeatures, "shuffled", lambda self, rng: blocks.shuffled(rng))
    assert_same_fit(small_mlp().fit(X, y, weight), on_disk)


@pytest.mark.parametrize("held_out", ["array", "store"])
def test_held_out_rows_may_be_on_disk(problem, small_windows, held_out):
    X, stored, y = problem
    fits = [
        small_mlp(callbacks=[EpochMetrics(["precision_at_3", "hamming"])], verbose=0).fit(
            X[:200], y[:200], X_val=rows[200:], y_val=y[200:]
        )
        for rows in (X, stored)
    ]
    assert_same_fit(*fits)


def test_predictions_are_those_of_the_array(problem, small_windows):
    X, stored, y = problem
    classifier = small_mlp().fit(X, y)
    for method in ("predict_proba", "decision_function", "predict_log_proba"):
        on_array, on_store = (getattr(classifier, method)(rows) for rows in (X, stored))
        np.testing.assert_array_equal(on_store, on_array)
    assert (classifier.predict(stored) != classifier.predict(X)).nnz == 0
    for a, b in zip(
        classifier.predict_topk(stored, 3), predict_topk(classifier, X, 3), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert classifier.score(stored, y) == classifier.score(X, y)
    for name in ("gap_at_5", "f1_macro", "map", "hamming"):
        scorer = get_scorer(name)
        assert scorer(classifier, stored, y) == scorer(classifier, X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_and_splits(problem, n_jobs):
    X, stored, y = problem
    search = GridSearchCV(
        make_pipeline(small_mlp(epochs=1)),
        {"basemlpclassifier__dropout": [0.0, 0.4]},
        scoring=get_scorer("gap_at_5"),
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    )
    on_array, on_store = (clone(search).fit(rows, y) for rows in (X, stored))
    for key in ("mean_test_score", "split0_test_score"):
        np.testing.assert_array_equal(on_store.cv_results_[key], on_array.cv_results_[key])
    if n_jobs is None:
        dense = y.toarray()
        scores = [cross_validate(small_mlp(epochs=1), rows, dense, cv=2) for rows in (X, stored)]
        np.testing.assert_array_equal(*(each["test_score"] for each in scores))
        parts = [train_test_split(rows, y, random_state=0) for rows in (X, stored)]
        assert isinstance(parts[1][0], RowStore)
        fits = [small_mlp().fit(train, labels) for train, _, labels, _ in parts]
        assert_same_fit(*fits)
        np.testing.assert_array_equal(
            fits[0].predict_proba(parts[0][1]), fits[1].predict_proba(parts[1][1])
        )


def test_partial_fit_and_a_network_of_ones_own(problem, small_windows):
    X, stored, y = problem
    classifier = small_mlp()
    for rows in (slice(0, 150), slice(150, None)):
        classifier.partial_fit(stored[rows], y[rows])
    assert classifier.n_iter_ == 2

    def network(n_features, n_outputs):
        inputs = keras.Input((n_features,))
        return keras.Model(inputs, keras.layers.Dense(n_outputs)(inputs))

    own = NetworkClassifier(network, epochs=1, random_state=0).fit(stored, y)
    np.testing.assert_array_equal(own.predict_proba(stored), own.predict_proba(X))


def test_a_fit_is_resumed_over_rows_on_disk(problem, small_windows, tmp_path):
    _, stored, y = problem

    class Stop(keras.callbacks.Callback):
        epoch = 1

        def on_epoch_end(self, epoch, logs=None):
            if epoch == self.epoch:
                raise RuntimeError("stopped")

    def fit(rows, *callbacks):
        return small_mlp(epochs=3, batch_size=64, callbacks=[*callbacks, stop]).fit(rows, y)

    checkpoint, stop = Checkpoint(tmp_path / "one", every=2), Stop()
    with pytest.raises(RuntimeError, match="stopped"):
        fit(stored, checkpoint)
    stop.epoch = None
    assert_same_fit(fit(stored, checkpoint), fit(stored, Checkpoint(tmp_path / "other", every=2)))
    with pytest.raises(ValueError, match="X: other values"):
        fit(stored[np.arange(N_ROWS)[::-1]], checkpoint)


class Broken(RowStore):
    """Rows of which one holds NaN."""

    def __init__(self, X, where):
        self.X, self.where, self.shape = X, where, X.shape

    def read(self, start, stop):
        rows = self.X[start:stop].copy()
        rows[np.arange(start, stop) == self.where] = np.nan
        return rows


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict_topk"])
def test_a_broken_row_leaves_the_estimator_as_it_was(problem, method):
    X, _, y = problem
    classifier = small_mlp().fit(X, y)
    before = weights(classifier)
    arguments = () if method == "predict_topk" else (y,)
    with pytest.raises(ValueError, match="row 123, column 0 of <Broken"):
        getattr(classifier, method)(Broken(X, 123), *arguments)
    for a, b in zip(weights(classifier), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert classifier.n_iter_ == 2


def test_rows_of_another_form_are_refused_before_they_are_read(problem):
    X, stored, y = problem
    classifier = small_mlp().fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features, but BaseMLPClassifier is expecting 20"):
        classifier.predict(stored[:, :5])
    with pytest.raises(ValueError, match="at least one row"):
        classifier.fit(stored[:0], y[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(stored[:9], y)
    with pytest.raises(ValueError, match="X_val has 5 features, expected the 20"):
        classifier.fit(stored, y, X_val=stored[:, :5], y_val=y)


def test_a_long_prediction_says_how_far_it_is(problem, capfd, monkeypatch):
    X, stored, y = problem
    classifier = small_mlp(verbose=1).fit(X, y)
    monkeypatch.setattr(_progress, "_SECONDS_IN_LOG", 0.0)
    capfd.readouterr()
    classifier.predict_topk(stored, 3)
    assert re.search(r"Predicting: 100%, 300 of 300 rows", capfd.readouterr().err)
    classifier.set_params(verbose=0).predict(stored)
    assert capfd.readouterr() == ("", "")
