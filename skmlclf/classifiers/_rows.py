"""Validated rows, split without copying them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from skmlclf._compat import _check_sample_weight, _get_feature_names
from skmlclf._indicator import check_not_masked
from skmlclf._row_store import RowStore, is_row_store
from skmlclf.classifiers._targets import MultilabelTargets, Targets
from skmlclf.classifiers._weights import row_weights, scaled_entries
from skmlclf.model_selection import MultilabelStratifiedShuffleSplit
from skmlclf.training import EntryWeights

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Rows:
    """Some rows of a feature matrix, with their targets and weights.

    Attributes
    ----------
    X : ndarray, csr matrix or RowStore of shape (n_samples, n_features)
        All rows.
    names : ndarray of shape (n_features,) or None
        Names of the features, where `X` came with string names.
    index : ndarray of shape (n_rows,)
        Those of `X` that are meant.
    positives : csr_matrix of shape (n_rows, n_outputs)
        Their encoded targets.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    entry_weight : EntryWeights or None
        Weights of the single entries of their label matrix; those of unknown labels are zero.
    """

    X: Any
    names: np.ndarray | None
    index: np.ndarray
    positives: sparse.csr_matrix
    weight: np.ndarray | None
    entry_weight: EntryWeights | None = None

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    @property
    def indices(self) -> np.ndarray | None:
        """Indices of the rows in `X`; None where they are all of it, in order."""
        return None if len(self.index) == self.X.shape[0] else self.index

    def take(self, which: np.ndarray) -> "Rows":
        """Return the rows at some positions of the index."""
        return Rows(
            self.X,
            self.names,
            self.index[which],
            self.positives[which],
            None if self.weight is None else self.weight[which],
            None if self.entry_weight is None else self.entry_weight.take(which),
        )


def read_features(X: Any, estimator: Any, *, fitted: bool) -> Any:
    """Validate features; float32 in C order is returned as it is.

    Parameters
    ----------
    X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
        Embeddings. The values of rows on disk are validated when they are read.
    estimator : estimator
        Named in error messages.
    fitted : bool
        Whether the columns must be those that the estimator was fitted on.

    Returns
    -------
    ndarray, csr matrix or RowStore of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If `X` is empty, not 2-d, not numeric, holds NaN, infinity or what float32 cannot hold, or
        has other columns.
    """
    if is_row_store(X):
        _check_stored(X)
        if fitted:
            validate_data(estimator, X, reset=False, skip_check_array=True)
        return X
    check_not_masked(X, "X")
    try:
        features = check_array(X, accept_sparse="csr", estimator=estimator, input_name="X")
    except (TypeError, ValueError) as error:
        _raise_for_column(X, error)
        raise
    except OverflowError as error:
        raise ValueError(f"X holds what no float can ({error}); scale the features.") from error
    if features.dtype.kind in "mM":
        raise ValueError(
            f"X must hold numbers, got dtype {features.dtype}. Say what of a time matters, such as"
            " the seconds since another one."
        )
    if features.dtype.kind not in "biuf":
        # What pandas keeps as objects passes through unread.
        _raise_for_column(X, TypeError(f"dtype {features.dtype}"))
        features = features.astype(np.float64)
    if fitted:
        validate_data(estimator, X, reset=False, skip_check_array=True)
    if features.dtype != np.float32 and features.dtype.itemsize > 2 and features.size:
        largest = max(abs(float(features.max())), abs(float(features.min())))
        if largest > _FLOAT32_MAX:
            raise ValueError(
                f"X holds {largest:.3g}, which the network's float32 cannot; scale the features."
            )
    return features


def _check_stored(X: RowStore) -> None:
    """Validate what is known of rows on disk before they are read."""
    if X.ndim != 2 or min(X.shape) < 1:
        raise ValueError(
            f"X must hold at least one row and one column, got {X!r}: a minimum of 1 is required."
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold numbers, got {X!r} of dtype {X.dtype}.")


def _raise_for_column(X: Any, error: Exception) -> None:
    """Name the column of a DataFrame that holds no numbers."""
    if not hasattr(X, "iloc") or getattr(X, "ndim", 0) != 2:
        return
    for position, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
        try:
            if getattr(dtype, "kind", "O") in "mM":
                raise TypeError("a time is no number")
            np.asarray(X.iloc[:, position], dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"X must hold numbers, got the column {name!r} of dtype {dtype}. Encode it, for"
                " instance with sklearn.preprocessing.OneHotEncoder in a ColumnTransformer, or"
                " leave it out."
            ) from error


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
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_labels), sparse, or None
        Weights of rows or of single entries; what a sparse matrix does not store is zero.
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
    y, unknown = targets.split_unknown(y)
    positives = targets.encode(y)
    check_consistent_length(features, positives)
    weight, entries = _read_weights(sample_weight, features, positives, targets)
    if unknown is not None:
        entries = _without(unknown, entries)
    rows = Rows(features, names, np.arange(features.shape[0]), positives, weight, entries)
    counts = np.ones(len(rows.index), bool) if weight is None else weight > 0
    if entries is not None:
        counts &= entries.by_row() > 0
    if not counts.any():
        reason = "sample_weight is zero for" if unknown is None else "no label is known in"
        raise ValueError(f"{reason} every row, so there is nothing to train on.")
    return rows if counts.all() else rows.take(np.flatnonzero(counts))


def read_row_weights(sample_weight: Any, features: Any) -> np.ndarray:
    """Validate one weight per row, or one for all rows.

    Raises
    ------
    ValueError
        If they are not finite, not as many as the rows, negative, or all zero.
    """
    weight: np.ndarray = _check_sample_weight(
        sample_weight, features, dtype=np.float64, ensure_non_negative=True
    )
    # scikit-learn takes a single number as it is, and before 1.8 zeros as well.
    if not np.isfinite(weight).all():
        raise ValueError(f"sample_weight must be finite, got {float(weight[0]):.3g}.")
    if not weight.any():
        raise ValueError("sample_weight is zero for every row, so that none of them counts.")
    return weight


def _read_weights(
    sample_weight: Any, features: Any, positives: sparse.csr_matrix, targets: Targets
) -> tuple[np.ndarray | None, EntryWeights | None]:
    """Return the weights of rows, or those of single entries."""
    if sample_weight is None:
        return None, None
    if not sparse.issparse(sample_weight) and np.asarray(sample_weight).ndim != 2:
        return read_row_weights(sample_weight, features), None
    if not isinstance(targets, MultilabelTargets):
        raise ValueError(
            "sample_weight of shape (n_samples, n_labels) weighs the labels of a 2-d y, and this y"
            " has classes: give one weight per row."
        )
    weights = check_array(
        sample_weight, accept_sparse="csr", dtype=np.float32, input_name="sample_weight"
    )
    if weights.shape != positives.shape:
        raise ValueError(
            f"sample_weight must have shape {positives.shape[:1]} or {positives.shape}, got"
            f" {weights.shape}."
        )
    if sparse.issparse(weights):
        weights = sparse.csr_matrix(weights, copy=True)
        weights.sum_duplicates()
    if weights.size and weights.min() < 0:
        raise ValueError(
            f"Negative values in sample_weight: expected none, got {float(weights.min()):.3g}."
        )
    return None, EntryWeights(weights, 0.0 if sparse.issparse(weights) else 1.0)


def _without(unknown: sparse.csr_matrix, entries: EntryWeights | None) -> EntryWeights:
    """Return weights of entries in which those that are not known have none."""
    if entries is None:
        zeros = unknown.astype(np.float32)
        zeros.data[:] = 0.0
        return EntryWeights(zeros)
    if entries.kind == "dense":
        values = entries.values.copy()
        values[unknown.nonzero()] = 0.0
        return EntryWeights(values)
    # An entry without a stored weight has weight zero.
    values = entries.values - entries.values.multiply(unknown)
    return EntryWeights(sparse.csr_matrix(values), entries.default)


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
    weight, entries = rows.weight, rows.entry_weight
    _, scaled, _ = row_weights(weight, len(rows.index), "sample_weight_val")
    if entries is not None:
        entries = scaled_entries(entries, scaled, "sample_weight_val")
    if weight is not None:
        weight = scaled
    return replace(rows, weight=weight, entry_weight=entries)


def split_rows(
    rows: Rows,
    fraction: float,
    rng: np.random.RandomState,
    *,
    labels: sparse.csr_matrix | None = None,
) -> tuple[Rows, Rows]:
    """Split off a random part of the rows.

    Parameters
    ----------
    rows : Rows
        Any.
    fraction : float
        Share to split off, in (0, 1).
    rng : RandomState
        Decides which rows.
    labels : csr_matrix of shape (n_rows, n_labels) or None, default=None
        Labels that are to keep their shares on both sides; None leaves them to chance.

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
    if labels is not None:
        splitter = MultilabelStratifiedShuffleSplit(1, test_size=n_held_out, random_state=rng)
        kept, held_out = next(splitter.split(labels, labels))
    else:
        order = rng.permutation(n_rows)
        kept, held_out = order[n_held_out:], order[:n_held_out]
    return rows.take(np.sort(kept)), rows.take(np.sort(held_out))
