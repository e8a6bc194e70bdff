"""Which kind of target a `y` is."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._classes import (
    BinaryTargets,
    MulticlassTargets,
    SingleClassTargets,
)
from skmlclf.classifiers._targets._kinds import as_classes, is_multilabel
from skmlclf.classifiers._targets._multilabel import MultilabelTargets


def read_targets(y: Any, classes: ArrayLike | None = None) -> Targets:
    """Read the kind and the classes of `y`.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
        Classes, or 0/1 indicators of labels.
    classes : array-like of shape (n_classes,), default=None
        All classes that may come, where `y` holds only some.

    Returns
    -------
    Targets
    """
    if is_multilabel(y):
        return _multilabel(y, classes)
    y = as_classes(y)
    known = np.unique(y if classes is None else np.asarray(classes))
    kind = {1: SingleClassTargets, 2: BinaryTargets}.get(len(known), MulticlassTargets)
    return kind(known, y.dtype)


def _multilabel(y: Any, classes: ArrayLike | None) -> MultilabelTargets:
    y = y if sparse.issparse(y) else np.asarray(y)
    n_labels = y.shape[-1]
    if len(y.shape) != 2 or not n_labels:
        raise ValueError(f"y must have one column per label, got shape {y.shape}.")
    if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
        raise ValueError(
            f"The classes of a y with {n_labels} columns are their numbers, got"
            f" classes={classes!r:.200}; leave classes out."
        )
    container = None
    if sparse.issparse(y):
        container = sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
    return MultilabelTargets(np.arange(n_labels), y.dtype, container)
