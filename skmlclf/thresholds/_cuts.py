"""All the cuts that can be made through the scores of each label."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cuts:
    """Kept scores by label, the best first, with what is decided right by a cut after each.

    Attributes
    ----------
    labels : ndarray of shape (n_kept,)
        Labels, in ascending order.
    scores : ndarray of shape (n_kept,)
        Scores, descending within a label.
    weights, hits : ndarray of shape (n_kept,)
        Weight of each row, and the same where the label is true, else 0.
    starts : ndarray of shape (n_labels + 1,)
        Where each label starts, with the end appended.
    positives : ndarray of shape (n_labels,)
        Weight of the rows that have each label, those included whose score was not kept.
    counts : ndarray of shape (n_labels,)
        Number of rows that have each label.
    """

    labels: NDArray[np.int32]
    scores: NDArray[np.floating]
    weights: Floats
    hits: Floats
    starts: NDArray[np.intp]
    positives: Floats
    counts: NDArray[np.intp]

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return len(self.positives)

    def of(self, labels: NDArray[np.bool_]) -> "Cuts":
        """Return the cuts of some labels, which keep their numbers."""
        inside = labels[self.labels]
        sizes = np.where(labels, np.diff(self.starts), 0)
        return Cuts(
            self.labels[inside],
            self.scores[inside],
            self.weights[inside],
            self.hits[inside],
            np.concatenate(([0], np.cumsum(sizes))),
            np.where(labels, self.positives, 0.0),
            np.where(labels, self.counts, 0),
        )

    def by_label(self, values: Floats) -> Floats:
        """Add values up from the best score of each label on."""
        sums = np.cumsum(values)
        before = np.concatenate(([0.0], sums))[self.starts[:-1]]
        return sums - before[self.labels]

    def are_between_scores(self) -> NDArray[np.bool_]:
        """Mark the cuts that do not part equal scores of a label."""
        same = (self.scores[1:] == self.scores[:-1]) & (self.labels[1:] == self.labels[:-1])
        return np.append(~same, True) if len(self.scores) else np.zeros(0, bool)

    def thresholds_after(self, cuts: NDArray[np.intp]) -> Floats:
        """Return thresholds halfway between the scores before and after some cuts.

        Where nothing was kept after a cut, it is the last score itself.
        """
        after = np.minimum(cuts + 1, len(self.scores) - 1)
        last = self.labels[after] != self.labels[cuts]
        after = np.where(last, cuts, after)
        return 0.5 * (self.scores[cuts].astype(np.float64) + self.scores[after])


def make_cuts(
    scores: sparse.csr_matrix, y: sparse.csr_matrix, sample_weight: Floats | None = None
) -> Cuts:
    """Sort kept scores by label.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        What is stored was kept, zeros included.
    y : csr_matrix of shape (n_samples, n_labels)
        Labels, without duplicates.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    Cuts
    """
    n_samples, n_labels = scores.shape
    rows = np.repeat(np.arange(n_samples, dtype=np.int32), np.diff(scores.indptr))
    hit = are_stored(y, rows, scores.indices)
    # Of equal keys the order does not matter: no cut parts them.
    order = np.lexsort((-scores.data, scores.indices))
    labels = scores.indices[order]
    counts = np.bincount(y.indices, minlength=n_labels)
    positives: Any
    if sample_weight is None:
        weights, positives = np.ones(len(order)), counts.astype(np.float64)
    else:
        weights = sample_weight[rows[order]]
        repeated = np.repeat(sample_weight, np.diff(y.indptr))
        positives = np.bincount(y.indices, weights=repeated, minlength=n_labels)
    starts = np.searchsorted(labels, np.arange(n_labels + 1))
    hits = np.where(hit[order], weights, 0.0)
    return Cuts(labels, scores.data[order], weights, hits, starts, positives, counts)


def are_stored(
    matrix: sparse.csr_matrix, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Say of each pair of row and column whether a matrix stores it.

    Parameters
    ----------
    matrix : csr_matrix of shape (n_samples, n_labels)
        Without duplicates.
    rows, columns : ndarray of shape (n_pairs,)
        Indices.

    Returns
    -------
    ndarray of shape (n_pairs,), bool
    """
    n_columns = matrix.shape[1]
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    stored_rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    stored = stored_rows * n_columns + matrix.indices
    wanted = rows.astype(np.int64) * n_columns + columns
    if not len(stored):
        return np.zeros(len(wanted), dtype=bool)
    index = np.searchsorted(stored, wanted).clip(max=len(stored) - 1)
    found: NDArray[np.bool_] = stored[index] == wanted
    return found
