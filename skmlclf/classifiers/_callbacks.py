"""The callbacks of a fit: the user's, and those that its parameters ask for."""

from typing import Any

import keras

from skmlclf.callbacks import EpochMetrics, EpochTable
from skmlclf.callbacks._best_epoch import BestEpoch
from skmlclf.metrics._registry import resolve_metric


def make_callbacks(estimator: Any) -> list[Any]:
    """Return the callbacks in the order in which they are called.

    Parameters
    ----------
    estimator : classifier
        Its parameters say which.

    Returns
    -------
    list of keras.callbacks.Callback

    Raises
    ------
    TypeError
        If ``callbacks`` holds anything else.
    ValueError
        If ``scoring`` names no metric.
    """
    callbacks = [c() if isinstance(c, type) else c for c in estimator.callbacks or ()]
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                "callbacks must hold keras.callbacks.Callback instances or classes, got"
                f" {callback!r}."
            )
    tables = [i for i, c in enumerate(callbacks) if isinstance(c, EpochTable)]
    measuring = [(i, c) for i, c in enumerate(callbacks) if isinstance(c, EpochMetrics)]
    for i, callback in measuring:
        # The figures of the fit's own held-out rows are there before any callback is called.
        callback.in_table = bool(tables) and (callback.X_val is None or i < tables[-1])
    if estimator.verbose and not tables and not any(c.verbose for _, c in measuring):
        callbacks.append(EpochTable())
    if estimator.early_stopping:
        on_loss = estimator.scoring == "loss"
        callbacks.append(
            BestEpoch(
                f"val_{estimator.scoring}",
                greater_is_better=not on_loss
                and resolve_metric(estimator.scoring).greater_is_better,
                patience=estimator.n_iter_no_change,
                tol=estimator.tol,
            )
        )
    return callbacks
