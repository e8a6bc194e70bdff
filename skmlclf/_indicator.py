"""The reader of 0/1 label matrices, shared by metrics and the targets of a fit."""

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# A dense matrix is read in blocks of about this size, so that comparing stays in cache.
READ_BLOCK_BYTES = 4 << 20

_BINARISE = (
    "Turn lists of label names into one column per label with "
    "sklearn.preprocessing.MultiLabelBinarizer."
)


def read_indicator(y: Any, name: str = "y") -> sp.csr_matrix:
    """Return the ones of a 0/1 label matrix.

    Parameters
    ----------
    y : array-like, DataFrame or sparse of shape (n_samples, n_labels)
        Whatever holds 0 and 1 (or False and True): dense of any dtype, a DataFrame of any dtypes,
        or any sparse format. A sparse matrix may hold stored zeros, unsorted indices and
        duplicates; an entry stored twice counts once. It is not changed.
    name : str, default="y"
        What error messages call it.

    Returns
    -------
    scipy.sparse.csr_matrix of shape (n_samples, n_labels), uint8
        In canonical form: indices sorted, every stored value 1.

    Raises
    ------
    ValueError
        If `y` is not 2-d, is empty, or holds anything besides 0 and 1.

    Examples
    --------
    >>> from skmlclf._indicator import read_indicator
    >>> read_indicator([[0, 1, 1], [0, 0, 0]]).indices
    array([1, 2], dtype=int32)
    """
    return Indicator(y, name).to_csr()


def label_names_of(y: Any) -> NDArray[np.object_] | None:
    """Return the column names of a DataFrame of labels.

    Parameters
    ----------
    y : object
        Targets of any kind.

    Returns
    -------
    ndarray of shape (n_labels,), object, or None
        None where `y` has no columns with names, or where a name is not a string.
    """
    columns = getattr(y, "columns", None)
    if columns is None and hasattr(y, "__dataframe__"):
        columns = y.__dataframe__().column_names()
    if columns is None:
        return None
    names = list(columns)
    if not names or not all(isinstance(each, str) for each in names):
        return None
    return np.array(names, dtype=object)


def check_not_masked(values: Any, name: str) -> None:
    """Refuse a masked array, whose mask would be ignored.

    Parameters
    ----------
    values : object
        Of any kind.
    name : str
        What the error message calls it.

    Raises
    ------
    ValueError
        If any value is masked.
    """
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} must hold a value everywhere, got a masked array with masked values. Fill them"
            " in with its method filled, or leave their rows out."
        )


