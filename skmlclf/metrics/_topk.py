"""The best k labels of each row, out of all scores or of a top-k list.

A list of the k best labels has to put equal scores in some order: the lower column comes first. It
tells in which rows a tie reaches past the end of the list, so that no metric has to depend on that
order. Rows are taken in blocks, so that beside the inputs there is never more than a block in
memory.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._indicator import check_not_masked

# Selection reads a block several times: it should fit the cache of one core.
BLOCK_BYTES = 1 << 20

# Transposing goes by so many rows, or every element would be on another page of memory.
TILE_ROWS = 256

ScoreLike = ArrayLike | tuple[ArrayLike, ArrayLike]


def best_first(scores: NDArray[Any]) -> NDArray[np.intp]:
    """Order each row by score, best first, equal scores staying in their order."""
    # A stable ascending sort of the mirrored row: negating would overflow integers.
    mirrored = np.argsort(scores[:, ::-1], axis=1, kind="stable")
    order: NDArray[np.intp] = scores.shape[1] - 1 - mirrored[:, ::-1]
    return order


class TopKBlock(NamedTuple):
    """The best labels of some rows, best first.

    ``crossing`` holds the rows in which a label that is not listed has the score of the last one
    that is.
    """

    labels: NDArray[np.intp]
    scores: NDArray[Any]
    crossing: NDArray[np.intp]


NO_ROWS = np.zeros(0, dtype=np.intp)


def top_k_of_block(block: NDArray[Any], k: int) -> TopKBlock:
    """Find the k best labels of each row of a contiguous block.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_labels)
    k : int
        From 1 to ``n_labels``.

    Returns
    -------
    TopKBlock
        Its arrays of shape (n_rows, k).
    """
    n_rows, n_labels = block.shape
    k = int(k)  # scikit-learn's validation takes True for 1, which NumPy's indexing does not
    if 4 * k >= n_labels:
        order = best_first(block)[:, : k + 1]
        scores = np.take_along_axis(block, order, axis=1)
        _check_no_nan(scores)
        crossing = np.flatnonzero(scores[:, k] == scores[:, k - 1]) if k < n_labels else NO_ROWS
        return TopKBlock(order[:, :k], scores[:, :k], crossing)
    best = np.partition(block, n_labels - k, axis=1)[:, n_labels - k :]
    # NaN sorts after every number, so any NaN of a row is among its k largest.
    _check_no_nan(best)
    threshold = best[:, :1]
    flat = np.flatnonzero(block >= threshold)
    crossing = NO_ROWS
    if len(flat) > n_rows * k:
        crossing = np.flatnonzero(np.bincount(flat // n_labels, minlength=n_rows) > k)
        flat = _drop_late_ties(flat, block, threshold[:, 0], k)
    columns = flat.reshape(n_rows, k) - np.arange(n_rows)[:, None] * n_labels
    candidates = block.ravel()[flat].reshape(n_rows, k)
    order = best_first(candidates)
    return TopKBlock(
        np.take_along_axis(columns, order, axis=1),
        np.take_along_axis(candidates, order, axis=1),
        crossing,
    )


def _drop_late_ties(
    flat: NDArray[np.intp], block: NDArray[Any], threshold: NDArray[Any], k: int
) -> NDArray[np.intp]:
    """Of the flat indices at or above each row's threshold keep k, ties to the lower column."""
    rows = flat // block.shape[1]
    tied = block.ravel()[flat] == threshold[rows]
    n_above = np.bincount(rows[~tied], minlength=len(block))
    ties_so_far = np.cumsum(tied)
    row_starts = np.searchsorted(rows, np.arange(len(block)))
    ties_before_row = ties_so_far[row_starts] - tied[row_starts]
    tie_number = ties_so_far - ties_before_row[rows]
    kept: NDArray[np.intp] = flat[~tied | (tie_number <= (k - n_above)[rows])]
    return kept


def _check_no_nan(scores: NDArray[Any]) -> None:
    if scores.dtype.kind == "f" and np.isnan(scores).any():
        raise ValueError(
            "y_score holds NaN, which cannot be ranked. Look for the rows where "
            "numpy.isnan(y_score) is true; give -inf to a label that must rank last."
        )


