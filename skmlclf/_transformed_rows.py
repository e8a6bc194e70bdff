"""Rows that are computed from others while they are read."""

from collections.abc import Callable

import numpy as np

from skmlclf._row_store import RowStore, in_steps


class TransformedRows(RowStore):
    """What a function makes of the rows of a store, block by block, whenever they are read.

    It is pickled as the store and the function.

    Parameters
    ----------
    store : RowStore of shape (n_rows, n_columns_in)
        The rows that are read.
    function : callable
        ``function(block)`` of an array of shape (n, n_columns_in) with n > 0 returns one of shape
        (n, n_columns), in which each row depends on that of the block alone. It may change the
        block.
    n_columns : int
        Columns of what it returns.
    dtype : dtype
        Type of what it returns.
    block_rows : int, default=None
        The most rows of a block. `None` takes as many of the store's as fit into 8 MiB.
    """

    def __init__(
        self,
        store: RowStore,
        function: Callable[[np.ndarray], np.ndarray],
        n_columns: int,
        dtype: np.dtype,
        block_rows: int | None = None,
    ) -> None:
        self.shape = (store.shape[0], n_columns)
        self.dtype = np.dtype(dtype)
        self._store, self._function, self._block_rows = store, function, block_rows

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive rows, and compute what they become."""

        def read_block(rows: range) -> np.ndarray:
            return self._function(self._store._read(rows.start, rows.stop))

        return in_steps(read_block, range(start, stop), self._rows_per_block, *self._form)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Read any rows, and compute what they become."""

        def take_block(rows: np.ndarray) -> np.ndarray:
            return self._function(self._store.take(rows))

        return in_steps(take_block, np.asarray(indices), self._rows_per_block, *self._form)

    @property
    def block_rows(self) -> int:
        return self._store.block_rows

    def positions(self) -> np.ndarray:
        """Return where each row lies in the store."""
        return self._store.positions()

    @property
    def _form(self) -> tuple[int, np.dtype]:
        return self.shape[1], self.dtype

    @property
    def _rows_per_block(self) -> int:
        if self._block_rows is not None:
            return self._block_rows
        return min(super()._rows_per_block, self._store._rows_per_block)

    def __repr__(self) -> str:
        what = repr(self._store)[1:].partition(":")[0]
        return f"<transformed {what}: {self._describe()}>"
