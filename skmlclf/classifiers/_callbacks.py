"""The callbacks of a fit: the user's, and those that its parameters ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from skmlclf.callbacks import Checkpoint, EpochMetrics, EpochTable
from skmlclf.classifiers._best_epoch import BestEpoch
from skmlclf.classifiers._held_out import Request
from skmlclf.metrics import named_scorers


@dataclass(frozen=True)
class FitCallbacks:
    """The callbacks of a fit, and what they ask to be measured.

    Attributes
    ----------
    best_epoch : BestEpoch or None
        Early stopping, where it is asked for.
    others : tuple of keras.callbacks.Callback
        The user's, and a table where the epochs are to be shown.
    """

    best_epoch: BestEpoch | None
    others: tuple[Any, ...]

    @property
    def in_order(self) -> list[Any]:
        """Early stopping first, so that what the others see at the end has the best weights."""
        return [*([] if self.best_epoch is None else [self.best_epoch]), *self.others]

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Return where the fit is written to, if it is to be."""
        return next((c for c in self.others if isinstance(c, Checkpoint)), None)

    @property
    def silent(self) -> "FitCallbacks":
        """Return them without what only shows the fit."""
        return replace(self, others=tuple(c for c in self.others if not isinstance(c, EpochTable)))

    def params(self, *, prints: bool) -> dict[str, bool]:
        """Return what callbacks are told of the fit, besides what Keras tells them."""
        shows = any(isinstance(callback, EpochTable) for callback in self.others)
        # Where a table shows the values, nothing else does; in another process or in this one.
        return {"measures_held_out": True, "epoch_table": shows or not prints}

    def requests(self, scoring: str | Callable[..., Any]) -> list[Request]:
        """Return what is to be measured on held-out rows after each epoch."""
        requests = [
            Request(c.metrics, c.name, c.X_val, c.y_val)
            if c.X_val is not None
            else Request(c.metrics)
            for c in self.others
            if isinstance(c, EpochMetrics)
        ]
        if self.best_epoch is not None:
            requests.append(Request(() if scoring == "loss" else (scoring,)))
        return requests


def make_callbacks(
    callbacks: Sequence[Any] | None,
    *,
    verbose: int,
    early_stopping: bool,
    scoring: str | Callable[..., Any],
    patience: int,
    tol: float,
) -> FitCallbacks:
    """Return the callbacks of a fit.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback instances or classes, or None
        The user's.
    verbose : int
        Above zero, a table of the epochs is added if there is none.
    early_stopping : bool
        Whether to keep the best epoch.
    scoring : str or callable
        What it is best by: "loss", or as `skmlclf.metrics.get_scorer` takes it.
    patience : int
        Epochs without improvement after which to stop.
    tol : float
        Improvements no larger than this do not count.

    Returns
    -------
    FitCallbacks

    Raises
    ------
    TypeError
        If `callbacks` holds anything else.
    ValueError
        If `scoring` names no metric, or one without a direction, or there are two checkpoints.
    """
    for callback in callbacks or ():
        cls = callback if isinstance(callback, type) else type(callback)
        if not issubclass(cls, keras.callbacks.Callback):
            raise TypeError(
                "callbacks must hold keras.callbacks.Callback instances or classes, got"
                f" {callback!r}."
            )
    others = [c() if isinstance(c, type) else c for c in callbacks or ()]
    if sum(isinstance(c, Checkpoint) for c in others) > 1:
        raise ValueError("callbacks holds more than one Checkpoint, and a fit has one folder.")
    if verbose and not any(isinstance(c, EpochTable) for c in others):
        others.append(EpochTable())
    best_epoch = None
    if early_stopping:
        name, greater_is_better = _direction(scoring)
        best_epoch = BestEpoch(
            f"val_{name}", greater_is_better=greater_is_better, patience=patience, tol=tol
        )
    return FitCallbacks(best_epoch, tuple(others))


def _direction(scoring: str | Callable[..., Any]) -> tuple[str, bool]:
    """Return the name under which a value is logged, and whether greater is better."""
    if scoring == "loss":
        return "loss", False
    metrics, scorers = named_scorers([scoring])
    for name, metric in metrics.items():
        if metric.greater_is_better is None:
            raise ValueError(
                f"scoring={name!r} has no best value to stop at; choose a metric that is better"
                " when higher, or lower."
            )
        return name, metric.greater_is_better
    return next(iter(scorers)), True
