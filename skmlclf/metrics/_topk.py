"""The best k labels of each row, under the one tie rule of this package.

Ties: the higher score first, then the lower row, then the lower column. Rows are taken in blocks,
so that beside the inputs there is never more than a block in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf.metrics._inputs import LabelMatrix, LabelPairs, read_weights

# Selection reads a block several times: it should fit the cache of one core.
BLOCK_BYTES = 1 << 20

# Transposing goes by so many rows, or every element would be on another page of memory.
TILE_ROWS = 256

ScoreLike = ArrayLike | tuple[ArrayLike, ArrayLike]


def best_first(scores: NDArray[Any]) -> NDArray[np.intp]:
    """Order each row by score, best first, equal scores staying in their order."""
    # A stable ascending sort of the mirrored row: negating would overflow integers.
    mirrored = np.argsort(scores[:, ::-1], axis=1, kind="stable")
    return scores.shape[1] - 1 - mirrored[:, ::-1]


def top_k_of_block(block: NDArray[Any], k: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the k best labels and scores of each row of a contiguous block.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_labels)
    k : int
        From 1 to ``n_labels``.

    Returns
    -------
    labels, scores : ndarray of shape (n_rows, k)
    """
    n_rows, n_labels = block.shape
    if 4 * k >= n_labels:
        order = best_first(block)[:, :k]
        scores = np.take_along_axis(block, order, axis=1)
        _check_no_nan(scores)
        return order, scores
    best = np.partition(block, n_labels - k, axis=1)[:, n_labels - k :]
    # NaN sorts after every number, so any NaN of a row is among its k largest.
    _check_no_nan(best)
    threshold = best[:, :1]
    flat = np.flatnonzero(block >= threshold)
    if len(flat) > n_rows * k:
        flat = _drop_late_ties(flat, block, threshold[:, 0], k)
    columns = flat.reshape(n_rows, k) - np.arange(n_rows)[:, None] * n_labels
    candidates = block.ravel()[flat].reshape(n_rows, k)
    order = best_first(candidates)
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(candidates, order, axis=1)


def _drop_late_ties(
    flat: NDArray[np.intp], block: NDArray[Any], threshold: NDArray[Any], k: int
) -> NDArray[np.intp]:
    """Of the positions at or above each row's threshold keep k, ties to the lower column."""
    rows = flat // block.shape[1]
    tied = block.ravel()[flat] == threshold[rows]
    n_above = np.bincount(rows[~tied], minlength=len(block))
    ties_so_far = np.cumsum(tied)
    row_starts = np.searchsorted(rows, np.arange(len(block)))
    ties_before_row = ties_so_far[row_starts] - tied[row_starts]
    tie_number = ties_so_far - ties_before_row[rows]
    return flat[~tied | (tie_number <= (k - n_above)[rows])]


def _check_no_nan(scores: NDArray[Any]) -> None:
    if scores.dtype.kind == "f" and np.isnan(scores).any():
        raise ValueError(
            "y_score holds NaN, which has no place in a ranking. Look for the rows where "
            "numpy.isnan(y_score) is true; a label never to be ranked can be given -inf."
        )


