"""What a fit trains on and what it watches: validated rows, split without copying them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length

from skmlclf._compat import _check_sample_weight
from skmlclf.classifiers._targets import Targets
from skmlclf.metrics._registry import resolve_metric
from skmlclf.training import Predictor

_FLOAT32_MAX = float(np.finfo(np.float32).max)


class Rows(NamedTuple):
    """Some rows of a feature matrix, with their targets and weights.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        All rows.
    index : ndarray of shape (n_rows,)
        Those of `X` that are meant.
    positives : csr_matrix of shape (n_rows, n_outputs)
        Their encoded targets.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    """

    X: np.ndarray
    index: np.ndarray
    positives: sparse.csr_matrix
    weight: np.ndarray | None

    def take(self, places: np.ndarray) -> "Rows":
        """Return the rows at some places of the index."""
        return Rows(
            self.X,
            self.index[places],
            self.positives[places],
            None if self.weight is None else self.weight[places],
        )


def check_features(X: ArrayLike, estimator: Any) -> np.ndarray:
    """Validate features; float32 in C order comes back as it is.

    Raises
    ------
    ValueError
        If `X` is empty, not 2-d, not numeric, or holds NaN, infinity or what float32 cannot hold.
    """
    X = check_array(X, estimator=estimator, input_name="X")
    if X.dtype != np.float32 and X.dtype.itemsize > 2:
        largest = max(abs(float(X.max())), abs(float(X.min())))
        if largest > _FLOAT32_MAX:
            raise ValueError(
                f"X holds {largest:.3g}, which the network's float32 cannot; scale the features."
            )
    return X


def check_rows(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, targets: Targets, estimator: Any
) -> Rows:
    """Validate features, targets and weights; rows with weight zero are left out.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
    sample_weight : array-like of shape (n_samples,) or None
    targets : Targets
        How `y` is to be read.
    estimator : estimator
        Named in error messages.

    Returns
    -------
    Rows
    """
    X = check_features(X, estimator)
    positives = targets.encode(y)
    check_consistent_length(X, positives)
    if sample_weight is None:
        return Rows(X, np.arange(len(X)), positives, None)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    used = np.flatnonzero(weight)
    if not len(used):
        raise ValueError("sample_weight is zero for every row, so there is nothing to train on.")
    return Rows(X, np.arange(len(X)), positives, weight).take(used)


def split_rows(
    rows: Rows, fraction: float, rng: np.random.RandomState
) -> tuple[Rows, Rows]:
    """Split off a random part of the rows.

    Parameters
    ----------
    rows : Rows
    fraction : float
        Share to split off, in (0, 1).
    rng : RandomState
        Decides which rows.

    Returns
    -------
    kept, held_out : Rows
        Both over the same `X`.
    """
    n_rows = len(rows.index)
    n_held_out = int(np.ceil(fraction * n_rows))
    if n_held_out >= n_rows:
        raise ValueError(
            f"validation_fraction={fraction} of {n_rows} training rows leaves none to train on;"
            " lower it or pass X_val and y_val."
        )
    order = rng.permutation(n_rows)
    return rows.take(np.sort(order[n_held_out:])), rows.take(np.sort(order[:n_held_out]))


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
        self._metrics = {name: resolve_metric(name) for name in dict.fromkeys(metrics)}
        self._exclusive = exclusive

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
        n_outputs = self._positives.shape[1]
        depths = [metric.k for metric in self._metrics.values() if metric.k is not None]
        k = min(n_outputs, max(depths, default=1))
        loss, topk, y_pred = predictor.evaluate(self._X, self._positives, self._weight, k)
        if self._exclusive:
            y_pred = _one_hot(topk[0][:, 0], n_outputs)
        needs_all = any(m.kind == "ranking" and m.k is None for m in self._metrics.values())
        y_score = predictor.probabilities(self._X) if needs_all else None
        logs = {"val_loss": loss}
        for name, metric in self._metrics.items():
            logs[f"val_{name}"] = metric.compute(
                self._positives,
                topk=topk,
                y_score=y_score,
                y_pred=y_pred,
                sample_weight=self._weight,
            )
        return logs


def _one_hot(classes: np.ndarray, n_classes: int) -> sparse.csr_matrix:
    n_rows = len(classes)
    ones = np.ones(n_rows, dtype=np.uint8)
    return sparse.csr_matrix((ones, classes, np.arange(n_rows + 1)), shape=(n_rows, n_classes))
