"""The blend of a classifier's probabilities with those of neighbours."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.classifiers._neighbors._bank import Bank
from skmlclf.classifiers._neighbors._index import Index
from skmlclf.classifiers._neighbors._responses import FittedClassifier


@dataclass(frozen=True)
class Candidates:
    """The labels of some rows that can be among the best of a blend.

    With ``p`` the classifier's probability of a label and ``q`` its share of the neighbours'
    weight, the blend is ``(1 - weight) * p + weight * q``. The candidates of a row are all labels
    with ``q > 0`` and the `k` labels with the largest ``p``. The `k` best of them are the `k` best
    of all labels: any other label has ``q = 0`` and no larger ``p`` than each of the classifier's
    own `k` best, so that each of those has at least its blend.

    Attributes
    ----------
    votes : csr_matrix of shape (n_rows, n_labels), float32
        ``q`` where it is positive.
    voted : ndarray of shape (votes.nnz,), float32
        ``p`` of the same labels.
    best : ndarray of shape (n_rows, k)
        The classifier's own best labels.
    best_probabilities : ndarray of shape (n_rows, k), float32
        ``p`` of them.
    """

    votes: sparse.csr_matrix
    voted: np.ndarray
    best: np.ndarray
    best_probabilities: np.ndarray

    def blend(self, weight: float) -> np.ndarray:
        """Return the blend where neighbours have labels, in the order of ``votes.data``."""
        return blended(self.voted, self.votes.data, weight)

    def ranked(self, k: int, weight: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best labels and their blends, best first.

        `k` is at most that of the candidates. Of equal blends the lower label comes first.
        """
        columns, stored = padded_columns(self.votes)
        scores = np.full(columns.shape, -np.inf, np.float32)
        scores[stored] = self.blend(weight)
        own = blended(self.best_probabilities, np.float32(0.0), weight)
        own[self._have_votes()] = -np.inf  # listed among the neighbours' labels
        labels = np.concatenate([columns, self.best], axis=1)
        scores = np.concatenate([scores, own], axis=1)
        chosen = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        labels = np.take_along_axis(labels, chosen, axis=1)
        scores = np.take_along_axis(scores, chosen, axis=1)
        order = np.lexsort((labels, -scores), axis=1)
        return np.take_along_axis(labels, order, axis=1), np.take_along_axis(scores, order, axis=1)

    def _have_votes(self) -> np.ndarray:
        """Say of the classifier's best labels which ones neighbours have too."""
        keys = _keys(self.votes)
        n_rows, n_labels = self.votes.shape
        asked = np.arange(n_rows)[:, None] * n_labels + self.best
        at = np.minimum(np.searchsorted(keys, asked), max(0, len(keys) - 1))
        return keys[at] == asked if len(keys) else np.zeros(asked.shape, bool)


@dataclass(frozen=True)
class Blend:
    """Everything that the predictions of a blend are made from.

    Attributes
    ----------
    classifier : FittedClassifier
    bank : Bank
    index : Index or None
    n_neighbors : int
    temperature, weight : float
    """

    classifier: FittedClassifier
    bank: Bank
    index: Index | None
    n_neighbors: int
    temperature: float
    weight: float

    def votes(self, X: Any) -> sparse.csr_matrix:
        """Return the neighbours' share of each label, for the rows of one block."""
        return self.bank.votes(*self.nearest(X), self.temperature)

    def nearest(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and cosines of the neighbours, for the rows of one block."""
        return self.bank.nearest(self.classifier.hidden(X), self.n_neighbors, self.index)

    def probabilities(self, X: Any) -> np.ndarray:
        """Return the blend of every label, float32, for the rows of one block."""
        scores = blended(self.classifier.probabilities(X), np.float32(0.0), self.weight)
        votes = self.votes(X)
        rows = np.repeat(np.arange(len(scores)), np.diff(votes.indptr))
        scores[rows, votes.indices] += np.float32(self.weight) * votes.data
        return scores

    def topk(self, X: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best labels and their blends, for the rows of one block."""
        return candidates(self.classifier, X, self.votes(X), k).ranked(k, self.weight)


def candidates(
    classifier: FittedClassifier, X: Any, votes: sparse.csr_matrix, k: int
) -> Candidates:
    """Return the candidates for the `k` best labels of some rows."""
    columns, stored = padded_columns(votes)
    best, probabilities, chosen = classifier.best_and_chosen(X, k, columns)
    return Candidates(votes, chosen[stored], best, probabilities)


def blended(probabilities: np.ndarray, votes: Any, weight: float) -> np.ndarray:
    """Return ``(1 - weight) * probabilities + weight * votes`` in float32."""
    return np.asarray(np.float32(1.0 - weight) * probabilities + np.float32(weight) * votes)


def padded_columns(matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of a CSR matrix, one row each, and which of them are stored ones.

    Parameters
    ----------
    matrix : csr_matrix of shape (n_rows, n_columns)

    Returns
    -------
    columns : ndarray of shape (n_rows, n_most), int32
        Zero behind the last one of a row.
    stored : bool ndarray of shape (n_rows, n_most)
        In row-major order they stand as in ``matrix.data``.
    """
    counts = np.diff(matrix.indptr)
    stored = np.arange(counts.max(initial=1)) < counts[:, None]
    columns = np.zeros(stored.shape, np.int32)
    columns[stored] = matrix.indices
    return columns, stored


def _keys(matrix: sparse.csr_matrix) -> np.ndarray:
    """Return ``row * n_columns + column`` of the stored entries, which rise."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(rows * matrix.shape[1] + matrix.indices)
