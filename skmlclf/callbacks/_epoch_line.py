"""One aligned line per epoch."""

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Self, TextIO

import keras

_COUNTS = ("tn", "fp", "fn", "tp")
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

    Only a loss is known of training rows too, so only a loss says which rows it is of.

    Parameters
    ----------
    name : str
        As in the history of a fit.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.callbacks._epoch_line import short_name
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
    """Format a value with the digits that its kind needs.

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
    # A loss or a share of wrong labels lies near zero where labels are many.
    return f"{value:.5f}" if name.endswith(("loss", "hamming")) else f"{value:.4f}"


class EpochPrinter(keras.callbacks.Callback):
    """Print a line after each epoch.

    Parameters
    ----------
    file : text stream, default=None
        Where to; None stands for standard output.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__()
        self.file = file

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy for a clone of the estimator: with its data and stream, not its model."""
        copy = type(self).__new__(type(self))
        copy.__dict__ |= {**self.__dict__, "_model": None}
        return copy

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process; another one prints to its standard output."""
        return {**self.__dict__, "_model": None, "file": None}

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line."""
        seconds = perf_counter() - self._start
        line = epoch_line(epoch, self.params["epochs"], seconds, logs or {})
        file = self.file or sys.stdout
        # A program without a console has no standard output.
        if file is not None:
            print(line, file=file, flush=True)