class Indicator:
    """A 0/1 matrix, dense or sparse, whose ones are read by blocks of rows.

    The ones are given as sorted, unique flat indices ``row * n_labels + column``, int64.

    Parameters
    ----------
    y, name
        As for :func:`read_indicator`.

    Attributes
    ----------
    shape : tuple of two ints
    """

    def __init__(self, y: Any, name: str = "y") -> None:
        self.name = name
        self._flat: NDArray[np.int64] | None = None
        y = _sparse_frame_as_coo(y)
        if sp.issparse(y):
            self._check_shape(y.shape)
            self._flat = self._read_sparse(y)
        else:
            y = self._as_dense(y)
            self._check_shape(y.shape)
            self._dense = y
        self.shape: tuple[int, int] = tuple(y.shape)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Bounds of blocks of rows that are read at a sensible cost."""
        n_samples, n_labels = self.shape
        rows = max(1, READ_BLOCK_BYTES // (8 * n_labels))
        if self._flat is not None:
            rows *= 16
        for start in range(0, n_samples, rows):
            yield start, min(start + rows, n_samples)

    def ones(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the flat indices of rows ``start`` to ``stop``, the first row numbered 0."""
        n_labels = self.shape[1]
        if self._flat is not None:
            first, last = np.searchsorted(self._flat, (start * n_labels, stop * n_labels))
            return self._flat[first:last] - start * n_labels
        block = _rows_of(self._dense, start, stop)
        if block.dtype.kind == "O":
            return self._ones_of_objects(block)
        if block.dtype.kind not in "biuf":
            self._raise_not_numeric(f"dtype {block.dtype}")
        flat = np.flatnonzero(block if block.dtype == bool else block != 0)
        if block.dtype != bool and (block.ravel()[flat] != 1).any():
            self._raise_not_binary(block.ravel()[flat])
        return flat

    def all_ones(self) -> NDArray[np.int64]:
        """Return the flat indices of all rows; memory follows the number of ones."""
        if self._flat is not None:
            return self._flat
        n_labels = self.shape[1]
        return np.concatenate([self.ones(*rows) + rows[0] * n_labels for rows in self.blocks()])

    def to_csr(self) -> sp.csr_matrix:
        """Return the ones as uint8 in canonical CSR."""
        n_samples, n_labels = self.shape
        flat = self.all_ones()
        counts = np.bincount(flat // n_labels, minlength=n_samples)
        index = np.int32 if max(len(flat), n_labels) < 2**31 else np.int64
        indptr = np.concatenate(([0], np.cumsum(counts))).astype(index)
        indices = (flat % n_labels).astype(index)
        ones = np.ones(len(flat), dtype=np.uint8)
        return sp.csr_matrix((ones, indices, indptr), shape=self.shape)

    def _as_dense(self, y: Any) -> Any:
        """Return an array, or a DataFrame whose blocks of rows will be read one by one."""
        check_not_masked(y, self.name)
        if hasattr(y, "iloc") and getattr(y, "ndim", 0) == 2:
            dtypes = set(y.dtypes)
            if len(dtypes) != 1 or not isinstance(dtypes.pop(), np.dtype):
                return y
        try:
            array = np.asarray(y)
        except ValueError as error:
            # NumPy's error speaks of an inhomogeneous shape.
            raise ValueError(
                f"{self.name} must be a 0/1 indicator matrix, but its rows are of different "
                f"lengths. {_BINARISE}"
            ) from error
        if array.ndim <= 2 and array.dtype.kind in "USOV" and not _holds_numbers(array):
            self._raise_not_numeric(f"dtype {array.dtype}")
        return array

    def _read_sparse(self, y: Any) -> NDArray[np.int64]:
        if y.dtype.kind not in "biufO":
            self._raise_not_numeric(f"dtype {y.dtype}")
        # Through COO, whose conversion neither adds duplicates up nor touches the original.
        coo = y.tocoo(copy=False)
        stored = coo.data != 0
        if (coo.data[stored] != 1).any():
            self._raise_not_binary(coo.data[stored])
        flat: NDArray[np.int64] = coo.row[stored].astype(np.int64) * y.shape[1] + coo.col[stored]
        if (np.diff(flat) <= 0).any():
            flat.sort()
            flat = flat[np.concatenate(([True], np.diff(flat) > 0))]
        return flat

    def _ones_of_objects(self, block: NDArray[Any]) -> NDArray[np.int64]:
        try:
            one = block == 1
            binary = one | (block == 0)
        except (TypeError, ValueError):
            # pandas.NA is neither equal to 1 nor different from it.
            self._raise_not_binary(np.array([np.nan]))
        if not binary.all():
            self._raise_not_binary(block[~binary])
        return np.flatnonzero(one)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) == 2 and 0 not in shape:
            return
        hint = (
            " Turn a single column of classes into one column per label, for instance with "
            "sklearn.preprocessing.LabelBinarizer."
            if len(shape) == 1
            else ""
        )
        raise ValueError(
            f"{self.name} must have shape (n_samples, n_labels), neither of them 0, "
            f"but its shape is {tuple(shape)}.{hint}"
        )

    def _raise_not_numeric(self, received: str) -> NoReturn:
        raise ValueError(
            f"{self.name} must be a 0/1 indicator matrix (integers, floats or booleans), "
            f"got {received}. {_BINARISE}"
        )

    def _raise_not_binary(self, values: NDArray[Any]) -> NoReturn:
        wrong = values[(values != 1) & (values != 0)].tolist()
        if any(each is None or each != each for each in wrong):
            shown: list[Any] = [float("nan")]
            hint = (
                " NaN stands for a label that is not known: fill in 0 where it means that the "
                "label is absent, else leave the row out."
            )
        elif any(isinstance(each, (str, list, tuple, set)) for each in wrong):
            shown, hint = wrong[:3], f" {_BINARISE}"
        else:
            shown = sorted(set(wrong))[:5]
            hint = " Scores go into y_score." if self.name in ("y_true", "y_pred") else ""
        raise ValueError(
            f"{self.name} must be a 0/1 indicator matrix, one row per sample and one column per "
            f"label: it must hold only 0 and 1, got {shown}.{hint}"
        )


