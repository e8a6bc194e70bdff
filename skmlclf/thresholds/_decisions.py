"""Decisions from kept scores: by thresholds, or by the best number of labels of each row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmlclf.thresholds._expected_f1 import best_number_of_labels

# Expectations of F1 are computed for sets of at most so many labels.
_MAX_EXPECTED = 50


def best_of_kept(
    scores: sparse.csr_matrix, k: int
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """Return the `k` best labels of each row out of kept scores.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        As :func:`kept_scores` returns them, with at least `k` in each row.
    k : int
        How many.

    Returns
    -------
    labels : ndarray of shape (n_samples, k)
        Best first; of equal scores the lower label comes first.
    scores : ndarray of shape (n_samples, k)
        Their scores.
    """
    _, rank, labels, values = _ranked(scores)
    shape = (scores.shape[0], k)
    return labels[rank < k].reshape(shape), values[rank < k].reshape(shape)


def decide(
    scores: sparse.csr_matrix,
    thresholds: NDArray[np.float64] | None,
    *,
    min_labels: int = 0,
    max_labels: int | None = None,
) -> sparse.csr_matrix:
    """Decide on the labels of each row.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        As :func:`kept_scores` returns them.
    thresholds : ndarray of shape (n_labels,) or None
        A label is predicted where its score is at least this. None predicts the best labels of each
        row, as many as have the highest expected F1 if labels are independent.
    min_labels : int, default=0
        Minimum number of labels per row; the best ones are added.
    max_labels : int, default=None
        Maximum number of labels per row; those with the highest scores are kept.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels), uint8

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skmlclf.thresholds import decide
    >>> scores = sparse.csr_matrix([[0.9, 0.6, 0.1], [0.3, 0.2, 0.1]])
    >>> decide(scores, np.array([0.5, 0.5, 0.05]), max_labels=2).toarray()
    array([[1, 1, 0],
           [0, 0, 1]], dtype=uint8)
    >>> decide(scores, None).toarray()
    array([[1, 1, 0],
           [1, 1, 0]], dtype=uint8)
    """
    rows, rank, labels, values = _ranked(scores)
    if thresholds is None:
        most = _MAX_EXPECTED if max_labels is None else max_labels
        taken = rank < best_number_of_labels(values, scores.indptr, most)[rows]
    else:
        taken = values >= thresholds[labels]
    if min_labels:
        taken |= rank < min_labels
    if max_labels is not None:
        so_far = np.cumsum(taken)
        before = np.concatenate(([0], so_far))[scores.indptr[:-1]]
        taken &= so_far - before[rows] <= max_labels
    ones = np.ones(int(taken.sum()), dtype=np.uint8)
    decisions = sparse.csr_matrix((ones, (rows[taken], labels[taken])), shape=scores.shape)
    decisions.sort_indices()
    return decisions


def _ranked(scores: sparse.csr_matrix) -> tuple[NDArray[Any], ...]:
    """Return row, rank, label and value of each score, row by row, the best first."""
    sizes = np.diff(scores.indptr)
    rows = np.repeat(np.arange(scores.shape[0]), sizes)
    order = np.lexsort((-scores.data, rows))
    rank = np.arange(len(order)) - np.repeat(scores.indptr[:-1], sizes)
    return rows, rank, scores.indices[order], scores.data[order]
