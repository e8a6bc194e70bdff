"""Validated rows, split without copying them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length

from skmlclf._compat import _check_sample_weight
from skmlclf.classifiers._targets import Targets

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Rows:
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

    @property
    def places(self) -> np.ndarray | None:
        """Where the rows lie in `X`; None where they are all of it, in order."""
        return None if len(self.index) == len(self.X) else self.index

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
    features: np.ndarray = check_array(X, estimator=estimator, input_name="X")
    if features.dtype != np.float32 and features.dtype.itemsize > 2:
        largest = max(abs(float(features.max())), abs(float(features.min())))
        if largest > _FLOAT32_MAX:
            raise ValueError(
                f"X holds {largest:.3g}, which the network's float32 cannot; scale the features."
            )
    return features


def check_rows(
    X: ArrayLike, y: Any, sample_weight: ArrayLike | None, targets: Targets, estimator: Any
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
    features = check_features(X, estimator)
    positives = targets.encode(y)
    check_consistent_length(features, positives)
    everything = np.arange(len(features))
    if sample_weight is None:
        return Rows(features, everything, positives, None)
    weight = _check_sample_weight(
        sample_weight, features, dtype=np.float64, ensure_non_negative=True
    )
    used = np.flatnonzero(weight)
    if not len(used):
        raise ValueError("sample_weight is zero for every row, so there is nothing to train on.")
    return Rows(features, everything, positives, weight).take(used)


def split_rows(rows: Rows, fraction: float, rng: np.random.RandomState) -> tuple[Rows, Rows]:
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
