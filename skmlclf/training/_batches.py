"""Rows and label ids cut into what one call of the compiled step takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from skmlclf.training._features import Order, make_features

_CALL_BYTES = 2**24
# What it takes to look up one stored entry and to hand it over.
_ENTRY_BYTES = 40


class Entries(NamedTuple):
    """Stored entries of some rows of a sparse matrix.

    Attributes
    ----------
    rows, cols : ndarrays of shape (n_entries,), int32
        Row, counted from the chunk's start, and column of each; rows in order.
    offsets : ndarray of shape (n_batches + 1,), int32
        Where the entries of each batch start, or of each part of one.
    """

    rows: np.ndarray
    cols: np.ndarray
    offsets: np.ndarray


class SparseWeights(NamedTuple):
    """Weights of single entries of the loss: those stored, and one for all others.

    Attributes
    ----------
    entries : Entries
        Which entries are stored.
    values : ndarray of shape (n_entries,), float32
        Their weights.
    default : ndarray of shape (), float32
        Weight of every other entry.
    """

    entries: Entries
    values: np.ndarray
    default: np.ndarray


class Share(NamedTuple):
    """The rows of each batch that one of several workers, or devices, has.

    Attributes
    ----------
    first : ndarray of shape (n_batches,), int32
        Which row of the whole batch is the first one here.
    n_rows : ndarray of shape (n_batches,), int32
        How many the whole batch has.
    """

    first: np.ndarray
    n_rows: np.ndarray


class Chunk(NamedTuple):
    """Some consecutive batches of an epoch, or a worker's share of them.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features), float32
        Features.
    positives : Entries
        The labels that are present.
    starts : ndarray of shape (n_batches + 1,), int32
        Where the rows of each batch start; where batches are cut for several devices, those of each
        part.
    row_weight : ndarray of shape (n_rows,), float32
        Factor of each row's loss.
    entry_weight : SparseWeights, ndarray of shape (n_rows, n_outputs), or None
        Factors of the single entries of the loss.
    share : Share or None
        What of the batches the rows are, where they are not all.
    weight : float
        What the sum of the losses of the whole batches is divided by in their mean.
    n_outputs : int
        Width of the label matrix.
    n_batches : int
        How many batches they are.
    """

    x: np.ndarray
    positives: Entries
    starts: np.ndarray
    row_weight: np.ndarray
    entry_weight: SparseWeights | np.ndarray | None
    share: Share | None
    weight: float
    n_outputs: int
    n_batches: int


@dataclass(frozen=True)
class EntryWeights:
    """Weights of the single entries of a label matrix.

    Attributes
    ----------
    values : csr_matrix or ndarray of shape (n_rows, n_outputs)
        Of a sparse matrix the stored entries are meant, zeros included.
    default : float, default=1.0
        Weight of the entries that a sparse matrix does not store.
    """

    values: Any
    default: float = 1.0

    @property
    def kind(self) -> str:
        """How a compiled step takes them."""
        return "sparse" if sparse.issparse(self.values) else "dense"

    def take(self, rows: np.ndarray) -> "EntryWeights":
        """Return the weights of some rows."""
        return EntryWeights(self.values[rows], self.default)

    def at(self, positives: sparse.csr_matrix) -> np.ndarray:
        """Return the weights of the stored entries of a matrix of the same shape, in its order."""
        rows = np.repeat(np.arange(positives.shape[0]), np.diff(positives.indptr))
        if not len(rows):
            # Of no entries, SciPy returns a sparse matrix.
            return np.zeros(0)
        if self.kind == "dense":
            return np.asarray(self.values[rows, positives.indices], dtype=np.float64)
        # Relative to the default, so that what is not stored is zero.
        extra = self._extra()
        return self.default + np.asarray(extra[rows, positives.indices]).ravel()

    def column_sums(self, row_weight: np.ndarray) -> np.ndarray:
        """Return the sums of each column's weights, the rows weighted."""
        if self.kind == "dense":
            return np.asarray(row_weight @ self.values)
        return np.asarray(self.default * row_weight.sum() + row_weight @ self._extra())

    def unknown(self, rows: slice) -> np.ndarray:
        """Return which entries of some rows have no weight, as a dense bool array."""
        if self.kind == "dense":
            unknown: np.ndarray = self.values[rows] == 0
        else:
            unknown = self.default + self._extra()[rows].toarray() == 0
        return unknown

    def _extra(self) -> sparse.csr_matrix:
        extra = self.values.astype(np.float64)
        extra.data = extra.data - self.default
        return extra

    def by_row(self) -> np.ndarray:
        """Return the mean weight of each row's entries."""
        return self._by_row

    @cached_property
    def _by_row(self) -> np.ndarray:
        if self.kind == "dense":
            return np.asarray(self.values.mean(axis=1, dtype=np.float64))
        # A sum that is divided: SciPy's mean is not exact, and a row of no weight has to be zero.
        sums = np.asarray(self._extra().sum(axis=1)).ravel()
        by_row: np.ndarray = self.default + sums / self.values.shape[1]
        return by_row


