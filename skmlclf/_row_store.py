"""Rows on disk that are indexed as an array is, and read only where they are asked for."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from numbers import Integral
from types import EllipsisType
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

_BLOCK_BYTES = 2**23  # of a block whose number of rows is not given
_READ_BYTES = 2**20
Key = slice | int | ArrayLike
_Index = range | np.ndarray  # rows or columns, none of them negative


class RowStore(ABC):
    """Base class of two-dimensional data that is read from elsewhere, some rows at a time.

    A row store can be passed where scikit-learn's tools expect an array. Indexing it is lazy:
    `X[rows]` with a slice, an array of integers or a boolean mask, and `X[:, columns]`, are views
    that are row stores themselves, so that a split or a cross-validation copies nothing. Data is
    read by `np.asarray(X)`, by `X.blocks()` and by `X[i]`, which is one row as an array.

    To read another source, define `shape` and `read` in a subclass, and `dtype` if the data is not
    float32. Define `take` too if scattered rows can be read faster than one run of consecutive rows
    after the other.

    .. versionadded:: 0.1

    Attributes
    ----------
    shape : tuple of (n_rows, n_columns)
        Set by the subclass.
    dtype : numpy.dtype, default=float32
        Dtype of what `read` returns.
    max_array_bytes : int, default=2 GiB
        Maximum size of the array that `np.asarray` returns; a larger one raises a ValueError. Can
        be set on a class or on an object, and is inherited by views.
    block_rows : int, default=1 MiB of rows
        Number of consecutive rows that are best read at once, such as those of a compressed file. A
        shuffled pass over the rows keeps them together when reading.

    Notes
    -----
    A store is read-only. The stores of this package can be read from several threads at once, keep
    no file open between reads, and are pickled as paths and row indices, without the data.

    Examples
    --------
    Rows that are computed by a function:

    >>> import numpy as np
    >>> from skmlclf.datasets import RowStore
    >>> class Multiples(RowStore):
    ...     shape = (1_000_000, 3)
    ...     def read(self, start, stop):
    ...         return np.arange(start, stop, dtype=np.float32)[:, None] * [1, 2, 3]
    >>> X = Multiples()
    >>> X[500:][[0, 7]]
    <rows of Multiples: 2 rows, 3 columns, float32>
    >>> np.asarray(X[500:][[0, 7]])
    array([[ 500., 1000., 1500.],
           [ 507., 1014., 1521.]], dtype=float32)
    >>> sum(len(block) for block in X[X.shape[0] // 2 :].blocks(10_000))
    500000
    """

    shape: tuple[int, int]
    dtype: np.dtype = np.dtype(np.float32)
    max_array_bytes: int = 2**31
    ndim = 2

    @abstractmethod
    def read(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive rows.

        Parameters
        ----------
        start, stop : int
            The first row and the one after the last, `0 <= start <= stop <= n_rows`.

        Returns
        -------
        rows : ndarray of shape (stop - start, n_columns)
            The rows, which the caller may change.
        """

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Read rows by index, in any order and with repetitions.

        Parameters
        ----------
        indices : ndarray of shape (n_indices,), dtype int64
            Indices of rows, from 0 to `n_rows - 1`.

        Returns
        -------
        rows : ndarray of shape (n_indices, n_columns)
            The rows, which the caller may change.
        """
        rows = np.empty((len(indices), self.shape[1]), dtype=self.dtype)
        order = np.argsort(indices, kind="stable")
        distinct, counts = np.unique(indices, return_counts=True)
        ends = np.cumsum(counts)
        runs = np.flatnonzero(np.diff(distinct) != 1) + 1
        for run in np.split(np.arange(len(distinct)), runs) if len(distinct) else ():
            first, last = run[0], run[-1]
            block = self._read(int(distinct[first]), int(distinct[last]) + 1)
            here = order[ends[first] - counts[first] : ends[last]]
            rows[here] = np.repeat(block, counts[run], axis=0)
        return rows

    @property
    def block_rows(self) -> int:
        """Number of consecutive rows that are best read at once."""
        return max(1, _READ_BYTES // max(1, self.shape[1] * self.dtype.itemsize))

    def positions(self) -> np.ndarray:
        """Return the position of each row, as integers that increase in the order of reading.

        Returns
        -------
        positions : ndarray of shape (n_rows,), dtype int64
            For a view, the indices of the rows in the underlying store. A pass over the rows in any
            order is fastest in the order of these.
        """
        return np.arange(len(self))

    def blocks(self, n_rows: int | None = None) -> Iterator[np.ndarray]:
        """Yield all rows in order, as arrays of `n_rows` rows; the last may have fewer.

        Parameters
        ----------
        n_rows : int, default=None
            Number of rows per block. `None` takes as many as fit into 8 MiB, including columns that
            are read but not selected.

        Yields
        ------
        block : ndarray of shape (n_rows, n_columns)
            The next rows.
        """
        if n_rows is None:
            n_rows = self._rows_per_block
        elif not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(f"Expected n_rows to be an integer of 1 or more. Received {n_rows!r}.")
        for start in range(0, len(self), int(n_rows)):
            yield self._read(start, min(start + int(n_rows), len(self)))

    @property
    def nbytes(self) -> int:
        """Bytes that the data takes as an array."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self.blocks():
            yield from block

    def __getitem__(self, key: Any) -> Any:
        rows, columns = _split_key(key)
        if isinstance(rows, Integral) and not isinstance(rows, bool):
            (row,) = np.asarray(self[[rows], columns])
            return row
        return _RowView(
            self, _index(rows, self.shape[0], "rows"), _index(columns, self.shape[1], "columns")
        )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(
                "Expected that rows on disk may be copied into an array. Received copy=False. "
                "Call np.asarray(X) without copy."
            )
        wanted = np.dtype(self.dtype if dtype is None else dtype)
        n_bytes = self.shape[0] * self.shape[1] * wanted.itemsize
        if n_bytes > self.max_array_bytes:
            raise ValueError(
                f"Expected at most {self.max_array_bytes:,} bytes to be read into one array. "
                f"Received {self!r}, which takes {n_bytes:,}. Pass it on as it is to what takes "
                "rows on disk, go through X.blocks(), select rows with X[:n], or raise "
                "X.max_array_bytes if the memory is there."
            )
        array = np.empty(self.shape, dtype=wanted)
        start = 0
        for block in self.blocks():
            array[start : start + len(block)] = block
            start += len(block)
        return array

    def __sizeof__(self) -> int:
        # Of what the store knows of its rows. Dask sends what is large to each worker only once.
        return super().__sizeof__() + sum(map(sys.getsizeof, vars(self).values()))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._describe()}>"

    def _describe(self) -> str:
        return f"{self.shape[0]:,} rows, {self.shape[1]:,} columns, {self.dtype}"

    @property
    def _rows_per_block(self) -> int:
        return rows_per_block(self.shape[1], self.dtype)

    def _read(self, start: int, stop: int) -> np.ndarray:
        """Read rows and check that a subclass keeps its promise."""
        block = np.asarray(self.read(start, stop))
        expected = (stop - start, self.shape[1])
        if block.shape != expected:
            raise ValueError(
                f"Expected {type(self).__name__}.read({start}, {stop}) to return an array of shape "
                f"{expected}. Received {block.shape}. Correct its `read` or its `shape`."
            )
        return block.astype(self.dtype, copy=False)


class _RowView(RowStore):
    """Some rows and columns of a store."""

    def __init__(self, store: RowStore, rows: _Index, columns: _Index) -> None:
        self.dtype = store.dtype
        self.shape = (len(rows), len(columns))
        if store.max_array_bytes != RowStore.max_array_bytes:
            self.max_array_bytes = store.max_array_bytes
        self._store: RowStore = store
        self._rows: _Index = rows
        self._columns: _Index = columns
        if isinstance(store, _RowView):  # a view of a view reads from the store itself
            self._store = store._store
            self._rows = _compose(store._rows, rows)
            self._columns = _compose(store._columns, columns)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._select(self._rows[start:stop])

    def take(self, indices: np.ndarray) -> np.ndarray:
        return self._select(_compose(self._rows, np.asarray(indices)))

    @property
    def block_rows(self) -> int:
        return self._store.block_rows

    def positions(self) -> np.ndarray:
        positions = self._store.positions()
        return positions[_as_slice(self._rows) if isinstance(self._rows, range) else self._rows]

    def _select(self, rows: _Index) -> np.ndarray:
        if len(self._columns) >= self._store.shape[1]:
            return self._select_block(rows)
        return in_steps(self._select_block, rows, self._rows_per_block, self.shape[1], self.dtype)

    def _select_block(self, rows: _Index) -> np.ndarray:
        if isinstance(rows, range) and rows.step == 1:
            block = self._store._read(rows.start, max(rows.start, rows.stop))
        else:
            block = self._store.take(np.asarray(rows, dtype=np.int64))
        if isinstance(self._columns, np.ndarray):
            return block[:, self._columns]
        return block[:, _as_slice(self._columns)]

    @property
    def _rows_per_block(self) -> int:
        return min(super()._rows_per_block, self._store._rows_per_block)

    def __repr__(self) -> str:
        return f"<rows of {type(self._store).__name__}: {self._describe()}>"

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_rows": _pack(self._rows, self._store.shape[0])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"_rows": _unpack(state["_rows"])})


def is_row_store(X: Any) -> TypeGuard[RowStore]:
    """Return whether `X` is rows that are read where they are asked for.

    Parameters
    ----------
    X : object
        Any.

    Returns
    -------
    bool
    """
    return isinstance(X, RowStore)


def rows_per_block(n_columns: int, dtype: DTypeLike) -> int:
    """Return how many rows a block has whose size is not given.

    Parameters
    ----------
    n_columns : int
        Columns that are read for it.
    dtype : dtype
        Their type.

    Returns
    -------
    int
    """
    return max(1, _BLOCK_BYTES // max(1, n_columns * np.dtype(dtype).itemsize))


def in_steps(
    read: Callable[[Any], np.ndarray],
    rows: range | np.ndarray,
    step: int,
    n_columns: int,
    dtype: np.dtype,
) -> np.ndarray:
    """Read rows by and by, where more is read for each of them than is kept.

    Parameters
    ----------
    read : callable
        ``read(some_rows)`` returns an array of these rows.
    rows : range or ndarray of shape (n_rows,)
        Indices of the rows.
    step : int
        How many are read at a time: those that are near each other.
    n_columns : int
        Columns of what is read.
    dtype : dtype
        Type of what is read.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
    """
    if 0 < len(rows) <= step:
        return read(rows)
    kept = np.empty((len(rows), n_columns), dtype=dtype)
    order = None if isinstance(rows, range) else np.argsort(rows, kind="stable")
    for start in range(0, len(rows), step):
        here = slice(start, start + step) if order is None else order[start : start + step]
        kept[here] = read(rows[here])
    return kept


def _split_key(key: Any) -> tuple[Any, Any]:
    """Split what stands in brackets into rows and columns."""
    if not isinstance(key, tuple):
        key = (key,)
    parts = [part for part in key if not isinstance(part, EllipsisType)]
    if len(key) - len(parts) > 1 or len(parts) > 2 or any(part is None for part in parts):
        raise IndexError(
            f"Expected rows, or rows and columns, as in X[rows] and X[rows, columns]. Received "
            f"{key!r}."
        )
    if len(parts) == 1:
        return (slice(None), parts[0]) if key[0] is Ellipsis else (parts[0], slice(None))
    return (parts[0], parts[1]) if parts else (slice(None), slice(None))


def _index(key: Any, n: int, what: str) -> _Index:
    """Turn a slice, a list or array of integers, or a mask into indices from 0 to `n - 1`."""
    if isinstance(key, slice):
        return range(n)[key]
    indices = np.asarray(key)
    if indices.ndim == 1 and indices.dtype == bool:
        if len(indices) != n:
            raise IndexError(
                f"Expected a mask of {n} {what}. Received one of {len(indices)}. Take the mask of "
                "the same data."
            )
        indices = np.flatnonzero(indices)
    if indices.ndim != 1 or not (indices.dtype.kind in "iu" or not len(indices)):
        raise IndexError(
            f"Expected {what} as a slice, a 1-d array of integers, or a boolean mask. Received "
            f"{type(key).__name__} of dtype {indices.dtype} and {indices.ndim} dimensions."
        )
    outside = (indices < -n) | (indices >= n)
    if outside.any():
        raise IndexError(
            f"Expected {what} from 0 to {n - 1}, or negative ones that count from the end. "
            f"Received {indices[outside][0]}."
        )
    indices = indices.astype(np.int64)
    indices[indices < 0] += n
    if len(indices) and (np.diff(indices) == 1).all():
        return range(int(indices[0]), int(indices[-1]) + 1)
    return indices


def _compose(outer: _Index, inner: _Index) -> _Index:
    """Return `outer[inner]` for indices of either kind."""
    if isinstance(outer, range):
        if isinstance(inner, range):
            return outer[_as_slice(inner)]
        return outer.start + outer.step * inner
    return outer[_as_slice(inner) if isinstance(inner, range) else inner]


def _as_slice(index: range) -> slice:
    if not len(index):
        return slice(0, 0)
    # A slice would count a negative end from the other side.
    return slice(index.start, index.stop if index.stop >= 0 else None, index.step)


def _pack(rows: _Index, n: int) -> Any:
    """Shorten indices for a pickle: to one bit per row if sorted, else to small integers."""
    if isinstance(rows, range):
        return rows
    if len(rows) > n // 32 and (np.diff(rows) > 0).all():
        mask = np.zeros(n, dtype=bool)
        mask[rows] = True
        return np.packbits(mask), n
    return rows.astype(np.min_scalar_type(n))


def _unpack(packed: Any) -> _Index:
    if isinstance(packed, range):
        return packed
    if isinstance(packed, tuple):
        bits, n = packed
        return np.flatnonzero(np.unpackbits(bits, count=n))
    rows: np.ndarray = packed.astype(np.int64)
    return rows
