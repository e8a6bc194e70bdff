"""Several row stores as one."""

from collections.abc import Iterable

import numpy as np

from skmlclf._row_store import RowStore


def concatenate_rows(stores: Iterable[RowStore]) -> RowStore:
    """Concatenate row stores, without copying their rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    stores : iterable of RowStore
        Row stores of any kind with the same number of columns. The same one may occur several
        times.

    Returns
    -------
    X : RowStore of shape (n_rows, n_columns)
        The rows of all of them, in order, in the smallest dtype that holds all of theirs.

    Raises
    ------
    TypeError
        If one of them is not a :class:`RowStore`.
    ValueError
        If there is none, or they differ in their number of columns.

    See Also
    --------
    scipy.sparse.vstack : The same for the labels.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skmlclf.datasets import NpyRowStore, concatenate_rows
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "X.npy")
    >>> np.save(path, np.zeros((300, 4), dtype=np.float32))
    >>> once = NpyRowStore(path)
    >>> concatenate_rows([once] * 10)
    <ConcatenatedRows: 3,000 rows, 4 columns, float32>
    >>> folder.cleanup()
    """
    parts = list(stores)
    if not parts:
        raise ValueError("Expected at least one row store. Received none.")
    for i, part in enumerate(parts):
        if not isinstance(part, RowStore):
            raise TypeError(
                f"Expected row stores. Received {type(part).__name__} at index {i}. Write it to a "
                ".npy file and open that as NpyRowStore, or concatenate arrays with np.concatenate."
            )
        if part.shape[1] != parts[0].shape[1]:
            raise ValueError(
                f"Expected {parts[0].shape[1]} columns, as the first store has. Received "
                f"{part.shape[1]} at index {i}. Select the same columns of each."
            )
    return ConcatenatedRows(parts)


class ConcatenatedRows(RowStore):
    """The rows of several stores."""

    def __init__(self, stores: list[RowStore]) -> None:
        self._stores = stores
        self._firsts = np.cumsum([0, *(len(store) for store in stores)])
        self.shape = (int(self._firsts[-1]), stores[0].shape[1])
        self.dtype = np.result_type(*(store.dtype for store in stores))

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive rows."""
        rows = np.empty((stop - start, self.shape[1]), dtype=self.dtype)
        first, last = np.searchsorted(self._firsts, [start, stop], side="right") - 1
        for store, begin in zip(
            self._stores[first : last + 1], self._firsts[first:].tolist(), strict=False
        ):
            here, end = max(start, begin), min(stop, begin + len(store))
            if here < end:
                rows[here - start : end - start] = store._read(here - begin, end - begin)
        return rows

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Read any rows."""
        rows = np.empty((len(indices), self.shape[1]), dtype=self.dtype)
        owners = np.searchsorted(self._firsts, indices, side="right") - 1
        for owner in np.unique(owners).tolist():
            here = owners == owner
            rows[here] = self._stores[owner].take(indices[here] - self._firsts[owner])
        return rows

    @property
    def block_rows(self) -> int:
        return max(store.block_rows for store in self._stores)

    def positions(self) -> np.ndarray:
        """Return where each row lies: those of one store after those of the last."""
        positions, first = [], 0
        for store in self._stores:
            positions.append(first + store.positions())
            first = positions[-1].max(initial=first) + 1
        return np.concatenate(positions)

    @property
    def _rows_per_block(self) -> int:
        return min(super()._rows_per_block, *(store._rows_per_block for store in self._stores))
