"""Which kind of target a `y` is."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from skmlclf._indicator import label_names_of, read_indicator
from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._classes import (
    BinaryTargets,
    MulticlassTargets,
    SingleClassTargets,
)
from skmlclf.classifiers._targets._kinds import as_classes, is_multilabel, sorted_classes
from skmlclf.classifiers._targets._multilabel import MultilabelTargets


def read_targets(
    y: Any, classes: ArrayLike | None = None, label_names: ArrayLike | None = None
) -> Targets:
    """Read the kind and the classes of `y`.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
        Classes, or 0/1 indicators of labels. A single column is classes, dense or sparse.
    classes : array-like of shape (n_classes,), default=None
        All classes that may come, where `y` holds only some.
    label_names : array-like of shape (n_labels,), default=None
        Names of the labels; by default those of the columns of a DataFrame.

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If `y` cannot be read, or classes or names do not fit it.
    """
    if is_multilabel(y):
        return _multilabel(y, classes, label_names)
    if label_names is not None:
        raise ValueError(
            "label_names name the columns of a y with several labels, and this y has classes:"
            " leave label_names out."
        )
    if sparse.issparse(y) and classes is None:
        classes = [0, 1]
    y = as_classes(y)
    known = sorted_classes(y, "y") if classes is None else sorted_classes(classes, "classes")
    if not len(known):
        raise ValueError("classes must hold at least one class, got none.")
    kind = {1: SingleClassTargets, 2: BinaryTargets}.get(len(known), MulticlassTargets)
    return kind(known, _wide(y.dtype))


def _multilabel(
    y: Any, classes: ArrayLike | None, label_names: ArrayLike | None
) -> MultilabelTargets:
    if not hasattr(y, "shape"):
        try:
            y = np.asarray(y)
        except ValueError:
            read_indicator(y, "y")
    if len(y.shape) != 2 or not y.shape[1]:
        raise ValueError(f"y must have one column per label, got shape {tuple(y.shape)}.")
    n_labels = y.shape[1]
    if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
        raise ValueError(
            f"The classes of a y with {n_labels} columns are their numbers, got"
            f" classes={classes!r:.200}; leave classes out."
        )
    names = label_names_of(y) if label_names is None else _read_names(label_names, n_labels)
    container = None
    if sparse.issparse(y):
        container = sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
    dtype = y.dtype if hasattr(y, "dtype") else np.dtype(object)
    return MultilabelTargets(np.arange(n_labels), _wide(dtype), container, names)


def _read_names(label_names: ArrayLike, n_labels: int) -> np.ndarray:
    names = np.asarray(label_names, dtype=object)
    if names.shape != (n_labels,):
        raise ValueError(
            f"label_names must have one name for each of the {n_labels} columns of y, got shape"
            f" {names.shape}."
        )
    if not all(isinstance(name, str) for name in names) or len(set(names)) < n_labels:
        raise ValueError(f"label_names must be different strings, got {names.tolist()[:10]}.")
    return names


def _wide(dtype: np.dtype) -> np.dtype:
    """Return the dtype of predictions: that of `y`, but int64 for any integers and objects.

    Narrow and unsigned integers wrap around in the sums and differences that are made of them, and
    what is sparse knows no float16.
    """
    if not isinstance(dtype, np.dtype):
        return np.dtype(np.int64)
    if dtype == np.float16:
        return np.dtype(np.float32)
    return np.dtype(np.int64) if dtype.kind in "iuO" else dtype.newbyteorder("=")
