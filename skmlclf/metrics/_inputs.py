"""Reading what a metric is given: 0/1 label matrices, row weights, parameters.

Everything is checked here, once, so that the metrics themselves hold only arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skmlclf._compat import Interval, validate_params
from skmlclf._indicator import Indicator


@dataclass(frozen=True)
class LabelPairs:
    """The ones of a 0/1 matrix as sorted, unique flat indices ``row * n_labels + column``."""

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


class LabelMatrix(Indicator):
    """A 0/1 matrix whose ones metrics read by blocks of rows."""

    def read(self, start: int, stop: int) -> LabelPairs:
        """Read the ones of rows ``start`` to ``stop``, the first numbered 0."""
        return LabelPairs(self.ones(start, stop), (stop - start, self.shape[1]))

    def read_all(self) -> LabelPairs:
        """Read all ones of the matrix; memory follows their number."""
        return LabelPairs(self.all_ones(), self.shape)


def read_weights(
    sample_weight: Any, n_samples: int, *, zero_allowed: bool = False
) -> NDArray[np.float64] | None:
    """Check row weights: one per row, finite, none negative, not all zero unless allowed."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight per row, "
            f"but its shape is {weights.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must hold finite numbers, none of them negative.")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not (total == 0 or np.finfo(np.float64).tiny <= total < np.inf):
        raise ValueError(
            f"sample_weight must have a sum that double precision can hold, got {total:.3g}: divide"
            " the weights by their largest one."
        )
    if not zero_allowed and not weights.any():
        raise ValueError(
            "sample_weight must hold a positive number: with all of them 0, no row counts."
        )
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
        return validate_params(shared | constraints, prefer_skip_nested_validation=True)(function)

    return decorate
