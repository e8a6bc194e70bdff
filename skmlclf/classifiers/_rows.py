"""Validated rows, split without copying them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from skmlclf._compat import _check_sample_weight, _get_feature_names
from skmlclf.classifiers._targets import Targets
from skmlclf.classifiers._weights import row_weights

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Rows:
    """Some rows of a feature matrix, with their targets and weights.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        All rows.
    names : ndarray of shape (n_features,) or None
        Names of the features, where `X` came with string names.
    index : ndarray of shape (n_rows,)
        Those of `X` that are meant.
    positives : csr_matrix of shape (n_rows, n_outputs)
        Their encoded targets.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    """

    X: np.ndarray
    names: np.ndarray | None
    index: np.ndarray
    positives: sparse.csr_matrix
    weight: np.ndarray | None

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.X.shape[1]

    @property
    def indices(self) -> np.ndarray | None:
        """Indices of the rows in `X`; None where they are all of it, in order."""
        return None if len(self.index) == len(self.X) else self.index

    def take(self, which: np.ndarray) -> "Rows":
        """Return the rows at some positions of the index."""
        return Rows(
            self.X,
            self.names,
            self.index[which],
            self.positives[which],
            None if self.weight is None else self.weight[which],
        )


def read_features(X: ArrayLike, estimator: Any, *, fitted: bool) -> np.ndarray:
    """Validate features; float32 in C order comes back as it is.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings.
    estimator : estimator
        Named in error messages.
    fitted : bool
        Whether the columns must be those that the estimator was fitted on.

    Returns
    -------
    ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If `X` is empty, not 2-d, not numeric, holds NaN, infinity or what float32 cannot hold, or
        has other columns.
    """
    features: np.ndarray = check_array(X, estimator=estimator, input_name="X")
    if fitted:
        validate_data(estimator, X, reset=False, skip_check_array=True)
    if features.dtype != np.float32 and features.dtype.itemsize > 2:
        largest = max(abs(float(features.max())), abs(float(features.min())))
        if largest > _FLOAT32_MAX:
            raise ValueError(
                f"X holds {largest:.3g}, which the network's float32 cannot; scale the features."
            )
    return features


def read_rows(
    X: ArrayLike,
    y: Any,
    sample_weight: ArrayLike | None,
    targets: Targets,
    estimator: Any,
    *,
    fitted: bool,
) -> Rows:
    """Validate features, targets and weights; rows with weight zero are left out.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings.
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
        Targets.
    sample_weight : array-like of shape (n_samples,) or None
        Weights.
    targets : Targets
        How `y` is to be read.
    estimator : estimator
        Named in error messages.
    fitted : bool
        Whether the columns must be those that the estimator was fitted on.

    Returns
    -------
    Rows

    Raises
    ------
    ValueError
        If any of them cannot be used.
    """
    features = read_features(X, estimator, fitted=fitted)
    names = _get_feature_names(X)
    positives = targets.encode(y)
    check_consistent_length(features, positives)
    everything = np.arange(len(features))
    if sample_weight is None:
        return Rows(features, names, everything, positives, None)
    weight = _check_sample_weight(
        sample_weight, features, dtype=np.float64, ensure_non_negative=True
    )
    used = np.flatnonzero(weight)
    if not len(used):
        raise ValueError("sample_weight is zero for every row, so there is nothing to train on.")
    return Rows(features, names, everything, positives, weight).take(used)


def read_held_out(
    X: ArrayLike,
    y: Any,
    sample_weight: ArrayLike | None,
    targets: Targets,
    training: Rows,
    estimator: Any,
) -> Rows:
    """Validate held-out rows, which must have the columns of the training rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings.
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
        Targets.
    sample_weight : array-like of shape (n_samples,) or None
        Weights.
    targets : Targets
        How `y` is to be read.
    training : Rows
        The training rows.
    estimator : estimator
        Named in error messages.

    Returns
    -------
    Rows
        With weights that are one on average.

    Raises
    ------
    ValueError
        If any of them cannot be used.
    """
    try:
        rows = read_rows(X, y, sample_weight, targets, estimator, fitted=False)
    except ValueError as error:
        raise ValueError(f"The held-out rows cannot be used: {error}") from error
    if rows.n_features != training.n_features:
        raise ValueError(
            f"X_val has {rows.n_features} features, expected the {training.n_features} of X."
        )
    expected, got = training.names, rows.names
    if expected is not None and got is not None and not np.array_equal(expected, got):
        raise ValueError(
            f"The columns of X_val must be those of X, in the same order: got"
            f" {got.tolist()[:5]}, expected {expected.tolist()[:5]}."
        )
    if rows.weight is None:
        return rows
    _, scaled, _ = row_weights(rows.weight, len(rows.weight), "sample_weight_val")
    return Rows(rows.X, rows.names, rows.index, rows.positives, scaled)


def split_rows(rows: Rows, fraction: float, rng: np.random.RandomState) -> tuple[Rows, Rows]:
    """Split off a random part of the rows.

    Parameters
    ----------
    rows : Rows
        Any.
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
