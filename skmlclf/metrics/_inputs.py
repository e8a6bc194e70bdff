"""Reading what a metric is given: 0/1 label matrices, row weights, parameters.

Everything is checked here, once, so that the metrics themselves hold only arithmetic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from numbers import Integral
from typing import Any, NoReturn, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skmlclf._compat import Interval, validate_params

# A dense matrix is read in blocks of about this size, so that comparing stays in cache.
READ_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class LabelPairs:
    """The ones of a 0/1 matrix as sorted, unique flat positions ``row * n_labels + column``."""

    flat: NDArray[np.int64]
    shape: tuple[int, int]

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        return self.flat // self.shape[1]

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        return self.flat % self.shape[1]

    @cached_property
    def row_counts(self) -> NDArray[np.int64]:
        return np.bincount(self.rows, minlength=self.shape[0])

    @cached_property
    def row_starts(self) -> NDArray[np.int64]:
        """Where each row starts in ``flat``, with the end appended, as CSR's ``indptr``."""
        return np.concatenate(([0], np.cumsum(self.row_counts)))

    def block(self, start: int, stop: int) -> "LabelPairs":
        """Rows ``start`` to ``stop``, their first row numbered 0."""
        n_labels = self.shape[1]
        first, last = np.searchsorted(self.flat, (start * n_labels, stop * n_labels))
        return LabelPairs(self.flat[first:last] - start * n_labels, (stop - start, n_labels))

    def to_csr(self, data: NDArray[Any] | None = None) -> sp.csr_array:
        if data is None:
            data = np.ones(len(self.flat))
        return sp.csr_array((data, self.columns, self.row_starts), shape=self.shape)


class LabelMatrix:
    """A checked 0/1 matrix, dense or sparse, whose ones are read by blocks of rows.

    Parameters
    ----------
    y : array-like or sparse of shape (n_samples, n_labels)
        Entries 0 or 1 (or bool). A sparse matrix may hold stored zeros, unsorted indices and
        duplicates; a position given twice counts once. It is never changed.
    name : str
        What error messages call it.
    """

    def __init__(self, y: Any, name: str) -> None:
        self.name = name
        self._sparse: LabelPairs | None = None
        if sp.issparse(y):
            _check_shape(y.shape, name)
            self.shape: tuple[int, int] = tuple(y.shape)
            self._sparse = self._read_sparse(y)
            return
        self._dense = np.asarray(y)
        if self._dense.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must hold 0 and 1 (integers, floats or booleans), "
                f"but its dtype is {self._dense.dtype}. Binarise the labels first, for instance "
                "with sklearn.preprocessing.MultiLabelBinarizer."
            )
        _check_shape(self._dense.shape, name)
        self.shape = self._dense.shape

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Bounds of blocks of rows that are read at a sensible cost."""
        n_samples, n_labels = self.shape
        rows = max(1, READ_BLOCK_BYTES // (8 * n_labels))
        if self._sparse is not None:
            rows *= 16
        for start in range(0, n_samples, rows):
            yield start, min(start + rows, n_samples)

    def read(self, start: int, stop: int) -> LabelPairs:
        """Read the ones of rows ``start`` to ``stop``, the first numbered 0."""
        if self._sparse is not None:
            return self._sparse.block(start, stop)
        block = np.ascontiguousarray(self._dense[start:stop])
        flat = np.flatnonzero(block if block.dtype == bool else block != 0)
        if block.dtype != bool and (block.ravel()[flat] != 1).any():
            self._raise_not_binary(block.ravel()[flat])
        return LabelPairs(flat, block.shape)

    def read_all(self) -> LabelPairs:
        """Read every one of the matrix; memory follows the number of ones."""
        if self._sparse is not None:
            return self._sparse
        parts = [
            self.read(start, stop).flat + start * self.shape[1] for start, stop in self.blocks()
        ]
        return LabelPairs(np.concatenate(parts), self.shape)

    def _read_sparse(self, y: Any) -> LabelPairs:
        # Through COO, whose conversion neither adds duplicates up nor touches the original.
        coo = y.tocoo(copy=False)
        stored = coo.data != 0
        if (coo.data[stored] != 1).any():
            self._raise_not_binary(coo.data[stored])
        flat = coo.row[stored].astype(np.int64) * self.shape[1] + coo.col[stored]
        if (np.diff(flat) <= 0).any():
            flat.sort()
            flat = flat[np.concatenate(([True], np.diff(flat) > 0))]
        return LabelPairs(flat, self.shape)

    def _raise_not_binary(self, values: NDArray[Any]) -> NoReturn:
        wrong = values[values != 1][0]
        raise ValueError(
            f"{self.name} must be a 0/1 indicator matrix, one row a sample and one column a "
            f"label, but it holds {wrong!r}. Scores go into y_score."
        )


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2 or 0 in shape:
        hint = (
            " A single column of labels has to be turned into one column a label."
            if len(shape) == 1
            else ""
        )
        raise ValueError(
            f"{name} must have shape (n_samples, n_labels), neither of them 0, "
            f"but its shape is {tuple(shape)}.{hint}"
        )


def read_weights(
    sample_weight: Any, n_samples: int, *, zero_allowed: bool = False
) -> NDArray[np.float64] | None:
    """Check row weights: one a row, finite, none negative, not all zero unless allowed."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight a row, "
            f"but its shape is {weights.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must hold finite numbers, none of them negative.")
    if not zero_allowed and not weights.any():
        raise ValueError("sample_weight must not be zero for every row: no row would count.")
    return weights


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    return float(np.average(values, weights=weights))


_F = TypeVar("_F", bound=Callable[..., Any])

_COMMON_CONSTRAINTS: dict[str, list[Any]] = {
    "y_true": ["array-like", "sparse matrix"],
    "y_pred": ["array-like", "sparse matrix"],
    "y_score": ["array-like", tuple],
    "sample_weight": ["array-like", None],
    "k": [Interval(Integral, 1, None, closed="left")],
}


def checked(**constraints: list[Any]) -> Callable[[_F], _F]:
    """Check parameters as scikit-learn's functions do; those that all metrics share are known."""

    def decorate(function: _F) -> _F:
        names = signature(function).parameters
        shared = {name: c for name, c in _COMMON_CONSTRAINTS.items() if name in names}
        wrap: Callable[[_F], _F] = validate_params(
            shared | constraints, prefer_skip_nested_validation=True
        )
        return wrap(function)

    return decorate