class RowBatches:
    """Batches of rows in memory or on disk: only a chunk at a time is copied or read.

    Parameters
    ----------
    X : ndarray, csr matrix or RowStore of shape (n_samples, n_features)
        Features of any numeric dtype.
    labels : csr matrix of shape (n_rows, n_outputs)
        Its stored entries are the positives.
    row_weight : ndarray of shape (n_rows,) or None
        Factor of each row's loss.
    batch_size : int
        Rows per batch, at most: an epoch is cut evenly, so that no batch is a small rest.
    index : ndarray of shape (n_rows,) or None, default=None
        Where the rows lie in `X`, so that a part of `X` is used without a copy; None stands for
        all rows.
    entry_weight : EntryWeights or None, default=None
        Factors of the single entries of the loss.
    part : tuple of int, default=(0, 1)
        Which part of every batch is meant, and how many there are: consecutive rows, as many in
        each part as in any other, or one more. Of other rows no features are read.
    n_devices : int, default=1
        Into how many parts the rows of a batch are cut, one after the other.
    """

    def __init__(
        self,
        X: Any,
        labels: sparse.csr_matrix,
        row_weight: np.ndarray | None,
        batch_size: int,
        index: np.ndarray | None = None,
        entry_weight: EntryWeights | None = None,
        part: tuple[int, int] = (0, 1),
        n_devices: int = 1,
    ) -> None:
        self.part = part
        self.n_devices = n_devices
        self.features = make_features(X, index)
        self.n_features = X.shape[1]
        self.labels = labels
        self.row_weight = row_weight
        self.entry_weight = entry_weight
        self.batch_size = batch_size
        self.n_rows = labels.shape[0]
        self.n_batches = -(-self.n_rows // batch_size)
        self._row_mean = None if entry_weight is None else entry_weight.by_row()

    @property
    def weighted(self) -> bool:
        """Whether rows have factors of their own."""
        return self.row_weight is not None

    @property
    def entry_weights(self) -> str | None:
        """How entries are weighted: "sparse", "dense", or not at all."""
        return None if self.entry_weight is None else self.entry_weight.kind

    def epoch(
        self,
        rng: np.random.RandomState | None = None,
        *,
        single: bool = False,
        first: int = 0,
        cuts: Sequence[int] = (),
    ) -> Iterator[Chunk]:
        """Yield the chunks of one pass over the rows, or of what is left of one.

        Parameters
        ----------
        rng : RandomState or None
            Shuffles the rows; None keeps their order.
        single : bool, default=False
            Whether a chunk is one batch instead of as many as fit some megabytes.
        first : int, default=0
            The batch to begin with; the order of the rows is that of the whole pass.
        cuts : sequence of int, default=()
            Numbers of batches, rising, at which a new chunk begins in any case. A pass that begins
            at one of them has the chunks that the whole pass has from there on.

        Yields
        ------
        Chunk
        """
        bounds = np.arange(self.n_batches + 1) * self.n_rows // self.n_batches
        stride = 1 if single else self._batches_per_call()
        marks = [first, *(cut for cut in cuts if first < cut < self.n_batches), self.n_batches]
        parts = []
        for begin, end in pairwise(marks):
            parts += [bounds[i : min(i + stride, end) + 1] for i in range(begin, end, stride)]
        yield from self._chunks(None if rng is None else self.features.shuffled(rng), parts)

    def blocks(self) -> Iterator[Chunk]:
        """Yield the rows in order, `batch_size` at a time and what is left at the end."""
        starts = [*range(0, self.n_rows, self.batch_size), self.n_rows]
        yield from self._chunks(None, list(map(np.array, pairwise(starts))))

    def _chunks(self, order: Order | None, parts: Sequence[np.ndarray]) -> Iterator[Chunk]:
        """Yield the chunks of an order, each told by the bounds of its batches."""
        if not parts:
            return
        if self.part[1] > 1:
            yield from self._shares(order, parts)
            return
        cuts = [parts[0][0], *(bounds[-1] for bounds in parts)]
        for x, bounds in zip(self.features.read(order, cuts), parts, strict=True):
            rows = _rows(order, bounds)
            yield self._chunk(x, rows, bounds - bounds[0], weight=self._weight(rows))

    def _shares(self, order: Order | None, parts: Sequence[np.ndarray]) -> Iterator[Chunk]:
        """Yield this part of the chunks."""
        index, n_parts = self.part
        shares, starts, which = [], [], []
        for bounds in parts:
            n_rows = np.diff(bounds)
            first, last = n_rows * index // n_parts, n_rows * (index + 1) // n_parts
            shares.append(Share(first.astype(np.int32), n_rows.astype(np.int32)))
            starts.append(np.concatenate([[0], np.cumsum(last - first)]))
            pairs = zip(bounds[:-1] + first, bounds[:-1] + last, strict=True)
            which.append(np.concatenate([np.arange(*pair) for pair in pairs]))
        cuts = np.concatenate([[0], np.cumsum([len(each) for each in which])])
        indices = np.concatenate(which)
        if order is None:
            own = Order(indices, cuts)
        else:
            # What is read at once is what is left of it here.
            windows = np.unique(np.searchsorted(indices, order.windows))
            own = Order(order.rows[indices], windows)
        blocks = self.features.read(own, cuts)
        for x, bounds, begins, share, (start, stop) in zip(
            blocks, parts, starts, shares, pairwise(cuts), strict=True
        ):
            weight = self._weight(_rows(order, bounds))
            yield self._chunk(x, own.rows[start:stop], begins, share, weight=weight)

    def _batches_per_call(self) -> int:
        stored = self.labels.nnz
        row_bytes = 4 * self.n_features
        if self.entry_weight is not None:
            if self.entry_weight.kind == "dense":
                row_bytes += 4 * self.labels.shape[1]
            else:
                stored += self.entry_weight.values.nnz
        row_bytes += _ENTRY_BYTES * stored / self.n_rows
        return max(1, int(_CALL_BYTES // (self.batch_size * row_bytes)))

    def _weight(self, rows: np.ndarray) -> float:
        """Return what the sum of the losses of some rows is divided by."""
        weight = self._row_weights(rows)
        mean = weight if self._row_mean is None else weight * self._row_mean[rows]
        return float(mean.sum())

    def _row_weights(self, rows: np.ndarray) -> np.ndarray:
        return np.ones(len(rows)) if self.row_weight is None else self.row_weight[rows]

    def _chunk(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        starts: np.ndarray,
        share: Share | None = None,
        *,
        weight: float,
    ) -> Chunk:
        n_batches = len(starts) - 1
        if self.n_devices > 1:
            before = np.diff(starts)[:, None] * np.arange(self.n_devices) // self.n_devices
            starts = np.append(starts[:-1, None] + before, starts[-1])
        return Chunk(
            x=x,
            positives=_entries(self.labels, rows, starts)[0],
            starts=starts.astype(np.int32),
            row_weight=self._row_weights(rows).astype(np.float32),
            entry_weight=self._entry_weight(rows, starts),
            share=share,
            weight=weight,
            n_outputs=self.labels.shape[1],
            n_batches=n_batches,
        )

    def _entry_weight(
        self, rows: np.ndarray, starts: np.ndarray
    ) -> SparseWeights | np.ndarray | None:
        if self.entry_weight is None:
            return None
        values = self.entry_weight.values
        if self.entry_weight.kind == "dense":
            return np.asarray(values[rows], dtype=np.float32)
        entries, stored = _entries(values, rows, starts)
        default = np.asarray(self.entry_weight.default, dtype=np.float32)
        return SparseWeights(entries, values.data[stored].astype(np.float32), default)


def _rows(order: Order | None, bounds: np.ndarray) -> np.ndarray:
    start, stop = bounds[0], bounds[-1]
    return np.arange(start, stop) if order is None else order.rows[start:stop]


def _entries(
    matrix: sparse.csr_matrix, rows: np.ndarray, starts: np.ndarray
) -> tuple[Entries, np.ndarray]:
    """Look up the stored entries of some rows, and their positions in the matrix's own arrays."""
    first = matrix.indptr[rows]
    counts = matrix.indptr[rows + 1] - first
    ends = np.cumsum(counts)
    # The k-th entry of the chunk lies at its row's first one plus its rank in that row.
    rank = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    stored = np.repeat(first, counts) + rank
    entries = Entries(
        rows=np.repeat(np.arange(len(rows), dtype=np.int32), counts),
        cols=matrix.indices[stored].astype(np.int32, copy=False),
        offsets=np.concatenate([[0], ends])[starts].astype(np.int32),
    )
    return entries, stored
