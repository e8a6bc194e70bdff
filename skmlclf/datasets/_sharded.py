"""What row stores over files share: which rows are in which file, and that no file has changed."""

import os
from collections.abc import Sequence

import numpy as np

from skmlclf._row_store import RowStore


def stamp(path: str) -> tuple[int, int]:
    """Return what tells a version of a file from another: its size and time of change."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


class ShardedRowStore(RowStore):
    """Rows of one file after the other.

    Subclasses define `shape`, and `_read_shard`; `_take_shard` where rows can be read one by one.
    """

    def __init__(
        self, paths: Sequence[str], counts: Sequence[int], stamps: Sequence[tuple[int, int]]
    ) -> None:
        # Processes that a handle is sent to may have another working directory.
        self._paths, self._stamps = [os.path.abspath(path) for path in paths], list(stamps)
        self._firsts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    def _read_shard(self, shard: int, start: int, stop: int) -> np.ndarray:
        """Read consecutive rows of a file."""
        raise NotImplementedError

    def _take_shard(self, shard: int, rows: np.ndarray) -> np.ndarray:
        """Read rows of a file, distinct and in rising order, of which there is at least one."""
        taken: np.ndarray = self._read_shard(shard, rows[0], rows[-1] + 1)[rows - rows[0]]
        return taken

    def read(self, start: int, stop: int) -> np.ndarray:
        rows = np.empty((stop - start, self.shape[1]), dtype=self.dtype)
        first = int(np.searchsorted(self._firsts, start, side="right")) - 1
        for shard in range(first, len(self._paths)):
            begin = int(self._firsts[shard])
            here, end = max(start, begin), min(stop, int(self._firsts[shard + 1]))
            if here >= end:
                if begin >= stop:
                    break
                continue
            self._check(shard)
            rows[here - start : end - start] = self._read_shard(shard, here - begin, end - begin)
        return rows

    def take(self, indices: np.ndarray) -> np.ndarray:
        if (np.diff(indices) > 0).all():
            return self._take_rising(indices)
        distinct, inverse = np.unique(indices, return_inverse=True)
        return self._take_rising(distinct)[inverse]

    def _take_rising(self, indices: np.ndarray) -> np.ndarray:
        """Read distinct rows in rising order."""
        rows = np.empty((len(indices), self.shape[1]), dtype=self.dtype)
        bounds = np.searchsorted(indices, self._firsts)
        for shard in np.flatnonzero(np.diff(bounds)).tolist():
            self._check(shard)
            here = slice(bounds[shard], bounds[shard + 1])
            rows[here] = self._take_shard(shard, indices[here] - self._firsts[shard])
        return rows

    def _check(self, shard: int) -> None:
        path = self._paths[shard]
        try:
            now = stamp(path)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"Expected {path!r} to be there still. It has been removed or renamed since it was "
                "opened. Restore it, or open the files that are there now."
            ) from None
        if now != self._stamps[shard]:
            raise self._changed(shard)

    def _changed(self, shard: int) -> ValueError:
        return ValueError(
            f"Expected {self._paths[shard]!r} to be as it was when it was opened. Its content has "
            "changed. Open it again."
        )

    def _describe(self) -> str:
        n_files = len(self._paths)
        return f"{super()._describe()}, {n_files:,} file{'s' if n_files != 1 else ''}"
