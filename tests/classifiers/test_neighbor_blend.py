"""A classifier blended with its nearest training rows: the formula, and every way to fit it."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, NeighborBlendClassifier, predict_topk
from skmlclf.datasets import RowStore
from skmlclf.metrics import get_scorer

N_ROWS, N_LABELS, K = 180, 12, 9


def network(**params):
    return BaseMLPClassifier(**{"hidden_units": 10, "epochs": 2, "random_state": 0, **params})


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_ROWS + 60, 8)).astype(np.float32)
    y = (X @ rng.standard_normal((8, N_LABELS)) > 2).astype(np.int64)
    return X[:N_ROWS], y[:N_ROWS], X[N_ROWS:], y[N_ROWS:]


@pytest.fixture(scope="module")
def fitted(data):
    return NeighborBlendClassifier(network(), n_neighbors=K).fit(*data[:2])


@pytest.fixture(scope="module")
def inner(fitted):
    return fitted.estimator_


def by_the_formula(inner, X, y, new, k=K, temperature=0.03, weight=0.35):
    """Return the blend in double precision, over all pairs of rows."""
    space = inner if hasattr(inner, "transform") else inner[:-1]
    bank, rows = (
        each / np.linalg.norm(each, axis=1, keepdims=True)
        for each in (space.transform(X).astype(float), space.transform(new).astype(float))
    )
    cosines = rows @ bank.T
    near = np.argsort(-cosines, axis=1)[:, :k]
    shares = np.exp(np.take_along_axis(cosines, near, axis=1) / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    votes = np.einsum("nk,nkl->nl", shares, y[near])
    scores = inner.predict_proba(new)
    if isinstance(scores, list):
        scores = np.column_stack([each[:, 1] for each in scores])
    return (1 - weight) * scores + weight * votes


def test_the_blend_is_that_of_the_formula(data, fitted, inner):
    X, y, new, _ = data
    expected = by_the_formula(inner, X, y, new)
    found = fitted.predict_proba(new)
    # Half precision moves cosines by some 1e-4, and near ties at the last neighbour.
    assert np.abs(found - expected).max() < 0.02
    assert np.median(np.abs(found - expected)) < 1e-3
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    "params", [{"weight": 0.0}, {"weight": 1.0, "n_neighbors": 1}, {"temperature": 100.0}], ids=str
)
def test_at_the_ends_it_is_what_it_is_made_of(data, inner, params):
    X, y, new, _ = data
    clf = NeighborBlendClassifier(inner, cv="prefit", **{"n_neighbors": K, **params}).fit(X, y)
    found = clf.predict_proba(new)
    if "temperature" in params:
        expected = by_the_formula(inner, X, y, new, temperature=100.0)
        assert np.median(np.abs(found - expected)) < 1e-5
    elif params["weight"] == 0.0:
        np.testing.assert_allclose(found, inner.predict_proba(new), rtol=1e-6)
    else:
        # Each row is its own nearest one.
        np.testing.assert_array_equal(clf.predict(X), y)


@pytest.mark.parametrize("k", [1, 5, N_LABELS])
def test_the_best_labels_are_those_of_all_scores(data, fitted, k):
    new = data[2]
    scores = fitted.predict_proba(new)
    labels, best = fitted.predict_topk(new, k)
    np.testing.assert_allclose(best, -np.sort(-scores, axis=1)[:, :k], rtol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(scores, labels, axis=1), best, rtol=1e-6)
    assert all(len(set(row)) == k for row in labels.tolist())
    logits = fitted.predict_topk(new, k, response_method="decision_function")[1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), best, rtol=1e-4)


def test_decisions_and_logits_follow_from_the_probabilities(data, fitted):
    new, truth = data[2:]
    scores = fitted.predict_proba(new)
    np.testing.assert_array_equal(fitted.predict(new), scores > 0.5)
    np.testing.assert_array_equal(fitted.decision_function(new) > 0, scores > 0.5)
    np.testing.assert_allclose(fitted.predict_log_proba(new), np.log(scores))
    assert scores.min() > 0
    assert scores.max() < 1
    assert fitted.score(new, truth) == np.mean((fitted.predict(new) == truth).all(axis=1))


def test_many_blocks_give_what_one_gives(data, fitted, monkeypatch):
    new = data[2]
    expected = fitted.predict_proba(new), *fitted.predict_topk(new, 5)
    monkeypatch.setattr("skmlclf.classifiers._neighbors._rows.BLOCK_ROWS", 16)
    monkeypatch.setattr("skmlclf.training._nearest._BLOCK_QUERIES", 8)
    monkeypatch.setattr("skmlclf.training._nearest._BLOCK_ROWS", 7)
    for one, several in zip(
        expected, (fitted.predict_proba(new), *fitted.predict_topk(new, 5)), strict=True
    ):
        np.testing.assert_allclose(one, several, rtol=1e-5)


class Stored(RowStore):
    """Rows of an array that cannot be read at once."""

    max_array_bytes = 32 * 8 * 4

    def __init__(self, X):
        self.X = X
        self.shape = X.shape

    def read(self, start, stop):
        return self.X[start:stop].copy()


@pytest.mark.parametrize(
    ("as_X", "as_y"),
    [
        (sparse.csr_matrix, sparse.csc_array),
        (np.ndarray.tolist, np.ndarray.tolist),
        (
            lambda X: pd.DataFrame(X, columns=list("abcdefgh")),
            lambda y: pd.DataFrame(y).add_prefix("l"),
        ),
    ],
    ids=["sparse", "lists", "frames"],
)
def test_any_container_gives_the_same(data, fitted, as_X, as_y):
    X, y, new, truth = data
    clf = clone(fitted).fit(as_X(X), as_y(y))
    np.testing.assert_allclose(clf.predict_proba(as_X(new)), fitted.predict_proba(new), atol=1e-5)
    y_pred = clf.predict(as_X(new))
    assert sparse.issparse(y_pred) == sparse.issparse(as_y(y))
    assert clf.score(as_X(new), as_y(truth)) == pytest.approx(fitted.score(new, truth), abs=0.02)
    if hasattr(as_X(X), "columns"):
        assert list(clf.feature_names_in_) == list("abcdefgh")
        assert list(clf.label_names_) == [f"l{i}" for i in range(N_LABELS)]


def test_rows_on_disk_are_read_by_blocks(data, fitted, inner, monkeypatch):
    X, y, new, _ = data
    monkeypatch.setattr("skmlclf.classifiers._neighbors._rows.BLOCK_ROWS", 32)
    clf = NeighborBlendClassifier(inner, n_neighbors=K, cv="prefit").fit(Stored(X), y)
    with pytest.raises(ValueError, match="at most"):
        np.asarray(Stored(X))
    np.testing.assert_allclose(clf.predict_proba(Stored(new)), fitted.predict_proba(new), rtol=1e-4)
    assert clf.predict_topk(Stored(new), 3)[0].shape == (60, 3)


PIPELINES = {
    "ours": make_pipeline(StandardScaler(), network()),
    "its steps": make_pipeline(PCA(4), KNeighborsClassifier(5)),
    "one each": make_pipeline(PCA(4), OneVsRestClassifier(LogisticRegression())),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_lend_their_space(data, name):
    X, y, new, _ = data
    clf = NeighborBlendClassifier(PIPELINES[name], n_neighbors=K).fit(X, y)
    assert clf._bank_.rows.shape == (N_ROWS, 10 if name == "ours" else 4)
    scores = clf.predict_proba(new)
    np.testing.assert_allclose(clf.predict_topk(new, 4)[1], -np.sort(-scores)[:, :4], rtol=1e-6)
    expected = by_the_formula(clf.estimator_, X, y, new)
    assert np.median(np.abs(scores - expected)) < 1e-3


def test_it_stands_in_a_pipeline_itself(data):
    X, y, new, _ = data
    pipeline = make_pipeline(StandardScaler(), NeighborBlendClassifier(network(epochs=1))).fit(X, y)
    assert predict_topk(pipeline, new, 3)[0].shape == (60, 3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_blended_too(data, n_classes):
    X, _, new, _ = data
    names = np.array(["low", "mid", "top"])
    y = names[np.digitize(X[:, 0], [0.0] if n_classes == 2 else [-0.5, 0.5])]
    clf = NeighborBlendClassifier(network(epochs=4), n_neighbors=K, weight="auto", refit=False)
    clf.fit(X, y)
    scores = clf.predict_proba(new)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(clf.predict(new), clf.classes_[scores.argmax(axis=1)])
    np.testing.assert_array_equal(clf.predict_topk(new, 1)[0][:, 0], clf.predict(new))
    assert clf.score(X, y) > 0.7


def test_a_projection_keeps_the_most_of_all_cosines(data):
    X, y, new, _ = data
    wide = network(hidden_units=40).fit(X, y)
    narrow = NeighborBlendClassifier(wide, n_components=6, cv="prefit").fit(X, y)
    assert narrow._bank_.rows.shape == (N_ROWS, 6)
    assert narrow._bank_.rows.dtype == np.float16
    components = narrow._bank_.components
    np.testing.assert_allclose(components.T @ components, np.eye(6), atol=1e-5)
    unit = wide.transform(X)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    most = (np.linalg.svd(unit, compute_uv=False)[:6] ** 2).sum()
    assert np.linalg.norm(unit @ components) ** 2 == pytest.approx(most, rel=1e-5)
    assert narrow.predict_proba(new).shape == (60, N_LABELS)


def test_a_bank_of_few_rows_is_a_sample_and_keeps_the_last_ones(data, inner):
    X, y, *_ = data
    clf = NeighborBlendClassifier(FrozenEstimator(inner), max_rows=50, random_state=0).fit(X, y)
    again = clone(clf).fit(X, y)
    np.testing.assert_array_equal(clf._bank_.rows, again._bank_.rows)
    other = clone(clf).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(clf._bank_.rows, other._bank_.rows)
    before = clf._bank_.rows
    clf.partial_fit(X[:20], y[:20])
    assert clf._bank_.rows.shape == (50, 10)
    np.testing.assert_array_equal(clf._bank_.rows[:30], before[20:])
    np.testing.assert_array_equal(clf._bank_.labels[30:].toarray(), y[:20])


def test_rows_are_added_to_the_bank_of_a_fixed_estimator_only(data, inner):
    X, y, new, _ = data
    in_parts = NeighborBlendClassifier(FrozenEstimator(inner), n_neighbors=K)
    in_parts.partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    at_once = NeighborBlendClassifier(inner, n_neighbors=K, cv="prefit").fit(X, y)
    np.testing.assert_array_equal(in_parts.predict_proba(new), at_once.predict_proba(new))
    assert at_once.estimator_ is inner
    trains = NeighborBlendClassifier(network())
    assert not hasattr(trains, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as raised:
        trains.partial_fit(X, y)
    assert "rows of another network" in str(raised.value.__cause__)


def test_rows_without_weight_are_no_neighbours(data, inner):
    X, y, new, _ = data
    weight = np.r_[np.ones(100), np.zeros(N_ROWS - 100)]
    clf = NeighborBlendClassifier(FrozenEstimator(inner), n_neighbors=K).fit(X, y, weight)
    fewer = clone(clf).fit(X[:100], y[:100])
    np.testing.assert_array_equal(clf.predict_proba(new), fewer.predict_proba(new))


@pytest.mark.parametrize("scoring", ["gap_at_20", "f1_micro", "accuracy", "hamming"])
def test_the_best_blend_on_held_out_rows_is_chosen(data, inner, scoring, monkeypatch):
    X, y, new, truth = data
    choice = "skmlclf.classifiers._neighbors._choice"
    monkeypatch.setattr(f"{choice}.WEIGHTS", (0.0, 0.3, 0.6))
    monkeypatch.setattr(f"{choice}.TEMPERATURES", (0.03, 0.3))
    clf = NeighborBlendClassifier(
        FrozenEstimator(inner), n_neighbors=K, weight="auto", temperature="auto", scoring=scoring
    ).fit(X, y, X_val=new, y_val=truth)
    scorer = get_scorer(scoring)
    scores = {}
    for weight in (0.0, 0.3, 0.6):
        for temperature in (0.03, 0.3):
            fixed = clone(clf).set_params(weight=weight, temperature=temperature)
            scores[weight, temperature] = scorer(fixed.fit(X, y), new, truth)
    assert scores[clf.weight_, clf.temperature_] == pytest.approx(max(scores.values()), abs=1e-9)


@pytest.mark.parametrize("refit", [True, False])
def test_it_holds_out_rows_to_choose_on_and_is_fitted_again(data, refit):
    X, y, *_ = data
    clf = NeighborBlendClassifier(network(), weight="auto", refit=refit, random_state=0).fit(X, y)
    assert len(clf._bank_.rows) == (N_ROWS if refit else N_ROWS - 18)
    assert 0 <= clf.weight_ <= 1
    assert clf.temperature_ == 0.03


def test_held_out_rows_reach_what_trains_by_epoch(data):
    X, y, new, truth = data
    held_out = {"X_val": new, "y_val": truth}
    alone = NeighborBlendClassifier(network()).fit(X, y, **held_out)
    assert len(alone.estimator_.history_["val_loss"]) == 2
    piped = NeighborBlendClassifier(make_pipeline(StandardScaler(), network()))
    piped.fit(X, y, np.ones(N_ROWS), **held_out)
    assert len(piped.estimator_[-1].history_["val_loss"]) == 2
    assert piped.predict(new).shape == truth.shape


def test_other_indices_find_the_same_neighbours(data, inner, fitted):
    X, y, new, _ = data
    index = NearestNeighbors(algorithm="brute")
    clf = NeighborBlendClassifier(inner, n_neighbors=K, index=index, cv="prefit").fit(X, y)
    assert not hasattr(index, "n_features_in_")
    differences = np.abs(clf.predict_proba(new) - fitted.predict_proba(new))
    assert np.median(differences) < 1e-6
    assert differences.max() < 0.02  # near ties at the last neighbour


def test_a_graph_finds_nearly_all_neighbours(data, inner, fitted):
    pytest.importorskip("faiss")
    X, y, new, _ = data
    clf = NeighborBlendClassifier(inner, n_neighbors=K, index="hnsw", cv="prefit").fit(X, y)
    differences = np.abs(clf.predict_proba(new) - fitted.predict_proba(new))
    assert np.mean(differences.max(axis=1) < 1e-3) > 0.8


def test_a_graph_needs_faiss(data, inner, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    clf = NeighborBlendClassifier(inner, index="hnsw", cv="prefit")
    with pytest.raises(ImportError, match=r"skmlclf\[neighbors\]"):
        clf.fit(*data[:2])


def test_unknown_labels_count_as_absent(data, inner):
    X, y, new, _ = data
    unknown = y.astype(float)
    unknown[::3, 0] = np.nan
    absent = np.nan_to_num(unknown)
    clf = NeighborBlendClassifier(inner, n_neighbors=K, cv="prefit")
    found = clf.fit(X, unknown).predict_proba(new)
    np.testing.assert_array_equal(found, clf.fit(X, absent).predict_proba(new))


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (LogisticRegression(), TypeError, "must be a transformer too"),
        (make_pipeline(KNeighborsClassifier()), TypeError, "make_pipeline"),
        (StandardScaler(), ValueError, "predict_proba"),
        (FrozenEstimator(network()), NotFittedError, "not fitted"),
        (network(learning_rate=-1.0), ValueError, "learning_rate"),
    ],
    ids=str,
)
def test_what_cannot_be_blended_is_refused(data, estimator, error, message):
    with pytest.raises(error, match=message):
        NeighborBlendClassifier(estimator).fit(*data[:2])


def test_a_refused_fit_changes_nothing(data, fitted):
    X, y, new, truth = data
    clf = NeighborBlendClassifier(fitted.estimator_, cv="prefit").fit(X, y)
    expected = clf.predict_proba(new)
    with pytest.raises(ValueError, match="together"):
        clf.fit(X, y, X_val=new)
    with pytest.raises(ValueError, match="X_val and y_val cannot be used"):
        clf.fit(X, y, X_val=new, y_val=truth[:, :3])
    with pytest.raises(ValueError, match="pass a y of the same ones"):
        clf.fit(X, y[:, :5])
    with pytest.raises(TypeError, match="takes no sample_weight"):
        NeighborBlendClassifier(PIPELINES["its steps"]).fit(X, y, np.ones(N_ROWS))
    np.testing.assert_array_equal(clf.predict_proba(new), expected)
