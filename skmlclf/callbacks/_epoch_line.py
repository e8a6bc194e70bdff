"""One aligned line per epoch."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from time import perf_counter
from typing import Any, Self, TextIO

import keras

from skmlclf._progress import Progress, progress

_COUNTS = ("tn", "fp", "fn", "tp")
_SECONDS_TO_TELL = 3.0
_AT_K = {"precision": "P", "recall": "R", "ndcg": "nDCG", "gap": "GAP", "map": "MAP"}


def epoch_line(epoch: int, n_epochs: int, seconds: float, values: Mapping[str, float]) -> str:
    """Format the values of an epoch, so that the lines of a fit are aligned.

    Parameters
    ----------
    epoch : int
        Number of the epoch, from 0.
    n_epochs : int
        Number that the fit will run at most.
    seconds : float
        Time since the epoch began.
    values : mapping of str to float
        Names and values.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.callbacks._epoch_line import epoch_line
    >>> epoch_line(1, 10, 2.5, {"loss": 0.0123456, "val_precision_at_20": 0.08, "val_tp": 31.0})
    'epoch  2/10     2.5 s   loss 0.01235   P@20 0.0800   tp     31'
    """
    width = len(str(n_epochs))
    columns = "".join(
        f"   {short_name(name)} {format_value(name, value)}" for name, value in values.items()
    )
    return f"epoch {epoch + 1:>{width}}/{n_epochs}  {seconds:6.1f} s{columns}"


def short_name(name: str) -> str:
    """Shorten the name of a metric to fit the heading of a column.

    Metrics are computed on held-out rows only, so that the prefix ``val_`` is left out, except for
    losses.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name of a metric in the history of a fit.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.callbacks import short_name
    >>> [short_name(n) for n in ("val_precision_at_20", "val_f1_samples", "val_loss", "val_tp")]
    ['P@20', 'F1', 'val loss', 'tp']
    """
    if name == "val_loss":
        return "val loss"
    name = name.removeprefix("val_")
    family, at, k = name.partition("_at_")
    if at:
        return f"{_AT_K.get(family, family)}@{k}"
    return {"f1_samples": "F1"}.get(name, name.removesuffix("_samples"))


def format_value(name: str, value: float) -> str:
    """Format the value of a metric with the number of decimals of its kind.

    Counts have none, losses five, other metrics four.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name of the metric.
    value : float
        Its value.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.callbacks import format_value
    >>> format_value("val_hamming", 0.00071), format_value("gap_at_20", 0.7)
    ('0.00071', '0.7000')
    """
    if name.removeprefix("val_") in _COUNTS:
        return f"{value:6.0f}"
    # With many labels, a loss or a fraction of wrong labels is near zero.
    return f"{value:.5f}" if name.endswith(("loss", "hamming")) else f"{value:.4f}"


def how_far(share: float, n_rows: int | None, seconds: float) -> str:
    """Say how much of an epoch is done and, once it has run for some seconds, how fast it is.

    Parameters
    ----------
    share : float
        What is done, from 0 to 1.
    n_rows : int or None
        Rows of the epoch, where they are known.
    seconds : float
        Time since the epoch began.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.callbacks._epoch_line import how_far
    >>> how_far(0.25, 10_000, 1.0), how_far(0.25, 10_000, 50.0)
    ('25%', '25%, 50 rows/s, 150 s left')
    """
    done = f"{int(100 * share)}%"
    if n_rows is None or seconds < _SECONDS_TO_TELL or not share:
        return done
    return f"{done}, {share * n_rows / seconds:,.0f} rows/s, {seconds * (1 / share - 1):.0f} s left"


class EpochPrinter(keras.callbacks.Callback):
    """Print a line after each epoch.

    Parameters
    ----------
    file : text stream, default=None
        Stream to print to; None stands for standard output.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__()
        self.file = file
        self._bar: Progress | None = None
        self._open = ExitStack()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy for a clone of the estimator: with its data and stream, not its model."""
        copy = type(self).__new__(type(self))
        copy.__dict__ |= {**self.__dict__, "_model": None, "_bar": None, "_open": ExitStack()}
        return copy

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process; another one prints to its standard output."""
        state = {**self.__dict__, "_model": None, "file": None, "_bar": None}
        del state["_open"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {**state, "_open": ExitStack()}

    @property
    def _prints(self) -> bool:
        """Whether lines are printed in this fit."""
        return True

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = perf_counter()
        self._close()
        if self._prints and "rows" in (self.params or {}):
            self._rows_done = 0
            desc = f"epoch {epoch + 1}/{self.params['epochs']}"
            self._bar = self._open.enter_context(progress(self.params["rows"], desc, leave=False))

    def on_progress(self, n_batches: int, logs: dict[str, float] | None = None) -> None:
        """Show how far the epoch is; a fit of this package calls this every few batches."""
        if self._bar is not None:
            rows = self.params["rows"] * n_batches // self.params["steps"]
            loss = format_value("loss", (logs or {}).get("loss", float("nan")))
            self._bar.update(rows - self._rows_done, loss=loss)
            self._rows_done = rows

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line."""
        self._close()
        if not self._prints:
            return
        seconds = perf_counter() - self._start
        line = epoch_line(epoch, self.params["epochs"], seconds, logs or {})
        file = self.file or sys.stdout
        # A program without a console has no standard output.
        if file is not None:
            print(line, file=file, flush=True)

    def on_train_abort(self) -> None:
        """Take away what shows how far the epoch is, after an error too."""
        self._close()

    def _close(self) -> None:
        self._bar = None
        self._open.close()
