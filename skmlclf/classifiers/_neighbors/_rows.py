"""Rows of any container, some at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples

from skmlclf._compat import _safe_indexing
from skmlclf.classifiers._targets import MultilabelTargets, Targets
from skmlclf.datasets import RowStore

# Rows of a block: products run at full speed, and the scores of all labels take some megabytes.
BLOCK_ROWS = 1024


def row_blocks(X: Any, which: np.ndarray | None = None) -> Iterator[tuple[slice, Any]]:
    """Yield the rows in blocks, of the container that they came in; rows on disk as arrays.

    Parameters
    ----------
    X : array-like, sparse, DataFrame or RowStore of shape (n_samples, n_features)
        Any.
    which : ndarray of shape (n_rows,), default=None
        Indices of the rows that are meant; None stands for all of them.

    Yields
    ------
    rows : slice
        Where the block stands among the rows that are meant.
    block : array-like
        The rows. Of no rows at all there is one empty block, for the estimator to refuse.
    """
    (X,) = indexable(X)
    n_rows = _num_samples(X) if which is None else len(which)
    for start in range(0, max(1, n_rows), BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, n_rows))
        yield rows, take_rows(X, rows if which is None else which[rows])


def take_rows(X: Any, rows: slice | np.ndarray) -> Any:
    """Return some rows, of the container that they came in; rows on disk as an array."""
    if isinstance(X, RowStore):
        return np.asarray(X[rows])
    return _safe_indexing(X, rows)


@dataclass(frozen=True)
class LabelledRows:
    """Rows with their labels, as they were given and as they were read.

    Attributes
    ----------
    X, y, sample_weight : array-like
        As they were given; `sample_weight` may be None.
    labels : csr_matrix of shape (n_samples, n_labels), uint8
        One column for each label or class of `y`.
    exclusive : bool
        Whether `y` is of classes, one in each row.
    """

    X: Any
    y: Any
    sample_weight: Any
    labels: sparse.csr_matrix
    exclusive: bool

    @property
    def counting(self) -> np.ndarray:
        """Indices of the rows that have a weight."""
        weight = self.sample_weight
        if weight is None:
            return np.arange(self.labels.shape[0])
        total = weight.sum(axis=1) if sparse.issparse(weight) else np.asarray(weight)
        total = np.asarray(total).reshape(self.labels.shape[0], -1).sum(axis=1)
        return np.flatnonzero(total > 0)

    @property
    def row_weight(self) -> np.ndarray | None:
        """One weight for each row, where there are such."""
        if self.sample_weight is None or np.ndim(self.sample_weight) != 1:
            return None
        return np.asarray(self.sample_weight)

    def split(
        self, fraction: float, rng: np.random.RandomState
    ) -> tuple["LabelledRows", "LabelledRows"]:
        """Return the rows without a random share of them, and that share.

        Raises
        ------
        ValueError
            If none would be left.
        """
        n_rows = self.labels.shape[0]
        n_held_out = int(np.ceil(fraction * n_rows))
        if n_held_out >= n_rows:
            raise ValueError(
                f"validation_fraction={fraction} of {n_rows} rows leaves none to fit on; lower it"
                " or pass X_val and y_val."
            )
        order = rng.permutation(n_rows)
        return self._take(np.sort(order[n_held_out:])), self._take(np.sort(order[:n_held_out]))

    def _take(self, which: np.ndarray) -> "LabelledRows":
        X, y, weight = (_subset(each, which) for each in (self.X, self.y, self.sample_weight))
        return LabelledRows(X, y, weight, self.labels[which], self.exclusive)


def read_rows(
    X: Any, y: Any, sample_weight: Any, targets: Targets, names: str = "X and y"
) -> LabelledRows:
    """Read the labels of rows; the estimator validates the features itself.

    Parameters
    ----------
    X, y, sample_weight : array-like
        As `fit` takes them.
    targets : Targets
        How `y` is to be read. Entries that are not known count as absent.
    names : str, default="X and y"
        What an error calls the rows.

    Returns
    -------
    LabelledRows

    Raises
    ------
    ValueError
        If `y` is of another kind, or lengths differ.
    """
    try:
        known, _ = targets.split_unknown(y)
        labels = targets.indicator(targets.encode(known))
        X, y, sample_weight, _ = indexable(X, y, sample_weight, labels)
    except ValueError as error:
        raise ValueError(f"{names} cannot be used: {error}") from error
    exclusive = not isinstance(targets, MultilabelTargets)
    return LabelledRows(X, y, sample_weight, sparse.csr_matrix(labels), exclusive)


def _subset(X: Any, which: np.ndarray) -> Any:
    """Return some rows; rows on disk stay there, and None stays None."""
    if X is None or isinstance(X, RowStore):
        return None if X is None else X[which]
    return _safe_indexing(X, which)
