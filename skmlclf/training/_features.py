"""Where the features of a batch come from: arrays in memory, or rows on disk read ahead."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse

from skmlclf._row_store import RowStore, is_row_store

WINDOW_BYTES = 2**27
"""Rows on disk of which so much is in memory while they are shuffled."""

_T = TypeVar("_T")


class Order(NamedTuple):
    """A random order of the rows for one pass.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Positions of the rows.
    windows : ndarray of shape (n_windows + 1,)
        Bounds, in this order, of what is read at once.
    """

    rows: np.ndarray
    windows: np.ndarray


class ArrayFeatures:
    """Features in memory, or of a memory map.

    Parameters
    ----------
    X : ndarray or csr matrix of shape (n_samples, n_features)
        Of any numeric dtype.
    index : ndarray of shape (n_rows,) or None
        Which of its rows are meant; None stands for all.
    """

    def __init__(self, X: Any, index: np.ndarray | None) -> None:
        self._X = X
        self._index = index
        self.n_rows = X.shape[0] if index is None else len(index)

    def shuffled(self, rng: np.random.RandomState) -> Order:
        """Return a random order of the rows."""
        return Order(rng.permutation(self.n_rows), np.array([0, self.n_rows]))

    def read(self, order: Order | None, cuts: Iterable[int]) -> Iterator[np.ndarray]:
        """Yield the rows between each two cuts of an order, or of their own, as float32."""
        for start, stop in pairwise(cuts):
            # A slice copies nothing.
            rows = slice(start, stop) if order is None else order.rows[start:stop]
            x = self._X[rows if self._index is None else self._index[rows]]
            if sparse.issparse(x):
                x = x.toarray()
            yield x.astype(np.float32, copy=False)


class StoredFeatures:
    """Features on disk; the next rows are read by a thread while the last are used.

    A pass is shuffled in two steps. Rows that lie together are blocks of about 1 MiB, and the
    blocks are brought into a random order. Then the rows of each 64 MiB in that order, some 64
    blocks, are shuffled in full: the rows of a batch are drawn from that many random places of the
    files. What fits into 128 MiB altogether is shuffled as an array is, and read only once.

    Parameters
    ----------
    X : RowStore of shape (n_samples, n_features)
        Of any dtype.
    index : ndarray of shape (n_rows,) or None
        Which of its rows are meant; None stands for all.
    """

    def __init__(self, X: RowStore, index: np.ndarray | None) -> None:
        self._X: RowStore = X if index is None else X[index]
        self.n_rows = len(self._X)
        row_bytes = max(1, self._X.shape[1] * _dtype_in_memory(self._X).itemsize)
        self._fits = self.n_rows * row_bytes <= WINDOW_BYTES
        self._window_rows = max(1, WINDOW_BYTES // 2 // row_bytes)
        positions = self._X.positions()
        # Positions of the rows in the order in which they lie on disk, and the other way round.
        self._forward = np.argsort(positions, kind="stable")
        self._rank = np.empty_like(self._forward)
        self._rank[self._forward] = np.arange(self.n_rows)
        self._all: np.ndarray | None = None

    def shuffled(self, rng: np.random.RandomState) -> Order:
        """Return a random order of the rows that can be read a block at a time."""
        if self._fits:
            return Order(rng.permutation(self.n_rows), np.array([0, self.n_rows]))
        size = self._X.block_rows
        blocks = np.split(self._forward, np.arange(size, self.n_rows, size))
        rows = np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
        windows = np.append(np.arange(0, self.n_rows, self._window_rows), self.n_rows)
        for start, stop in pairwise(windows):
            rng.shuffle(rows[start:stop])
        return Order(rows, windows)

    def read(self, order: Order | None, cuts: Iterable[int]) -> Iterator[np.ndarray]:
        """Yield the rows between each two cuts of an order, or of their own, as float32."""
        cuts = np.fromiter(cuts, dtype=np.int64)
        if order is None:
            order = Order(np.arange(self.n_rows), cuts)
        elif self._fits and len(order.rows) == self.n_rows:
            yield from self._read_kept(order, cuts)
            return
        first = np.searchsorted(order.windows, cuts[0], side="right") - 1
        windows = read_ahead(
            partial(self._window, order.rows, start, stop)
            for start, stop in pairwise(order.windows[first:])
        )
        begin = end = int(order.windows[first])
        for start, stop in pairwise(cuts.tolist()):
            x = np.empty((stop - start, self._X.shape[1]), dtype=np.float32)
            done = start
            while done < stop:
                if done >= end:
                    begin, end, block, where = next(windows)
                    continue
                upto = min(stop, end)
                x[done - start : upto - start] = block[where[done - begin : upto - begin]]
                done = upto
            yield x

    def _read_kept(self, order: Order, cuts: np.ndarray) -> Iterator[np.ndarray]:
        if self._all is None:
            self._all = self._read(self._forward)
        for start, stop in pairwise(cuts):
            rows = self._all[self._rank[order.rows[start:stop]]]
            yield rows.astype(np.float32, copy=False)

    def _window(
        self, order: np.ndarray, start: int, stop: int
    ) -> tuple[int, int, np.ndarray, np.ndarray]:
        """Read a part of an order as it lies on disk; say where in it each of its rows is."""
        rows = order[start:stop]
        by_place = np.argsort(self._rank[rows])
        where = np.empty_like(by_place)
        where[by_place] = np.arange(len(rows))
        return int(start), int(stop), self._read(rows[by_place]), where

    def _read(self, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # becomes infinity, which is refused below
            block = self._X.take(rows).astype(_dtype_in_memory(self._X), copy=False)
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"X must hold finite numbers that float32 can represent, got {block[row, column]}"
                f" in row {rows[row]}, column {column} of {self._X!r}. Repair the row, or leave it"
                " out by indexing X and y with the rows to keep."
            )
        return block


def make_features(X: Any, index: np.ndarray | None = None) -> ArrayFeatures | StoredFeatures:
    """Return the reader of some rows of `X`; None stands for all."""
    return StoredFeatures(X, index) if is_row_store(X) else ArrayFeatures(X, index)


def read_ahead(tasks: Iterable[Callable[[], _T]]) -> Iterator[_T]:
    """Yield the results of tasks in their order; a thread works on the next one meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="skmlclf-read-ahead") as pool:
        pending = None
        for task in tasks:
            following = pool.submit(task)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()


def _dtype_in_memory(X: RowStore) -> np.dtype:
    return X.dtype if X.dtype in (np.float16, np.float32) else np.dtype(np.float32)
