"""Peak memory of a block of code."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """Peak of the process's resident memory while a block ran.

    Attributes
    ----------
    bytes : int or None
        The peak; None until the block has ended, and where the system does not report it.
    """

    bytes: int | None = None


@contextlib.contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure a block, where the system is Linux.

    Yields
    ------
    PeakMemory

    Examples
    --------
    >>> from skmlclf.comparison._memory import peak_memory
    >>> with peak_memory() as peak:
    ...     _ = bytearray(2**20)
    >>> peak.bytes is None or peak.bytes > 2**20
    True
    """
    peak = PeakMemory()
    reset = False
    with contextlib.suppress(OSError):
        # Makes the kernel's high-water mark start again from what is resident now.
        _CLEAR.write_text("5")
        reset = True
    yield peak
    if reset and (found := re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())):
        peak.bytes = int(found[1]) * 1024
