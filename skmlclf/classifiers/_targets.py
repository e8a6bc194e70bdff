"""From `y` to label ids and back."""

import contextlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

_BLOCK_ENTRIES = 2**24


@dataclass(frozen=True)
class Targets:
    """What a fit learnt of its `y`: enough to read another `y` and to write predictions.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel"}
        Two classes, one of several classes, or any number of labels.
    classes : ndarray of shape (n_classes,)
        Classes in order; the column numbers where multilabel.
    dtype : dtype
        That of `y`.
    container : type or None
        Sparse class of `y`; None where `y` was dense.
    """

    kind: str
    classes: np.ndarray
    dtype: np.dtype
    container: type | None = None

    @property
    def n_outputs(self) -> int:
        """Number of output units: two classes need one."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def output(self) -> str:
        """Activation of the output units."""
        return "softmax" if self.kind == "multiclass" and self.n_outputs > 1 else "sigmoid"

    @classmethod
    def of(cls, y: Any, classes: ArrayLike | None = None) -> Self:
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
            y = y if sparse.issparse(y) else np.asarray(y)
            n_labels = y.shape[-1]
            if len(y.shape) != 2 or not n_labels:
                raise ValueError(f"y must have a column a label, got shape {y.shape}.")
            if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
                raise ValueError(
                    f"The classes of a y with {n_labels} columns are their numbers, got"
                    f" classes={classes!r:.200}; leave classes out."
                )
            container = None
            if sparse.issparse(y):
                container = sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
            return cls("multilabel", np.arange(n_labels), y.dtype, container)
        y = _as_classes(y)
        known = np.unique(y if classes is None else np.asarray(classes))
        return cls("binary" if len(known) == 2 else "multiclass", known, y.dtype)

    def encode(self, y: Any) -> sparse.csr_matrix:
        """Return the positives of every row.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Of the kind that was fitted.

        Returns
        -------
        csr_matrix of shape (n_samples, n_outputs), uint8
            In canonical form; the input is not changed.

        Raises
        ------
        ValueError
            If `y` is of another kind or width, has unknown classes, or entries besides 0 and 1.
        """
        if is_multilabel(y) != (self.kind == "multilabel"):
            wanted = "a 2-d indicator" if self.kind == "multilabel" else "1-d classes"
            raise ValueError(f"y must be {wanted} as in the first fit, got shape {np.shape(y)}.")
        if self.kind != "multilabel":
            return self._encode_classes(_as_classes(y))
        if not sparse.issparse(y):
            y = np.asarray(y)
        if y.shape[1] != len(self.classes):
            raise ValueError(
                f"y must have {len(self.classes)} columns, one a label, got {y.shape[1]}."
            )
        return _positives_of_sparse(y) if sparse.issparse(y) else _positives_of_dense(y)

    def decode(self, positives: sparse.csr_matrix) -> Any:
        """Write decisions of independent labels as `y` was written.

        Parameters
        ----------
        positives : csr_matrix of shape (n_samples, n_labels)
            Ones where a label is predicted.

        Returns
        -------
        ndarray or sparse of shape (n_samples, n_labels)
            With the dtype of `y`, sparse where `y` was.
        """
        if self.container is None:
            return positives.toarray().astype(self.dtype)
        return self.container(positives.astype(self.dtype))

    def _encode_classes(self, y: np.ndarray) -> sparse.csr_matrix:
        codes = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        unknown = self.classes[codes] != y
        if unknown.any():
            raise ValueError(
                f"y holds {np.unique(y[unknown]).tolist()[:5]}, which are not among the classes"
                f" {self.classes.tolist()[:10]}; pass every class to the first fit."
            )
        counts = codes if self.kind == "binary" else np.ones(len(y), dtype=np.int64)
        indices = np.zeros(counts.sum(), dtype=np.int32) if self.kind == "binary" else codes
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return sparse.csr_matrix(
            (np.ones(len(indices), dtype=np.uint8), indices, indptr),
            shape=(len(y), self.n_outputs),
        )


def both_classes(probabilities: np.ndarray) -> np.ndarray:
    """Return the probabilities of two classes from those of the second, strictly in (0, 1)."""
    # The complement of a tiny probability rounds to one.
    below_one = np.float32(1.0 - 2.0**-24)
    return np.hstack([np.minimum(1.0 - probabilities, below_one), probabilities])


def is_multilabel(y: Any) -> bool:
    """Say whether `y` is an indicator of labels: sparse, or 2-d with several columns.

    The values are not consulted, so a fold in which every row has one label stays what it is.
    """
    if sparse.issparse(y):
        return True
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    return len(shape) == 2 and shape[1] > 1


def _as_classes(y: Any) -> np.ndarray:
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    return y


def _positives_of_dense(y: np.ndarray) -> sparse.csr_matrix:
    if y.dtype.kind == "O":
        with contextlib.suppress(TypeError, ValueError):
            y = y.astype(np.float64)
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must be numeric with entries 0 and 1, got dtype {y.dtype}.")
    rows_a_block = max(1, _BLOCK_ENTRIES // y.shape[1])
    counts, indices = [np.zeros(1, dtype=np.int64)], []
    for start in range(0, len(y), rows_a_block):
        block = y[start : start + rows_a_block]
        positive = block == 1
        if not (positive | (block == 0)).all():
            wrong = block[~(positive | (block == 0))]
            raise ValueError(f"y must hold only 0 and 1, got {np.unique(wrong).tolist()[:5]}.")
        counts.append(np.count_nonzero(positive, axis=1))
        indices.append(np.nonzero(positive)[1].astype(np.int32))
    cols = np.concatenate(indices)
    return sparse.csr_matrix(
        (np.ones(len(cols), dtype=np.uint8), cols, np.cumsum(np.concatenate(counts))),
        shape=y.shape,
    )


def _positives_of_sparse(y: Any) -> sparse.csr_matrix:
    # Through coordinates, the one format that adds nothing up: a pair given twice is one label,
    # not a 2.
    coo = y.tocoo()
    wrong = coo.data[(coo.data != 0) & (coo.data != 1)]
    if len(wrong):
        raise ValueError(f"y must hold only 0 and 1, got {np.unique(wrong).tolist()[:5]}.")
    present = coo.data != 0
    rows, cols = (places[present] for places in (coo.row, coo.col))
    positives = sparse.csr_matrix((np.ones(len(rows), dtype=bool), (rows, cols)), shape=y.shape)
    positives.sum_duplicates()
    return positives.astype(np.uint8)
