"""Cross-validators for multi-label data."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseShuffleSplit
from sklearn.utils import check_random_state

from skmlclf._compat import BaseKFold, validate_shuffle_split
from skmlclf.model_selection._division import divide_rows
from skmlclf.model_selection._labels import read_labels

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


class MultilabelStratifiedKFold(BaseKFold):
    """K-fold cross-validator that keeps the proportion of every label in each fold.

    Test folds are made by iterative stratification [1]_, for labels that may be dense or sparse. A
    label with at least `n_splits` positives is in every test fold, and one with two or more on both
    sides of every split that tests it, except where labels that occur in the same rows make this
    impossible.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds. Must be at least 2.
    shuffle : bool, default=False
        Whether to take rows and labels in random order, and to break ties at random. Without it
        the folds follow from `y` alone. The rows within a fold keep their order.
    random_state : int, RandomState instance or None, default=None
        When `shuffle` is True, determines the folds. Pass an int for the same folds in every call.
        Otherwise, leave `random_state` as `None`.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : Random splits with test sets of any size.
    sklearn.model_selection.StratifiedKFold : The same for one class per row.

    Notes
    -----
    The folds have the sizes of scikit-learn's ``KFold``: the first ``n_samples % n_splits`` of them
    have one row more. Where no row has two labels, a label's counts in two folds differ by at most
    one, as with ``StratifiedKFold``. Rows without labels are distributed as if they had a label of
    their own.

    The label with the fewest rows left comes first, and each of its rows goes to the fold that
    lacks the label most. Finally, rows are swapped where a label is missing from a fold or its
    counts are uneven. Whether all labels can be in all folds at once is NP-hard to decide; on
    YouTube-8M, 1 label in 1,500 may be missing from one fold. The folds are computed once per call
    of `split`, in time that grows with the number of positives and of labels.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011. https://doi.org/10.1007/978-3-642-23808-6_10

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.model_selection import MultilabelStratifiedKFold
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 0], [0, 0]])
    >>> cv = MultilabelStratifiedKFold(n_splits=2)
    >>> cv
    MultilabelStratifiedKFold(n_splits=2, random_state=None, shuffle=False)
    >>> for train, test in cv.split(np.zeros(6), y):
    ...     print(test, y[test].sum(axis=0))
    [0 2 4] [2 1]
    [1 3 5] [2 1]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """Generate indices to split data into training and test set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data. Only the number of rows matters: ``np.zeros(n_samples)`` will do.
        y : array-like or sparse of shape (n_samples, n_labels)
            0/1 indicator of the labels to stratify by.
        groups : object
            Always ignored, exists for API compatibility.

        Yields
        ------
        train : ndarray
            The training set indices for that split.
        test : ndarray
            The testing set indices for that split.

        Raises
        ------
        ValueError
            If `y` is no 0/1 indicator, its length is not that of `X`, or there are fewer rows than
            folds.
        """
        _warn_of_groups(self, groups)
        splits: Iterator[Split] = super().split(X, read_labels(y, "y"))
        return splits

    def _iter_test_masks(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> Iterator[NDArray[np.bool_]]:
        n_samples = y.shape[0]
        sizes = np.full(self.n_splits, n_samples // self.n_splits)
        sizes[: n_samples % self.n_splits] += 1
        shares = np.full(self.n_splits, 1 / self.n_splits)
        rng = check_random_state(self.random_state) if self.shuffle else None
        folds = divide_rows(y, sizes, shares, rng=rng)
        for fold in range(self.n_splits):
            yield folds == fold


class MultilabelStratifiedShuffleSplit(BaseShuffleSplit):
    """Random splits that keep the proportion of every label in training and test set.

    Each split is made by iterative stratification [1]_, for labels that may be dense or sparse.
    Test sets of different splits may share rows.

    A label with two or more positives occurs on both sides, even if less than one row of it is
    expected on the smaller side. If that side is too small for all such labels, at most half of its
    rows are used to add the most frequent of the labels that would be missing.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits.
    test_size : float or int, default=None
        If float, the fraction of rows to include in the test set, between 0.0 and 1.0. If int, the
        number of rows. If None, the complement of the train size; 0.1 if `train_size` is None too.
    train_size : float or int, default=None
        If float, the fraction of rows to include in the training set, between 0.0 and 1.0. If int,
        the number of rows. If None, the complement of the test size.
    random_state : int, RandomState instance or None, default=None
        Determines the splits. Pass an int for the same splits in every call.

    See Also
    --------
    MultilabelStratifiedKFold : Folds that share no row.
    multilabel_train_test_split : One such split, applied to arrays.
    sklearn.model_selection.StratifiedShuffleSplit : The same for one class per row.

    Notes
    -----
    Training and test set have exactly the sizes of scikit-learn's ``ShuffleSplit``. Where both
    together are smaller than the data, the rows left over are stratified as well.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011. https://doi.org/10.1007/978-3-642-23808-6_10

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.model_selection import MultilabelStratifiedShuffleSplit
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 0], [0, 0]])
    >>> cv = MultilabelStratifiedShuffleSplit(n_splits=2, test_size=0.5, random_state=0)
    >>> for train, test in cv.split(np.zeros(6), y):
    ...     print(y[train].sum(axis=0), y[test].sum(axis=0))
    [2 1] [2 1]
    [2 1] [2 1]
    """

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            n_splits=n_splits,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
        )

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """Generate indices to split data into training and test set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data. Only the number of rows matters: ``np.zeros(n_samples)`` will do.
        y : array-like or sparse of shape (n_samples, n_labels)
            0/1 indicator of the labels to stratify by.
        groups : object
            Always ignored, exists for API compatibility.

        Yields
        ------
        train : ndarray
            The training set indices for that split, in random order.
        test : ndarray
            The testing set indices for that split, in random order.

        Raises
        ------
        ValueError
            If `y` is no 0/1 indicator, its length is not that of `X`, or the sizes do not fit.
        """
        _warn_of_groups(self, groups)
        splits: Iterator[Split] = super().split(X, read_labels(y, "y"))
        return splits

    def _iter_indices(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        n_samples = y.shape[0]
        n_train, n_test = validate_shuffle_split(
            n_samples, self.test_size, self.train_size, default_test_size=self._default_test_size
        )
        sizes = np.array([n_train, n_test, n_samples - n_train - n_test])
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            parts = divide_rows(y, sizes, sizes / n_samples, required=[0, 1], rng=rng)
            train, test = (np.flatnonzero(parts == part) for part in (0, 1))
            yield rng.permutation(train), rng.permutation(test)


def _warn_of_groups(splitter: Any, groups: Any) -> None:
    if groups is not None:
        warnings.warn(
            f"The groups parameter is ignored by {type(splitter).__name__}",
            UserWarning,
            stacklevel=3,
        )
