"""Rows of `.npy` files."""

import numpy as np

from skmlclf._paths import Paths, expand_paths
from skmlclf.datasets._sharded import ShardedRowStore, stamp


class NpyRowStore(ShardedRowStore):
    """Rows of one or more `.npy` files, read through memory maps.

    .. versionadded:: 0.1

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Files to read, as paths or as glob patterns such as `"features/*.npy"`, in sorted order.
        Each holds an array of shape (n_rows, n_columns) of float16, float32 or float64; all have
        the same number of columns and the same dtype.

    Attributes
    ----------
    shape : tuple of (n_rows, n_columns)
        Rows of all files together.
    dtype : numpy.dtype
        Dtype of the files, in native byte order.

    Raises
    ------
    FileNotFoundError
        If a path or a pattern matches no file.
    ValueError
        If a file is damaged or is not a 2-d array of floats; if files differ in their number of
        columns or dtype. When rows are read: if a file has changed since.

    See Also
    --------
    RowStore : How rows are indexed and read.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skmlclf.datasets import NpyRowStore
    >>> folder = tempfile.TemporaryDirectory()
    >>> for i in range(2):
    ...     np.save(os.path.join(folder.name, f"{i}.npy"), np.full((3, 2), i, dtype=np.float16))
    >>> X = NpyRowStore(os.path.join(folder.name, "*.npy"))
    >>> X
    <NpyRowStore: 6 rows, 2 columns, float16, 2 files>
    >>> np.asarray(X[2:4])
    array([[0., 0.],
           [1., 1.]], dtype=float16)
    >>> folder.cleanup()
    """

    def __init__(self, paths: Paths) -> None:
        files = expand_paths(paths)
        arrays = [_map(file) for file in files]
        for file, array in zip(files, arrays, strict=True):
            if array.ndim != 2 or array.dtype.kind != "f" or not array.shape[1]:
                raise ValueError(
                    "Expected arrays of shape (n_rows, n_columns) of floats. Received "
                    f"{file!r} of shape {array.shape} and dtype {array.dtype}. Leave it out of "
                    "paths, or convert it."
                )
            if (array.shape[1], array.dtype) != (arrays[0].shape[1], arrays[0].dtype):
                raise ValueError(
                    f"Expected {arrays[0].shape[1]} columns of {arrays[0].dtype} in every file, as "
                    f"in {files[0]!r}. Received {array.shape[1]} of {array.dtype} in {file!r}. "
                    "Pass files that were written alike."
                )
        super().__init__(files, [len(array) for array in arrays], [stamp(file) for file in files])
        self.shape = (int(self._firsts[-1]), arrays[0].shape[1])
        self.dtype = arrays[0].dtype.newbyteorder("=")

    def _read_shard(self, shard: int, start: int, stop: int) -> np.ndarray:
        return _map(self._paths[shard])[start:stop]

    def _take_shard(self, shard: int, rows: np.ndarray) -> np.ndarray:
        taken: np.ndarray = _map(self._paths[shard])[rows]
        return taken


def _map(file: str) -> np.ndarray:
    try:
        array: np.ndarray = np.load(file, mmap_mode="r")
    except (ValueError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ValueError(
            f"Expected a .npy file of floats. Received {file!r}: {error}. Write it again with "
            "np.save, or leave it out of paths."
        ) from None
    return array
