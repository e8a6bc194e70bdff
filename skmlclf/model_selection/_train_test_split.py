"""One stratified split of any number of arrays."""

from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import indexable

from skmlclf._compat import (
    Interval,
    RealNotInt,
    _safe_indexing,
    validate_params,
    validate_shuffle_split,
)
from skmlclf.model_selection._labels import read_labels
from skmlclf.model_selection._splitters import MultilabelStratifiedShuffleSplit

_SIZE = [
    Interval(RealNotInt, 0, 1, closed="neither"),
    Interval(Integral, 1, None, closed="left"),
    None,
]


@validate_params(
    {
        "test_size": _SIZE,
        "train_size": _SIZE,
        "random_state": ["random_state"],
        "stratify": ["array-like", "sparse matrix", None],
    },
    prefer_skip_nested_validation=True,
)
def multilabel_train_test_split(
    *arrays: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: int | np.random.RandomState | None = None,
    stratify: Any = None,
) -> list[Any]:
    """Split arrays into random train and test subsets that keep the proportion of every label.

    Takes and returns what scikit-learn's ``train_test_split`` does, and stratifies by a 0/1 matrix
    of labels, dense or sparse, as `MultilabelStratifiedShuffleSplit` does.

    .. versionadded:: 0.1

    Parameters
    ----------
    *arrays : sequence of array-like of shape (n_samples, ...)
        Arrays, lists, DataFrames, sparse matrices, or array-likes that read their rows when
        indexed, all with the same number of rows.
    test_size : float or int, default=None
        If float, the fraction of rows to include in the test set, between 0.0 and 1.0. If int, the
        number of rows. If None, the complement of the train size; 0.25 if `train_size` is None too.
    train_size : float or int, default=None
        If float, the fraction of rows to include in the training set, between 0.0 and 1.0. If int,
        the number of rows. If None, the complement of the test size.
    random_state : int, RandomState instance or None, default=None
        Determines the split. Pass an int for the same split in every call.
    stratify : array-like or sparse of shape (n_samples, n_labels), default=None
        0/1 indicator of the labels. None takes the second of `arrays`, which is `y` in
        ``multilabel_train_test_split(X, y)``.

    Returns
    -------
    list of length 2 * len(arrays)
        Train and test subset of each array in turn, of the type of the array; sparse ones in CSR.

    Raises
    ------
    ValueError
        If there is no array, no labels, the labels are no 0/1 indicator, lengths differ, or the
        sizes do not fit.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : The splitter that is used, and its guarantees.
    sklearn.model_selection.train_test_split : The same for one class per row.

    Examples
    --------
    >>> from skmlclf.datasets import make_video_embeddings
    >>> from skmlclf.model_selection import multilabel_train_test_split
    >>> X, y = make_video_embeddings(1000, n_labels=200, random_state=0)
    >>> X_train, X_test, y_train, y_test = multilabel_train_test_split(X, y, random_state=0)
    >>> X_train.shape, y_test.shape, y_test.format
    ((750, 1152), (250, 200), 'csr')
    >>> twice = y.sum(axis=0, dtype=int) >= 2  # labels with two positives are on both sides
    >>> int(((y_test.sum(axis=0) == 0) & twice).sum())
    0
    """
    if not arrays:
        raise ValueError("At least one array required as input")
    if stratify is not None:
        labels = read_labels(stratify, "stratify")
    elif len(arrays) > 1:
        labels = read_labels(arrays[1], "The second array, by which to stratify,")
    else:
        raise ValueError(
            "Expected the labels to stratify by as the second array or as stratify=y, got one "
            "array and no stratify. For a random split, use sklearn.model_selection's "
            "train_test_split."
        )
    *arrays, labels = indexable(*arrays, labels)
    n_train, n_test = validate_shuffle_split(
        labels.shape[0], test_size, train_size, default_test_size=0.25
    )
    cv = MultilabelStratifiedShuffleSplit(
        1, test_size=n_test, train_size=n_train, random_state=random_state
    )
    subsets = next(cv.split(labels, labels))
    return list(chain.from_iterable([_safe_indexing(a, s) for s in subsets] for a in arrays))
