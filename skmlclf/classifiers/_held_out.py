"""What a fit is measured on after each epoch."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from skmlclf.callbacks import EpochMetrics
from skmlclf.classifiers._rows import Rows, check_rows, split_rows
from skmlclf.classifiers._targets import Targets
from skmlclf.metrics import multilabel_confusion_matrix
from skmlclf.metrics._predictions import one_hot
from skmlclf.metrics._registry import CONFUSION, resolve_metric
from skmlclf.training import Predictor


def hold_out(
    estimator: Any,
    rows: Rows,
    validation: tuple[Any, Any, Any],
    targets: Targets,
    callbacks: Sequence[Any],
    rng: np.random.RandomState,
) -> tuple[Rows, "HeldOut | None"]:
    """Decide what is held out, and give the callbacks that measure something their rows.

    Parameters
    ----------
    estimator : classifier
        Its parameters say what early stopping needs.
    rows : Rows
        The training rows.
    validation : tuple
        ``X_val``, ``y_val`` and ``sample_weight_val`` as `fit` was given them.
    targets : Targets
        How targets are to be read.
    callbacks : sequence of keras.callbacks.Callback
        Those of the fit.
    rng : RandomState
        Decides which training rows are split off, where some have to be.

    Returns
    -------
    rows : Rows
        What is left to train on.
    held_out : HeldOut or None
        None where nothing asks for held-out rows.
    """
    X_val, y_val, sample_weight_val = validation
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together, got only one of them.")
    if X_val is None and sample_weight_val is not None:
        raise ValueError("sample_weight_val weighs the rows of X_val, and no X_val was given.")
    exclusive = targets.kind == "multiclass"
    metrics: list[str] = []
    measuring = estimator.early_stopping
    for callback in callbacks:
        if not isinstance(callback, EpochMetrics):
            continue
        if callback.X_val is None:
            measuring = True
            metrics.extend(callback.metrics)
        else:
            own = _check(estimator, rows, (callback.X_val, callback.y_val, None), targets)
            own_held_out = HeldOut(own, callback.metrics, exclusive=exclusive)
            callback.evaluate = partial(_evaluate, estimator, own_held_out)
    if estimator.early_stopping and estimator.scoring != "loss":
        metrics.append(estimator.scoring)
    if X_val is not None:
        watched = _check(estimator, rows, validation, targets)
    elif measuring:
        rows, watched = split_rows(rows, estimator.validation_fraction, rng)
    else:
        return rows, None
    return rows, HeldOut(watched, metrics, exclusive=exclusive)


def _check(estimator: Any, rows: Rows, validation: tuple[Any, Any, Any], targets: Targets) -> Rows:
    try:
        held_out = check_rows(*validation, targets, estimator)
    except ValueError as error:
        raise ValueError(f"The held-out rows cannot be used: {error}") from error
    if held_out.X.shape[1] != rows.X.shape[1]:
        raise ValueError(
            f"X_val has {held_out.X.shape[1]} features, expected the {rows.X.shape[1]} of X."
        )
    return held_out


def _evaluate(estimator: Any, held_out: "HeldOut") -> dict[str, float]:
    return held_out.evaluate(estimator._predictor)


class HeldOut:
    """Rows that a fit is measured on after each epoch.

    Parameters
    ----------
    rows : Rows
        The held-out rows.
    metrics : iterable of str
        Names of metrics to compute besides the loss.
    exclusive : bool
        Whether a row has one class, so that the best one is the decision.
    """

    def __init__(self, rows: Rows, metrics: Any, *, exclusive: bool) -> None:
        self._X = rows.X if len(rows.index) == len(rows.X) else rows.X[rows.index]
        self._positives = rows.positives
        self._weight = rows.weight
        self._metrics = {n: resolve_metric(n) for n in dict.fromkeys(metrics) if n != CONFUSION}
        self._confusion = CONFUSION in metrics
        self._exclusive = exclusive
        ranking = [m for m in self._metrics.values() if m.kind == "ranking"]
        depths = [metric.depth(self._positives) for metric in ranking]
        self._needs_all_scores = None in depths
        self._depth = min(
            self._positives.shape[1], max((d for d in depths if d is not None), default=1)
        )

    def evaluate(self, predictor: Predictor) -> dict[str, float]:
        """Return the loss as ``"val_loss"`` and each metric as ``"val_<name>"``.

        Parameters
        ----------
        predictor : Predictor
            Of the network as it is now.

        Returns
        -------
        dict of str to float
        """
        y_true = self._positives
        loss, topk, y_pred = predictor.evaluate(self._X, y_true, self._weight, self._depth)
        if self._exclusive:
            y_pred = one_hot(topk[0][:, 0], np.arange(y_true.shape[1]))
        y_score = predictor.probabilities(self._X) if self._needs_all_scores else None
        logs = {"val_loss": loss}
        for name, metric in self._metrics.items():
            logs[f"val_{name}"] = metric.compute(
                y_true, topk=topk, y_score=y_score, y_pred=y_pred, sample_weight=self._weight
            )
        if self._confusion:
            counts = multilabel_confusion_matrix(y_true, y_pred, sample_weight=self._weight)
            totals = counts.sum(axis=0).ravel()
            logs.update(zip(("val_tn", "val_fp", "val_fn", "val_tp"), totals, strict=True))
        return logs
