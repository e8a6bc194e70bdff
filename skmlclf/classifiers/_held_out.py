"""What a fit is measured on after each epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skmlclf._compat import _get_feature_names
from skmlclf.callbacks import EpochMetrics
from skmlclf.classifiers._rows import Rows, check_rows, split_rows
from skmlclf.classifiers._targets import Targets, both_classes
from skmlclf.metrics import evaluate_metrics, get_metric, one_hot
from skmlclf.training import Predictor


def hold_out(
    estimator: Any,
    X: Any,
    rows: Rows,
    validation: tuple[Any, Any, Any],
    targets: Targets,
    callbacks: Sequence[Any],
    rng: np.random.RandomState,
) -> tuple[Rows, "list[HeldOut]"]:
    """Decide what is held out: by the fit itself, and by callbacks with rows of their own.

    Parameters
    ----------
    estimator : classifier
        Its parameters say what early stopping needs.
    X : array-like of shape (n_samples, n_features)
        The features as `fit` was given them, names included.
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
    held_out : list of HeldOut
        Those that the fit itself watches first, then the callbacks' own.

    Raises
    ------
    ValueError
        If held-out rows are not as those of `fit`, or two sets of them share a name.
    """
    X_val, y_val, sample_weight_val = validation
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together, got only one of them.")
    if X_val is None and sample_weight_val is not None:
        raise ValueError("sample_weight_val weighs the rows of X_val, and no X_val was given.")
    measuring = [callback for callback in callbacks if isinstance(callback, EpochMetrics)]
    shared = [callback for callback in measuring if callback.X_val is None]
    metrics = [name for callback in shared for name in callback.metrics]
    if estimator.early_stopping and estimator.scoring != "loss":
        metrics.append(estimator.scoring)
    held_out = []
    for callback in measuring:
        if callback.X_val is not None:
            own = _check(estimator, X, rows, (callback.X_val, callback.y_val, None), targets)
            held_out.append(HeldOut(own, callback.metrics, targets.kind, callback.name))
    if X_val is not None:
        watched = _check(estimator, X, rows, validation, targets)
        held_out.insert(0, HeldOut(watched, metrics, targets.kind, "val"))
    elif estimator.early_stopping or shared:
        rows, watched = split_rows(rows, estimator.validation_fraction, rng)
        held_out.insert(0, HeldOut(watched, metrics, targets.kind, "val"))
    names = [each.name for each in held_out]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Two sets of held-out rows are called {name!r}, so that one would hide the other."
                " The fit's own are called 'val': give EpochMetrics with other rows another name,"
                " such as name='test'."
            )
    return rows, held_out


def _check(
    estimator: Any, X: Any, rows: Rows, validation: tuple[Any, Any, Any], targets: Targets
) -> Rows:
    try:
        held_out = check_rows(*validation, targets, estimator)
    except ValueError as error:
        raise ValueError(f"The held-out rows cannot be used: {error}") from error
    n_features = rows.X.shape[1]
    if held_out.X.shape[1] != n_features:
        raise ValueError(
            f"X_val has {held_out.X.shape[1]} features, expected the {n_features} of X."
        )
    names, names_val = _get_feature_names(X), _get_feature_names(validation[0])
    if names is not None and names_val is not None and not np.array_equal(names, names_val):
        raise ValueError(
            f"The columns of X_val must be those of X, in the same order: got"
            f" {names_val.tolist()[:5]}, expected {names.tolist()[:5]}."
        )
    return held_out


class HeldOut:
    """Rows that a fit is measured on after each epoch.

    Parameters
    ----------
    rows : Rows
        The held-out rows.
    metrics : iterable of str
        Names of metrics to compute besides the loss.
    kind : {"binary", "multiclass", "multilabel"}
        What the targets are.
    name : str
        What the names of the figures start with.
    """

    def __init__(self, rows: Rows, metrics: Any, kind: str, name: str) -> None:
        self.name = name
        self._rows = rows
        self._kind = kind
        self._metrics = [get_metric(name) for name in dict.fromkeys(metrics)]
        depths = [metric.depth_for(rows.positives) for metric in self._metrics]
        self._depth = min(
            rows.positives.shape[1], max((d for d in depths if d is not None), default=1)
        )

    def evaluate(self, predictor: Predictor) -> dict[str, float]:
        """Return the loss as ``"<name>_loss"`` and each metric as ``"<name>_<metric>"``.

        Parameters
        ----------
        predictor : Predictor
            Of the network as it is now.

        Returns
        -------
        dict of str to float
        """
        rows = self._rows
        loss, best, y_pred = predictor.evaluate(
            rows.X, rows.positives, rows.weight, self._depth, rows.places
        )
        y_true = rows.positives
        if self._kind == "binary":
            # As the scorers see it: two classes, of which a row has one.
            y_true = one_hot(np.diff(y_true.indptr), np.arange(2))
            y_pred = one_hot(np.diff(y_pred.indptr), np.arange(2))
        elif self._kind == "multiclass":
            y_pred = one_hot(best[0][:, 0], np.arange(y_true.shape[1]))
        responses = _HeldOutResponses(rows, predictor, self._kind == "binary", best, y_pred)
        logs = {"loss": loss, **evaluate_metrics(self._metrics, y_true, responses, rows.weight)}
        return {f"{self.name}_{name}": value for name, value in logs.items()}


class _HeldOutResponses:
    """What a network responds with for the held-out rows, out of one pass where it can be."""

    def __init__(self, rows: Rows, predictor: Predictor, binary: bool, best: Any, y_pred: Any):
        self._rows, self._predictor, self._binary = rows, predictor, binary
        self._best, self._y_pred = best, y_pred

    def top_k(self, k: int) -> Any:
        return None if self._binary else self._best

    def probabilities(self) -> np.ndarray:
        if self._binary:
            return both_classes(self._best[1][:, :1])
        rows = self._rows
        return self._predictor.probabilities(rows.X if rows.places is None else rows.X[rows.places])

    scores = probabilities

    def decisions(self) -> Any:
        return self._y_pred
