"""Which scores are kept, from classifiers of both kinds, and in how much memory."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier

from skmlclf.thresholds import chosen_response, kept_scores, tune_thresholds

N_LABELS = 30


class Fixed:
    """A classifier of fixed probabilities, some of whose rows have many that are not small."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def predict_proba(self, X):
        return self.probabilities[np.asarray(X)[:, 0].astype(int)]


class FixedRanking(Fixed):
    """The same, which ranks by itself and counts how often it is asked."""

    def __init__(self, probabilities):
        super().__init__(probabilities)
        self.asked = []

    def predict_topk(self, X, k, *, response_method="predict_proba"):
        assert response_method == "predict_proba"
        self.asked.append((len(X), k))
        p = self.predict_proba(X)
        labels = np.argsort(-p, axis=1, kind="stable")[:, :k]
        return labels, np.take_along_axis(p, labels, axis=1)


def test_scores_that_are_not_numbers_are_refused(probabilities):
    probabilities = probabilities.copy()
    probabilities[3, 7] = np.nan
    with pytest.raises(ValueError, match="gave NaN for some labels"):
        kept_scores(Fixed(probabilities), np.arange(200.0)[:, None], N_LABELS)


@pytest.fixture(scope="module")
def probabilities():
    rng = np.random.default_rng(0)
    p = 0.009 * rng.random((200, N_LABELS))
    p[::20] = rng.random((10, N_LABELS))
    return p


@pytest.mark.parametrize("kind", [Fixed, FixedRanking])
def test_the_best_and_all_that_are_not_small(probabilities, kind):
    X = np.arange(200)[:, None]
    classifier = kind(probabilities)
    kept = kept_scores(classifier, X, N_LABELS, top_k=4, above=0.01)
    rank = np.argsort(np.argsort(-probabilities, axis=1), axis=1)
    expected = np.where((rank < 4) | (probabilities > 0.01), probabilities, 0)
    np.testing.assert_array_equal(kept.toarray(), expected)
    assert kept.nnz == (expected > 0).sum()
    if kind is FixedRanking:
        assert classifier.asked == [(200, 4), (10, 8), (10, 16), (10, 30)]


def test_ties_at_the_last_rank_do_not_fill_memory():
    X = np.arange(50)[:, None]
    kept = kept_scores(Fixed(np.zeros((50, N_LABELS))), X, N_LABELS, top_k=4)
    np.testing.assert_array_equal(np.diff(kept.indptr), 4)


@pytest.mark.parametrize(
    "classifier",
    [KNeighborsClassifier(), MultiOutputClassifier(LogisticRegression()), RidgeClassifier()],
    ids=lambda each: type(each).__name__,
)
def test_classifiers_of_scikit_learn(classifier):
    X, y = make_multilabel_classification(60, n_classes=5, random_state=0)
    classifier.fit(X, y)
    method = chosen_response(classifier, "auto")
    scores = getattr(classifier, method)(X)
    if isinstance(scores, list):
        scores = np.column_stack([each[:, 1] for each in scores])
    for rows in (X, sparse.csr_matrix(X)):
        kept = kept_scores(classifier, rows, 5)
        np.testing.assert_allclose(kept.toarray(), scores, atol=1e-9)
    with pytest.raises(ValueError, match=r"expected (one column per label|as many)"):
        kept_scores(classifier, X, 7)


def test_no_scores_to_decide_by():
    with pytest.raises(ValueError, match="has no predict_proba and no decision_function"):
        chosen_response(object(), "auto")


def test_memory_of_the_tuning():
    """3,750 rows of 3,862 labels, of which 50 are kept; a dense matrix would take 110 MiB."""
    rng = np.random.default_rng(0)
    n_samples, n_labels, n_kept = 3750, 3862, 50
    labels = np.sort(rng.integers(0, n_labels - n_kept, (n_samples, n_kept))) + np.arange(n_kept)
    indptr = np.arange(n_samples + 1) * n_kept
    scores = sparse.csr_matrix(
        (rng.random(labels.size, np.float32), labels.ravel().astype(np.int32), indptr),
        shape=(n_samples, n_labels),
    )
    rows = np.repeat(np.arange(n_samples), 3)
    drawn = labels[rows, rng.integers(0, n_kept, len(rows))]
    y = sparse.csr_matrix((np.ones(len(rows), bool), (rows, drawn)), shape=scores.shape)
    y = y.astype(np.uint8)
    for objective in ("micro_macro_f1", "samples_f1"):
        tracemalloc.start()
        tune_thresholds(scores, y, objective, nonempty=True).decide(scores)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 70 * 2**20, objective
