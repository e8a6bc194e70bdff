"""How far a long computation is, on standard error."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_SECONDS_IN_PLACE = 0.1
_SECONDS_IN_LOG = 30.0  # between two lines where a line cannot be overwritten
_LOG_LINE = (
    "{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt}{unit}, {rate_fmt}, {remaining} left{postfix}"
)


class Progress:
    """What `progress` yields."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar

    def update(self, n: int = 1, **values: float | str) -> None:
        """Note that more is done.

        Parameters
        ----------
        n : int, default=1
            How much more.
        **values : float or str
            What to show beside it, by name, such as a loss.
        """
        if self._bar is not None:
            if values:
                self._bar.set_postfix(values, refresh=False)
            self._bar.update(n)


@contextmanager
def progress(
    total: int,
    desc: str,
    *,
    unit: str = "rows",
    verbose: int = 1,
    initial: int = 0,
    leave: bool = True,
) -> Iterator[Progress]:
    """Show how much is done, how fast, and the time left.

    On a terminal and in a notebook one line is updated in place. In a log file or a pipe a line is
    written every half minute, and one at the end; nothing about what takes less.

    Parameters
    ----------
    total : int
        How much there is to do.
    desc : str
        What is done, such as ``"Indexing"``.
    unit : str, default="rows"
        What is counted.
    verbose : int, default=1
        0 shows nothing.
    initial : int, default=0
        How much is done already, which the speed does not count.
    leave : bool, default=True
        Whether the line stays once all is done.

    Yields
    ------
    Progress
        Its `update` is to be called with what has been done since the last call.

    Examples
    --------
    >>> from skmlclf._progress import progress
    >>> with progress(1000, "Fitting", verbose=0) as bar:
    ...     for loss in (0.5, 0.3):
    ...         bar.update(500, loss=loss)
    """
    if not verbose or sys.stderr is None:
        yield Progress()
        return
    from tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # a thread that outlives the bars

    # tqdm takes a terminal that does not tell its size for one of no columns.
    size = shutil.get_terminal_size()
    in_place = sys.stderr.isatty() or _is_notebook(sys.stderr)
    with Bar(
        total=total,
        desc=desc,
        unit=f" {unit}",
        unit_scale=total >= 100_000,
        initial=initial,
        leave=leave,
        file=sys.stderr if in_place else _Lines(sys.stderr),
        mininterval=_SECONDS_IN_PLACE if in_place else _SECONDS_IN_LOG,
        miniters=1,
        delay=0 if in_place else _SECONDS_IN_LOG,
        ncols=size.columns if in_place else None,
        nrows=size.lines,
        bar_format=None if in_place else _LOG_LINE,
    ) as bar:
        yield Progress(bar)


class _Lines:
    """A stream on which each state of a bar becomes a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        # Without what moves the cursor on a terminal.
        line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).strip()
        if line:
            self._stream.write(line + "\n")

    def flush(self) -> None:
        self._stream.flush()


def _is_notebook(stream: Any) -> bool:
    return type(stream).__module__.partition(".")[0] == "ipykernel"
