"""Rows of Parquet files."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skmlclf._paths import Paths, expand_paths
from skmlclf.datasets._sharded import ShardedRowStore, stamp


class ParquetRowStore(ShardedRowStore):
    """Rows of one or more Parquet files, read by row groups.

    Needs `pyarrow`: `pip install pyarrow`.

    .. versionadded:: 0.1

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Files to read, as paths or as glob patterns such as `"features/**/*.parquet"`, in sorted
        order. All have the same columns.
    columns : str or sequence of str, default=None
        Columns to read, in this order. A column of floats gives one column of the rows; a column of
        lists of floats, which must all have the same length, gives as many as its lists have
        elements. `None` takes all columns of the files.

    Attributes
    ----------
    shape : tuple of (n_rows, n_columns)
        Rows of all files together.
    dtype : numpy.dtype
        float16, float32 or float64: the smallest type that holds all columns.
    feature_names : list of str
        Names of the columns: the name of a column of floats; for a column `rgb` of lists `rgb_0`,
        `rgb_1`, ...

    Raises
    ------
    FileNotFoundError
        If a path or a pattern matches no file.
    ImportError
        If `pyarrow` is not installed.
    ValueError
        If a file is damaged or lacks a column; if a column is named twice, or is not of floats or
        lists of floats. When rows are read: if a value is missing, if lists differ in length, or if
        a file has changed since.

    See Also
    --------
    RowStore : How rows are indexed and read.

    Notes
    -----
    Each row group is read as a whole, whichever of its rows are needed. For fast reads of scattered
    rows, write files with small row groups, of a few thousand rows.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from skmlclf.datasets import ParquetRowStore
    >>> table = pa.table({"video": [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]], "audio": [0.1, 0.2, 0.3]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(table, f"{folder}/rows.parquet")
    ...     rows = ParquetRowStore(f"{folder}/rows.parquet", columns="video")
    ...     rows.shape, rows.feature_names, rows[1:].read(0, 2)
    ((3, 2), ['video_0', 'video_1'], array([[1.5, 2. ],
           [2.5, 3. ]]))
    """

    def __init__(self, paths: Paths, columns: str | Sequence[str] | None = None) -> None:
        files = expand_paths(paths)
        names = [columns] if isinstance(columns, str) else columns
        if names is not None:
            _check_names(names)
        self._groups: list[np.ndarray] = []  # first row of each row group, of each file
        self._kinds: dict[str, np.dtype] = {}
        for file in files:
            with _open(file) as parquet:
                kinds = _kinds(file, parquet.schema_arrow, names)
                self._kinds = self._kinds or kinds
                if kinds != self._kinds:
                    raise ValueError(
                        f"Expected columns {_say(self._kinds)} in every file, as in {files[0]!r}. "
                        f"Received {_say(kinds)} in {file!r}. Pass files that were written alike."
                    )
                metadata = parquet.metadata
                sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
                self._groups.append(np.cumsum([0, *sizes]))
        super().__init__(
            files, [int(firsts[-1]) for firsts in self._groups], [stamp(file) for file in files]
        )
        self._widths = self._find_widths()
        self.shape = (int(self._firsts[-1]), sum(width or 1 for width in self._widths.values()))
        self.dtype = np.result_type(*self._kinds.values())
        self.feature_names = [
            name if width is None else f"{name}_{i}"
            for name, width in self._widths.items()
            for i in range(width or 1)
        ]

    def _find_widths(self) -> dict[str, int | None]:
        """Return how many elements the lists of each column have; None for a column of floats."""
        shard = int(np.searchsorted(self._firsts, 0, side="right")) - 1
        with _open(self._paths[min(shard, len(self._paths) - 1)]) as parquet:
            first = next(parquet.iter_batches(batch_size=1, columns=list(self._kinds)), None)
        widths: dict[str, int | None] = {}
        for name in self._kinds:
            kind = parquet.schema_arrow.field(name).type
            if not _is_list(kind):
                widths[name] = None
            elif hasattr(kind, "list_size"):
                widths[name] = kind.list_size
            else:
                lists = [] if first is None else first.column(name).to_pylist()
                widths[name] = len(lists[0] or ()) if lists else 0
        return widths

    def _read_shard(self, shard: int, start: int, stop: int) -> np.ndarray:
        return self._take_shard(shard, np.arange(start, stop))

    def _take_shard(self, shard: int, rows: np.ndarray) -> np.ndarray:
        firsts = self._groups[shard]
        taken = np.empty((len(rows), self.shape[1]), dtype=self.dtype)
        bounds = np.searchsorted(rows, firsts)
        with _open(self._paths[shard]) as parquet:
            for group in np.flatnonzero(np.diff(bounds)).tolist():
                here = slice(bounds[group], bounds[group + 1])
                table = _read_group(parquet, self._paths[shard], group, list(self._kinds))
                wanted = rows[here] - firsts[group]
                column = 0
                for name, width in self._widths.items():
                    values = self._values(shard, table.column(name), name, int(firsts[group]))
                    taken[here, column : column + (width or 1)] = values[wanted]
                    column += width or 1
        return taken

    def _values(self, shard: int, column: Any, name: str, first: int) -> np.ndarray:
        """Return a column of a row group as an array of two dimensions."""
        width = self._widths[name]
        missing = f"Expected a value in each row of column {name!r}. Received none in"
        array = column.combine_chunks()
        if array.null_count:
            row = first + int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
            raise ValueError(
                f"{missing} row {row} of {self._paths[shard]!r}. Fill it, or leave it out."
            )
        if width is not None:
            lengths = array.value_lengths().to_numpy(zero_copy_only=False)
            other = np.flatnonzero(lengths != width)
            if len(other):
                raise ValueError(
                    f"Expected {width} elements in each list of column {name!r}, as in the first. "
                    f"Received {lengths[other[0]]} in row {first + other[0]} of "
                    f"{self._paths[shard]!r}. Repair it, or leave it out."
                )
            array = array.flatten()
            if array.null_count:
                at = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
                raise ValueError(
                    f"{missing} the list of row {first + at // width} of {self._paths[shard]!r}. "
                    "Fill it, or leave it out."
                )
        values: np.ndarray = array.to_numpy(zero_copy_only=False).reshape(-1, width or 1)
        return values


def _open(file: str) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ImportError(
            "Expected pyarrow to be installed, which reads Parquet files. Install it with "
            "pip install pyarrow."
        ) from None
    try:
        return ParquetFile(file)
    except (ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise _unreadable(file, error) from None


def _read_group(parquet: Any, file: str, group: int, columns: list[str]) -> Any:
    from pyarrow import ArrowException

    try:
        return parquet.read_row_group(group, columns=columns)
    except (ArrowException, OSError) as error:
        raise _unreadable(f"row group {group} of {file}", error) from None


def _unreadable(what: str, error: Exception) -> ValueError:
    return ValueError(
        f"Expected a Parquet file. Received {what!r}: {error}. Fetch or write it again, or leave "
        "it out of paths."
    )


def _kinds(file: str, schema: Any, names: Sequence[str] | None) -> dict[str, np.dtype]:
    """Return the type of the floats in each column to read."""
    import pyarrow as pa

    kinds = {}
    for name in schema.names if names is None else names:
        if schema.get_field_index(name) < 0:
            raise ValueError(
                f"Expected a column {name!r}, once. Received {file!r} with columns {schema.names}. "
                "Pass other columns."
            )
        kind = schema.field(name).type
        element = kind.value_type if _is_list(kind) else kind
        if not pa.types.is_floating(element):
            raise ValueError(
                f"Expected columns of floats or of lists of floats. Received {kind} in column "
                f"{name!r} of {file!r}. Pass the columns to read as columns."
            )
        kinds[name] = np.dtype(element.to_pandas_dtype())
    if not kinds:
        raise ValueError(f"Expected at least one column. Received none of {file!r}.")
    return kinds


def _check_names(names: Sequence[str]) -> None:
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f"Expected columns to be a name or a sequence of names. Received {names!r}."
        )
    if len(set(names)) < len(names):
        raise ValueError(
            f"Expected columns to name each column once. Received {list(names)}. Select columns of "
            "the store, as in X[:, [0, 0]], to have one twice."
        )


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    kinds = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(is_kind(kind) for is_kind in kinds)


def _say(kinds: dict[str, np.dtype]) -> str:
    return ", ".join(f"{name} ({dtype})" for name, dtype in kinds.items())
