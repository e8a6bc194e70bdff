"""Telling one-dimensional classes from indicators of labels."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from skmlclf._indicator import check_not_masked, read_indicator


def is_multilabel(y: Any) -> bool:
    """Say whether `y` is an indicator of labels: 2-d with several columns, dense or sparse.

    The values are not consulted, so a fold in which every row has one label stays what it is.
    """
    if not hasattr(y, "shape"):
        try:
            y = np.asarray(y)
        except ValueError:
            # Rows of several lengths: the reader of indicators says what to do.
            return True
    if sparse.issparse(y):
        return bool(y.ndim != 2 or y.shape[1] != 1)
    return len(y.shape) == 2 and y.shape[1] > 1


def as_classes(y: Any) -> np.ndarray:
    """Return one-dimensional classes as a finite array."""
    if sparse.issparse(y) and y.ndim == 2:
        y = read_indicator(y, "y").toarray().ravel()
    check_not_masked(y, "y")
    classes: np.ndarray = column_or_1d(y, warn=True)
    if classes.dtype.kind == "f":
        assert_all_finite(classes, input_name="y")
    if classes.dtype.kind == "O":
        sorted_classes(classes, "y")
    check_classification_targets(classes)
    return classes


def sorted_classes(values: Any, name: str) -> np.ndarray:
    """Return each class once, in order.

    Raises
    ------
    ValueError
        If there is no order among them, as between texts and numbers, or one is missing.
    """
    array = np.asarray(list(values) if isinstance(values, set | frozenset) else values)
    try:
        return np.unique(array)
    except TypeError as error:
        kinds = sorted({type(each).__name__ for each in array.ravel().tolist()})
        raise ValueError(
            f"{name} must hold classes of one kind, all texts or all numbers and none missing, got"
            f" {', '.join(kinds)}."
        ) from error


def class_codes(y: Any, classes: np.ndarray) -> np.ndarray:
    """Return the index of each row's class.

    Raises
    ------
    ValueError
        If `y` is an indicator, or holds a class that is not among them.
    """
    if is_multilabel(y):
        raise ValueError(f"y must be 1-d classes as in the first fit, got shape {np.shape(y)}.")
    y = as_classes(y)
    codes: np.ndarray
    try:
        codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    except TypeError:
        # Texts among numbers, or the other way round.
        codes = np.zeros(len(y), dtype=np.intp)
    unknown = classes[codes] != y
    if unknown.any():
        raise ValueError(
            f"y holds {np.unique(y[unknown]).tolist()[:5]}, which are not among the classes"
            f" {classes.tolist()[:10]}; pass every class to the first fit."
        )
    return codes


def one_hot(codes: np.ndarray, n_columns: int) -> sparse.csr_matrix:
    """Return a matrix with a single one in each row, uint8."""
    ones = np.ones(len(codes), dtype=np.uint8)
    return sparse.csr_matrix(
        (ones, codes.astype(np.int32), np.arange(len(codes) + 1)), shape=(len(codes), n_columns)
    )
