"""How far the reading of many files is."""

import sys
import time

_SECONDS_IN_LOG = 10.0  # between two lines where a line cannot be overwritten
_SECONDS_ON_TERMINAL = 0.1


class Progress:
    """Files and records so far and the time left, on standard error; silent if `verbose` is 0."""

    def __init__(self, n_files: int, *, verbose: int) -> None:
        self._n_files, self._n_done, self._n_records = n_files, 0, 0
        self._stream = sys.stderr if verbose else None
        self._in_place = self._stream is not None and self._stream.isatty()
        self._start = self._last = time.monotonic()

    def update(self, n_records: int) -> None:
        """Note that one more file, of so many records, is done."""
        self._n_done += 1
        self._n_records += n_records
        if self._stream is None:
            return
        now = time.monotonic()
        is_last = self._n_done == self._n_files
        pause = _SECONDS_ON_TERMINAL if self._in_place else _SECONDS_IN_LOG
        if now - self._last < pause and not is_last:
            return
        self._last = now
        seconds = max(now - self._start, 1e-9)
        left = seconds / self._n_done * (self._n_files - self._n_done)
        line = (
            f"Indexing: {self._n_done:,} of {self._n_files:,} files, {self._n_records:,} records, "
            f"{self._n_records / seconds:,.0f} records/s, {left:.0f} s left"
        )
        end = "\n" if is_last or not self._in_place else ""
        self._stream.write(f"\r\033[K{line}{end}" if self._in_place else f"{line}\n")
        self._stream.flush()
