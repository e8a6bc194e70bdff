"""Rows with their best labels, and the gains of true labels where scores are equal.

Labels of equal score have no order. Metrics take the expectation over all orders of them, as in
McSherry and Najork, "Computing information retrieval performance measures efficiently in the
presence of tied scores", ECIR 2008.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmlclf.metrics._inputs import LabelMatrix, LabelPairs, read_weights
from skmlclf.metrics._topk import (
    NO_ROWS,
    DenseScores,
    ScoreLike,
    TopKBlock,
    TopKScores,
    read_scores,
)


@dataclass(frozen=True)
class Crossing:
    """The rows of a block in which a tie reaches past the last label listed.

    Attributes
    ----------
    rows : ndarray of shape (n_crossing,)
        Their numbers in the block.
    sizes : ndarray of shape (n_crossing,)
        How many labels have the last score listed, listed or not.
    true_rows, true_labels : ndarray of shape (n_unlisted,)
        The true labels among those not listed; the rows count from 0 within ``rows``.
    """

    rows: NDArray[np.intp]
    sizes: NDArray[np.int64]
    true_rows: NDArray[np.intp]
    true_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Ranked:
    """A block of rows with its best labels: ``hits`` says which of them are true."""

    rows: slice
    labels: NDArray[np.intp]
    scores: NDArray[Any]
    hits: NDArray[np.bool_]
    crossing: Crossing | None

    def gains(self, label_weights: NDArray[np.float64] | None = None) -> NDArray[Any]:
        """Return the number of true labels at each rank, in the mean over all orders of ties.

        Parameters
        ----------
        label_weights : ndarray of shape (n_labels,), default=None
            What a true label counts.

        Returns
        -------
        ndarray of shape (n_rows, k)
            Of t labels of equal score whose weights sum to p, each counts p / t.
        """
        gains = self.hits if label_weights is None else self.hits * label_weights[self.labels]
        tied = self.scores[:, 1:] == self.scores[:, :-1]
        is_concerned = tied.any(axis=1)
        if self.crossing is not None:
            is_concerned[self.crossing.rows] = True
        concerned = np.flatnonzero(is_concerned)
        if not len(concerned):
            return gains
        starts = np.ones((len(concerned), gains.shape[1]), dtype=bool)
        starts[:, 1:] = ~tied[concerned]
        tie = np.cumsum(starts).reshape(starts.shape) - 1
        sizes = np.bincount(tie.ravel())
        worth = np.bincount(tie.ravel(), gains[concerned].ravel())
        if self.crossing is not None:
            last = tie[np.searchsorted(concerned, self.crossing.rows), -1]
            sizes[last] = self.crossing.sizes
            unlisted = self.crossing.true_labels
            weights = None if label_weights is None else label_weights[unlisted]
            worth[last] += np.bincount(self.crossing.true_rows, weights, minlength=len(last))
        gains = gains.astype(np.float64)
        gains[concerned] = (worth / sizes)[tie]
        return gains

    def crossing_at(self, k: int) -> NDArray[np.intp]:
        """Return the rows in which a tie reaches past rank ``k``, at most as deep as the list."""
        if k < self.scores.shape[1]:
            return np.flatnonzero(self.scores[:, k] == self.scores[:, k - 1])
        return NO_ROWS if self.crossing is None else self.crossing.rows

    def any_hit(self) -> NDArray[np.float64]:
        """Return the probability that a true label is listed, over all orders of ties."""
        hit = np.asarray(self.hits.any(axis=1), dtype=np.float64)
        if self.crossing is None:
            return hit
        rows, sizes = self.crossing.rows, self.crossing.sizes
        in_tie = self.scores[rows] == self.scores[rows, -1:]
        n_true = (self.hits[rows] & in_tie).sum(axis=1)
        n_true += np.bincount(self.crossing.true_rows, minlength=len(rows))
        n_listed = in_tie.sum(axis=1)
        # C(t - p, r) / C(t, r), in which p and r may be swapped.
        fewer, more = np.minimum(n_true, n_listed), np.maximum(n_true, n_listed)
        missed = np.ones(len(rows))
        for i in range(int(fewer.max())):
            factor = np.maximum(sizes - more - i, 0) / np.maximum(sizes - i, 1)
            missed *= np.where(i < fewer, factor, 1)
        above = (self.hits[rows] & ~in_tie).any(axis=1)
        hit[rows] = np.where(above, 1, 1 - missed)
        return hit

    def share_of_last(self) -> NDArray[np.float64]:
        """Return the share of the labels of the last score that is listed, 1 where all are."""
        share = np.ones(len(self.scores))
        if self.crossing is not None:
            rows = self.crossing.rows
            n_listed = (self.scores[rows] == self.scores[rows, -1:]).sum(axis=1)
            share[rows] = n_listed / self.crossing.sizes
        return share


@dataclass(frozen=True)
class RankingInputs:
    """The checked arguments that every ranking metric takes."""

    true: LabelPairs
    scores: DenseScores | TopKScores
    weights: NDArray[np.float64] | None

    def ranked(self, k: int | NDArray[np.int64]) -> Iterator[Ranked]:
        """Rank every row down to rank ``k``, block by block.

        An array asks for a depth of its own for each row; a block then goes as deep as its
        deepest row.
        """
        n_samples, n_labels = self.true.shape
        self.scores.check_k(int(np.max(k)))
        rows_per_block = self.scores.rows_per_block()
        is_true = np.zeros(min(rows_per_block, n_samples) * n_labels, dtype=bool)
        for start in range(0, n_samples, rows_per_block):
            stop = min(start + rows_per_block, n_samples)
            depth = max(1, int(k[start:stop].max())) if isinstance(k, np.ndarray) else k
            best = self.scores.top_k(start, stop, depth)
            flat = self.true.block(start, stop).flat
            is_true[flat] = True
            hits = is_true[best.labels + np.arange(stop - start)[:, None] * n_labels]
            # Undone one by one: clearing it whole would cost rows x labels.
            is_true[flat] = False
            crossing = self._crossing(start, best, flat) if len(best.crossing) else None
            yield Ranked(slice(start, stop), best.labels, best.scores, hits, crossing)

    def _crossing(self, start: int, best: TopKBlock, true: NDArray[np.int64]) -> Crossing:
        rows = best.crossing
        tied = self.scores.equal_to(rows + start, best.scores[rows, -1])
        sizes = tied.sum(axis=1)
        np.put_along_axis(tied, best.labels[rows], False, axis=1)
        true_rows, true_labels = np.divmod(true, self.true.shape[1])
        index = np.searchsorted(rows, true_rows).clip(max=len(rows) - 1)
        unlisted = (rows[index] == true_rows) & tied[index, true_labels]
        return Crossing(rows, sizes, index[unlisted], true_labels[unlisted])


def read_ranking_inputs(
    y_true: Any, y_score: ScoreLike, sample_weight: Any, *, zero_weights_allowed: bool = False
) -> RankingInputs:
    matrix = LabelMatrix(y_true, "y_true")
    weights = read_weights(sample_weight, matrix.shape[0], zero_allowed=zero_weights_allowed)
    scores = read_scores(y_score, *matrix.shape)
    return RankingInputs(matrix.read_all(), scores, weights)