def _sparse_frame_as_coo(y: Any) -> Any:
    """Unpack a pandas DataFrame of sparse columns."""
    # The accessor is missing from any other DataFrame.
    sparse_columns = hasattr(y, "iloc") and hasattr(y, "sparse") and y.ndim == 2
    if sparse_columns and all(dtype.fill_value == 0 for dtype in set(y.dtypes)):
        return y.sparse.to_coo()
    return y


def _rows_of(dense: Any, start: int, stop: int) -> NDArray[Any]:
    """Return a block of rows of an array or a DataFrame as a contiguous array."""
    if isinstance(dense, np.ndarray):
        return np.ascontiguousarray(dense[start:stop])
    rows = dense.iloc[start:stop]
    if all(getattr(dtype, "kind", "O") in "biuf" for dtype in rows.dtypes):
        # Nullable columns too, whose missing values have no other number to stand for them.
        return np.ascontiguousarray(rows.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.ascontiguousarray(rows.to_numpy(dtype=object))


def _holds_numbers(array: NDArray[Any]) -> bool:
    """Whether the first entry of an array of objects could be an entry of an indicator."""
    return (
        array.dtype.kind == "O"
        and array.size > 0
        and not isinstance(array.flat[0], (str, bytes, list, tuple, set, frozenset, np.ndarray))
    )


def split_unknown(y: Any) -> tuple[Any, sp.csr_matrix | None]:
    """Take the entries that are not known out of a 0/1 label matrix.

    Parameters
    ----------
    y : array-like, DataFrame or sparse of shape (n_samples, n_labels)
        As `read_indicator` takes it, with NaN or missing values where a label is not known, or a
        masked array.

    Returns
    -------
    y : array, DataFrame or sparse
        The same object where everything is known, else one with 0 for those entries.
    unknown : csr_matrix of shape (n_samples, n_labels), bool, or None
        Which entries are not known; None where all are.
    """
    y = _sparse_frame_as_coo(y)
    if sp.issparse(y):
        if y.dtype.kind not in "fO":
            return y, None
        coo = y.tocoo()
        missing = coo.data != coo.data
        if not missing.any():
            return y, None
        shape, known = y.shape, ~missing
        unknown = sp.csr_matrix(
            (np.ones(int(missing.sum()), bool), (coo.row[missing], coo.col[missing])), shape=shape
        )
        unknown.sum_duplicates()
        return type(coo)((coo.data[known], (coo.row[known], coo.col[known])), shape=shape), unknown
    if hasattr(y, "iloc") and getattr(y, "ndim", 0) == 2:
        if not y.isna().to_numpy().any():
            return y, None
        y = y.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.ma.is_masked(y):
        y = y.astype(np.float64).filled(np.nan)
    array = y if isinstance(y, np.ndarray) else np.asarray(y)
    if array.dtype.kind not in "fO" or array.ndim != 2:
        return y, None
    missing = array != array
    if not missing.any():
        return y, None
    return np.where(missing, 0, array), sp.csr_matrix(missing)