class DenseScores:
    """One real score for every row and label."""

    def __init__(self, y_score: Any) -> None:
        check_not_masked(y_score, "y_score")
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
        return max(1, int(BLOCK_BYTES // (self.values.itemsize * self.shape[1])))

    def top_k(self, start: int, stop: int, k: int) -> TopKBlock:
        return top_k_of_block(_sortable(self.values[start:stop]), min(k, self.shape[1]))

    def equal_to(self, rows: NDArray[np.intp], scores: NDArray[Any]) -> NDArray[np.bool_]:
        """Mark the labels of each of the rows that have the score given for it."""
        equal: NDArray[np.bool_] = _sortable(self.values[rows]) == scores[:, None]
        return equal

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


class Ties(NamedTuple):
    """Which labels of a row have the score of the last one listed, where not all are listed.

    ``rows`` are sorted; ``packed`` holds a bit for each label, as ``numpy.packbits`` packs them.
    """

    rows: NDArray[np.intp]
    packed: NDArray[np.uint8]


class KeptTopK(tuple[NDArray[Any], NDArray[Any]]):
    """A pair ``(labels, scores)`` that was cut from more, and knows the ties at its cut."""

    ties: Ties

    def __new__(cls, labels: NDArray[Any], scores: NDArray[Any], ties: Ties) -> "KeptTopK":
        pair = super().__new__(cls, (labels, scores))
        pair.ties = ties
        return pair

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (*self, self.ties)


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
        # A pair that the caller passes has no ties with labels that it does not list.
        self._ties: Ties | None = getattr(pair, "ties", None)

    def check_k(self, k: int) -> None:
        if min(k, self.n_labels) > self.n_kept:
            raise ValueError(
                f"This metric needs the {min(k, self.n_labels)} best labels of a row, but the "
                f"(labels, scores) pair holds {self.n_kept} of {self.n_labels}. Keep more labels "
                "per row, ask for a smaller k, or give every score as a dense array."
            )

    def rows_per_block(self) -> int:
        # Little of a block of flags, one for each row and label, is ever touched.
        return max(1, 4 * BLOCK_BYTES // int(max(self.n_labels, 8 * self.n_kept)))

    def top_k(self, start: int, stop: int, k: int) -> TopKBlock:
        labels = self.labels[start:stop].astype(np.intp)
        scores = self.scores[start:stop]
        _check_no_nan(scores)
        if (scores[:, 1:] > scores[:, :-1]).any():
            raise ValueError(
                "The scores of a (labels, scores) pair must be best first in every row, but "
                f"in rows {start} to {stop} some are not."
            )
        ascending = np.sort(labels, axis=1)
        if ascending[:, 0].min() < 0 or ascending[:, -1].max() >= self.n_labels:
            raise ValueError(
                f"The labels of a (labels, scores) pair must be columns of y_true, from 0 to "
                f"{self.n_labels - 1}, but they run from {ascending.min()} to {ascending.max()}."
            )
        if (ascending[:, 1:] == ascending[:, :-1]).any():
            raise ValueError("A (labels, scores) pair must not hold a label twice in one row.")
        crossing = NO_ROWS
        if k < self.n_kept:
            crossing = np.flatnonzero(scores[:, k] == scores[:, k - 1])
        elif self._ties is not None:
            first, last = np.searchsorted(self._ties.rows, (start, stop))
            crossing = self._ties.rows[first:last] - start
        return TopKBlock(labels[:, :k], scores[:, :k], crossing)

    def equal_to(self, rows: NDArray[np.intp], scores: NDArray[Any]) -> NDArray[np.bool_]:
        """Mark the labels of each of the rows that have the score given for it."""
        equal = np.zeros((len(rows), self.n_labels), dtype=bool)
        row, rank = np.nonzero(self.scores[rows] == scores[:, None])
        equal[row, self.labels[rows[row], rank]] = True
        if self._ties is not None and len(self._ties.rows):
            tie = np.searchsorted(self._ties.rows, rows).clip(max=len(self._ties.rows) - 1)
            at_the_cut = (self._ties.rows[tie] == rows) & (self.scores[rows, -1] == scores)
            packed = self._ties.packed[tie[at_the_cut]]
            equal[at_the_cut] |= np.unpackbits(packed, axis=1, count=self.n_labels).view(bool)
        return equal

    def columns(self, start: int, stop: int) -> NDArray[Any]:
        """Columns ``start`` to ``stop``, each contiguous, NaN where a label is not listed."""
        columns = np.full(
            (stop - start, len(self.labels)), np.nan, np.promote_types(self.dtype, np.float16)
        )
        row, rank = np.nonzero((self.labels >= start) & (self.labels < stop))
        columns[self.labels[row, rank] - start, row] = self.scores[row, rank]
        if self._ties is not None:
            packed = self._ties.packed[:, start // 8 : -(-stop // 8)]
            bits = np.unpackbits(packed, axis=1)[:, start % 8 :][:, : stop - start]
            tie, column = np.nonzero(bits)
            row = self._ties.rows[tie]
            columns[column, row] = self.scores[row, -1]
        return columns


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