class DenseScores:
    """One real score for every row and label."""

    def __init__(self, y_score: Any) -> None:
        self.values = np.asarray(y_score)
        if self.values.dtype.kind not in "biuf":
            raise ValueError(
                "y_score must be a dense array of real numbers or a (labels, scores) pair, but "
                f"it is a {type(y_score).__name__} of dtype {self.values.dtype}."
            )
        self.shape = self.values.shape
        self.dtype = _sortable_dtype(self.values.dtype)

    def check_k(self, k: int) -> None:
        """Any k will do."""

    def rows_per_block(self) -> int:
        return max(1, BLOCK_BYTES // (self.values.itemsize * self.shape[1]))

    def top_k(self, start: int, stop: int, k: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
        return top_k_of_block(_sortable(self.values[start:stop]), min(k, self.shape[1]))

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        return _sortable(self.values[rows, columns])

    def columns(self, start: int, stop: int) -> NDArray[Any]:
        """Columns ``start`` to ``stop``, each contiguous."""
        n_samples = len(self.values)
        columns = np.empty((stop - start, n_samples), dtype=self.dtype)
        for row in range(0, n_samples, TILE_ROWS):
            rows = slice(row, row + TILE_ROWS)
            columns[:, rows] = self.values[rows, start:stop].T
        _check_no_nan(columns)
        return columns


def _sortable_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Choose a dtype of native byte order, that numpy partitions quickly, keeping the order."""
    substitutes: dict[str, np.dtype[Any]] = {"?": np.dtype(np.uint8), "e": np.dtype(np.float32)}
    return substitutes.get(dtype.char, dtype.newbyteorder("="))


def _sortable(block: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(block, dtype=_sortable_dtype(block.dtype))


class TopKScores:
    """The best labels of each row with their scores, best first, as ``predict_topk`` returns."""

    def __init__(self, pair: tuple[Any, Any], n_labels: int) -> None:
        self.labels, self.scores = np.asarray(pair[0]), np.asarray(pair[1])
        if self.labels.dtype.kind not in "iu" or self.scores.dtype.kind not in "iuf":
            raise ValueError(
                "A top-k y_score must be (labels, scores): integer label columns first, then "
                f"real scores. Got dtypes {self.labels.dtype} and {self.scores.dtype}."
            )
        shape = self.labels.shape
        if len(shape) != 2 or shape != self.scores.shape or 0 in shape:
            raise ValueError(
                "A top-k y_score must be (labels, scores), both of shape (n_samples, k), "
                f"but their shapes are {shape} and {self.scores.shape}."
            )
        self.n_labels = n_labels
        self.n_kept = self.labels.shape[1]
        self.shape = (len(self.labels), n_labels)
        self.dtype = self.scores.dtype

    def check_k(self, k: int) -> None:
        if min(k, self.n_labels) > self.n_kept:
            raise ValueError(
                f"This metric needs the {min(k, self.n_labels)} best labels of a row, but the "
                f"(labels, scores) pair holds {self.n_kept} of {self.n_labels}. Keep more labels "
                "a row, ask for a smaller k, or give every score as a dense array."
            )

    def rows_per_block(self) -> int:
        # Little of a block of flags, one for each row and label, is ever touched.
        return max(1, 4 * BLOCK_BYTES // max(self.n_labels, 8 * self.n_kept))

    def top_k(self, start: int, stop: int, k: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
        labels = self.labels[start:stop].astype(np.intp)
        scores = self.scores[start:stop]
        _check_no_nan(scores)
        if (scores[:, 1:] > scores[:, :-1]).any():
            raise ValueError(
                "The scores of a (labels, scores) pair must be best first in every row, but "
                f"in rows {start} to {stop} some are not."
            )
        by_label = np.argsort(labels, axis=1, kind="stable")
        ascending = np.take_along_axis(labels, by_label, axis=1)
        if ascending[:, 0].min() < 0 or ascending[:, -1].max() >= self.n_labels:
            raise ValueError(
                f"The labels of a (labels, scores) pair must be columns of y_true, from 0 to "
                f"{self.n_labels - 1}, but they run from {ascending.min()} to {ascending.max()}."
            )
        if (ascending[:, 1:] == ascending[:, :-1]).any():
            raise ValueError("A (labels, scores) pair must not hold a label twice in one row.")
        if ((scores[:, 1:] == scores[:, :-1]) & (labels[:, 1:] < labels[:, :-1])).any():
            by_score = best_first(np.take_along_axis(scores, by_label, axis=1))
            order = np.take_along_axis(by_label, by_score, axis=1)
            labels = np.take_along_axis(labels, order, axis=1)
            scores = np.take_along_axis(scores, order, axis=1)
        return labels[:, :k], scores[:, :k]


def read_scores(y_score: ScoreLike, n_samples: int, n_labels: int) -> DenseScores | TopKScores:
    """Tell a top-k pair (a tuple of two) from dense scores, and check the shape of either."""
    scores: DenseScores | TopKScores
    if isinstance(y_score, tuple) and len(y_score) == 2:
        scores = TopKScores(y_score, n_labels)
    else:
        scores = DenseScores(y_score)
    if scores.shape != (n_samples, n_labels):
        raise ValueError(
            f"y_score must have one row for each of the {n_samples} rows of y_true and, where "
            f"dense, one column for each of its {n_labels} labels, but its shape is "
            f"{scores.shape}."
        )
    return scores


@dataclass(frozen=True)
class Ranked:
    """A block of rows with its best labels: ``hits`` says which of them are true."""

    rows: slice
    labels: NDArray[np.intp]
    scores: NDArray[Any]
    hits: NDArray[np.bool_]


@dataclass(frozen=True)
class RankingInputs:
    """The checked arguments that every ranking metric takes."""

    true: LabelPairs
    scores: DenseScores | TopKScores
    weights: NDArray[np.float64] | None

    def ranked(self, k: int | NDArray[np.int64]) -> Iterator[Ranked]:
        """Rank every row down to place ``k``, block by block.

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
            labels, scores = self.scores.top_k(start, stop, depth)
            positions = self.true.block(start, stop).flat
            is_true[positions] = True
            hits = is_true[labels + np.arange(stop - start)[:, None] * n_labels]
            # Undone one by one: clearing it whole would cost rows x labels.
            is_true[positions] = False
            yield Ranked(slice(start, stop), labels, scores, hits)


def read_ranking_inputs(
    y_true: Any, y_score: ScoreLike, sample_weight: Any, *, zero_weights_allowed: bool = False
) -> RankingInputs:
    matrix = LabelMatrix(y_true, "y_true")
    weights = read_weights(sample_weight, matrix.shape[0], zero_allowed=zero_weights_allowed)
    scores = read_scores(y_score, *matrix.shape)
    return RankingInputs(matrix.read_all(), scores, weights)
