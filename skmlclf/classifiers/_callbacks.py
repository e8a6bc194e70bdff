"""The callbacks of a fit: the user's, and those that its parameters ask for."""

from typing import Any

import keras

from skmlclf.callbacks import EpochMetrics, EpochTable
from skmlclf.callbacks._best_epoch import BestEpoch
from skmlclf.metrics import get_metric


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
    if estimator.verbose and not any(isinstance(c, EpochTable) for c in callbacks):
        callbacks.append(EpochTable())
    in_table = any(isinstance(c, EpochTable) for c in callbacks)
    for callback in callbacks:
        if isinstance(callback, EpochMetrics):
            callback.in_table = in_table
    if estimator.early_stopping:
        on_loss = estimator.scoring == "loss"
        best = BestEpoch(
            f"val_{estimator.scoring}",
            greater_is_better=not on_loss and bool(get_metric(estimator.scoring).greater_is_better),
            patience=estimator.n_iter_no_change,
            tol=estimator.tol,
        )
        # First, so that what the others see at the end has the best weights.
        callbacks.insert(0, best)
    return callbacks
