"""Rows and label ids cut into what one execution of the compiled step takes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

_EXECUTION_BYTES = 2**24
# What it takes to look up one positive and to hand it over.
_POSITIVE_BYTES = 40


class Chunk(NamedTuple):
    """Some consecutive batches of an epoch.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features), float32
    rows, cols : ndarrays of shape (n_positives,), int32
        Row, counted from the chunk's start, and output of each positive; rows in order.
    offsets : ndarray of shape (n_batches + 1,), int32
        Where the positives of each batch start.
    row_weight : ndarray of shape (n_rows,), float32
    """

    x: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    offsets: np.ndarray
    row_weight: np.ndarray


class ArrayBatches:
    """Batches of rows in memory, or of a memory map: only a chunk at a time is copied.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features of any numeric dtype.
    labels : csr matrix of shape (n_rows, n_outputs)
        Its stored entries are the positives.
    row_weight : ndarray of shape (n_rows,) or None
        Factor of each row's loss.
    batch_size : int
        Rows of a batch; the last one of an epoch may be smaller.
    index : ndarray of shape (n_rows,) or None, default=None
        Where the rows lie in `X`, so that a part of `X` is used without a copy; None stands for
        all rows.
    """

    def __init__(
        self,
        X: np.ndarray,
        labels: sparse.csr_matrix,
        row_weight: np.ndarray | None,
        batch_size: int,
        index: np.ndarray | None = None,
    ) -> None:
        self.X = X
        self.index = index
        self.first = labels.indptr[:-1]
        self.counts = np.diff(labels.indptr)
        self.indices = labels.indices
        self.row_weight = row_weight
        self.weighted = row_weight is not None
        self.batch_size = batch_size
        self.n_rows = labels.shape[0]
        self.n_batches = -(-self.n_rows // batch_size)

    def epoch(
        self, rng: np.random.RandomState | None = None, *, single: bool = False
    ) -> Iterator[Chunk]:
        """Yield the chunks of one pass over the rows.

        Parameters
        ----------
        rng : RandomState or None
            Shuffles the rows; None keeps their order.
        single : bool, default=False
            Whether a chunk is one batch instead of as many as fit some megabytes.

        Yields
        ------
        Chunk
        """
        labels_a_row = len(self.indices) / self.n_rows
        row_bytes = 4 * self.X.shape[1] + _POSITIVE_BYTES * labels_a_row
        batch_bytes = int(self.batch_size * row_bytes)
        stride = self.batch_size * max(1, 0 if single else _EXECUTION_BYTES // batch_bytes)
        order = np.arange(self.n_rows) if rng is None else rng.permutation(self.n_rows)
        for start in range(0, self.n_rows, stride):
            yield self._chunk(order[start : start + stride])

    def _chunk(self, rows: np.ndarray) -> Chunk:
        n_rows = len(rows)
        first, counts = self.first[rows], self.counts[rows]
        ends = np.cumsum(counts)
        # The k-th positive of the chunk lies at its row's first one plus its rank in that row.
        rank = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        bounds = np.minimum(np.arange(0, n_rows + self.batch_size, self.batch_size), n_rows)
        weight = np.ones(n_rows) if self.row_weight is None else self.row_weight[rows]
        return Chunk(
            x=self.X[rows if self.index is None else self.index[rows]].astype(
                np.float32, copy=False
            ),
            rows=np.repeat(np.arange(n_rows, dtype=np.int32), counts),
            cols=self.indices[np.repeat(first, counts) + rank].astype(np.int32, copy=False),
            offsets=np.concatenate([[0], ends])[bounds].astype(np.int32),
            row_weight=weight.astype(np.float32),
        )
