"""A folder of features as `.npy` files, with labels and ids: written, resumed and loaded."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz
from sklearn.utils import Bunch

from skmlclf._atomic import leftovers, replacing
from skmlclf._compat import Interval, StrOptions, validate_params
from skmlclf._progress import progress
from skmlclf._row_store import RowStore, is_row_store, rows_per_block
from skmlclf.datasets._labels import check_ids, check_labels
from skmlclf.datasets._npy import NpyRowStore

_VERSION = 1
_DESCRIPTION, _LABELS, _IDS = "dataset.json", "labels.npz", "ids.npy"


@validate_params(
    {
        "folder": [str, os.PathLike],
        "X": "no_validation",
        "y": "no_validation",
        "ids": "no_validation",
        "feature_names": "no_validation",
        "dtype": [StrOptions({"float16", "float32"})],
        "rows_per_shard": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def write_npy(
    folder: str | os.PathLike[str],
    X: Any,
    y: Any = None,
    ids: Sequence[str] | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    dtype: str = "float32",
    rows_per_shard: int = 100_000,
    verbose: int = 0,
) -> list[str]:
    """Write features to `.npy` files in a folder, and labels and ids beside them.

    Such files are memory-mapped and need no decoding, which is the fastest way to fit on data that
    is larger than memory.

    .. versionadded:: 0.1

    Parameters
    ----------
    folder : str or path-like
        Folder to write to, created if it does not exist. Files that an earlier call with the same
        arguments has completed are kept: an interrupted call is resumed.
    X : array-like or RowStore of shape (n_samples, n_features)
        Features, finite. A row store is read block by block.
    y : array-like or sparse matrix of shape (n_samples, n_labels), default=None
        1 where a row has a label, else 0. `None` writes no labels.
    ids : sequence of str of length n_samples, default=None
        Ids of the rows. `None` numbers them: `"0"`, `"1"`, ...
    feature_names : sequence of str of length n_features, default=None
        Names of the columns. `None` numbers them: `"x0"`, `"x1"`, ...
    dtype : {"float16", "float32"}, default="float32"
        Type of the features in the files. float16 takes half the space and rounds to 11
        significant bits.
    rows_per_shard : int, default=100_000
        Number of rows per file; the last one may have fewer.
    verbose : int, default=0
        1 shows the progress on standard error.

    Returns
    -------
    paths : list of str
        The files that were written by this call; files that were kept are not listed.

    Raises
    ------
    ValueError
        If `X`, `y`, `ids` and `feature_names` do not agree in length; if `X` holds a value that is
        not finite in `dtype`, or `y` a value other than 0 and 1; if the folder holds another data
        set.

    See Also
    --------
    load_npy : Open the folder.
    write_tfrecords : Write TFRecord files.

    Notes
    -----
    Each file is written under a temporary name, flushed to disk and renamed, so that it is always
    complete. A process that is killed may leave hidden folders whose names end in `.tmp`, which the
    next call removes. Do not run two calls for one folder at the same time.

    Examples
    --------
    >>> import os, tempfile
    >>> from skmlclf.datasets import load_npy, make_video_embeddings, write_npy
    >>> X, y = make_video_embeddings(100, n_labels=50, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> paths = write_npy(folder.name, X, y, dtype="float16", rows_per_shard=60)
    >>> sorted(os.path.basename(path) for path in paths)
    ['dataset.json', 'features-00000-of-00002.npy', 'features-00001-of-00002.npy', 'ids.npy',
     'labels.npz']
    >>> data = load_npy(folder.name)
    >>> data.data, data.target.shape
    (<NpyRowStore: 100 rows, 1,152 columns, float16, 2 files>, (100, 50))
    >>> folder.cleanup()
    """
    rows = X if is_row_store(X) else np.asarray(X)
    if rows.ndim != 2 or not all(rows.shape):
        raise ValueError(
            "Expected X of shape (n_samples, n_features), with at least one of each. Received "
            f"shape {rows.shape}."
        )
    n_rows, n_columns = rows.shape
    labels = None if y is None else check_labels(y, n_rows)
    names = [name.decode() for name in check_ids(ids, n_rows)]
    columns = [f"x{i}" for i in range(n_columns)] if feature_names is None else list(feature_names)
    if len(columns) != n_columns or not all(isinstance(name, str) for name in columns):
        raise ValueError(
            f"Expected feature_names to be {n_columns} strings, one for each column. Received "
            f"{len(columns)} names. Pass those of the columns of X."
        )
    description = {
        "version": _VERSION,
        "shape": [n_rows, n_columns],
        "dtype": dtype,
        "rows_per_shard": int(rows_per_shard),
        "feature_names": columns,
        "labels": None if labels is None else labels.shape[1],
        # Without it, rows of one data set could be added to those of another.
        "sha256": _fingerprint(labels, names),
    }
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    _check_same(target, description)
    for _, stale in leftovers(target):
        shutil.rmtree(stale, ignore_errors=True)

    written = []
    small = {_DESCRIPTION: description, _LABELS: labels, _IDS: np.array(names)}
    for name, content in small.items():
        if content is not None and not (target / name).exists():
            _write_small(target / name, content)
            written.append(str(target / name))
    shards = _shards(target, description)
    missing = [shard for shard in shards if not _is_there(shard, rows, dtype)]
    n_done = n_rows - sum(stop - start for _, start, stop in missing)
    with progress(n_rows, "Writing", verbose=int(verbose), initial=n_done) as bar:
        for path, start, stop in missing:
            with replacing(path, overwrite=True) as temporary, open(temporary, "wb") as file:
                form = {"fortran_order": False, "shape": (stop - start, n_columns)}
                np.lib.format.write_array_header_1_0(file, {"descr": np.dtype(dtype).str, **form})
                step = rows_per_block(n_columns, rows.dtype)
                for first in range(start, stop, step):
                    block = _convert(rows, first, min(first + step, stop), dtype)
                    file.write(block.data)
                    bar.update(len(block))
            written.append(str(path))
    return written


def load_npy(folder: str | os.PathLike[str]) -> Bunch:
    """Open what `write_npy` or the command `skmlclf convert` has written.

    .. versionadded:: 0.1

    Parameters
    ----------
    folder : str or path-like
        The folder.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : NpyRowStore of shape (n_samples, n_features)
            The features, which stay on disk.
        target : csr_matrix of shape (n_samples, n_labels), dtype int64, or None
            1 where a row has a label.
        ids : ndarray of shape (n_samples,), dtype str
            The ids of the rows.
        feature_names : list of str
            Names of the columns.
        DESCR : str
            A description of the data set.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no data set in it.
    ValueError
        If files are missing or damaged, as they are where writing was interrupted.

    See Also
    --------
    write_npy : Write the folder.
    VideoRecords : Read TFRecord files without converting them.

    Examples
    --------
    >>> import tempfile
    >>> from skmlclf.datasets import load_npy, make_video_embeddings, write_npy
    >>> X, y = make_video_embeddings(100, n_labels=50, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> paths = write_npy(folder.name, X, y)
    >>> train = load_npy(folder.name)
    >>> train.data.shape, train.target.shape, train.feature_names[:2]
    ((100, 1152), (100, 50), ['x0', 'x1'])
    >>> folder.cleanup()
    """
    source = Path(folder)
    description = _read_description(source)
    if description is None:
        raise FileNotFoundError(
            f"Expected a folder that write_npy or skmlclf convert has written. {str(source)!r} "
            f"holds no {_DESCRIPTION}."
        )
    shards = [path for path, _, _ in _shards(source, description)]
    labels = [] if description["labels"] is None else [source / _LABELS]
    missing = [path for path in [source / _IDS, *labels, *shards] if not path.exists()]
    if missing:
        raise ValueError(
            f"Expected a complete data set. {len(missing)} files of it are missing, the first of "
            f"them {str(missing[0])!r}. Run what writes it once more, which goes on where it ended."
        )
    data = NpyRowStore(shards)
    ids = _read_small(source / _IDS, np.load)
    target = _read_small(labels[0], load_npz).astype(np.int64) if labels else None
    shape, n_labels = tuple(description["shape"]), description["labels"]
    fits = data.shape == shape and data.dtype == description["dtype"] and ids.shape == shape[:1]
    if not fits or (target is not None and target.shape != (shape[0], n_labels)):
        raise ValueError(
            f"Expected {shape[0]} rows of {shape[1]} features of {description['dtype']} in "
            f"{str(source)!r}, with labels and ids of each. Received {data!r} and {len(ids)} ids. "
            "Write it again."
        )
    return Bunch(
        data=data,
        target=target,
        ids=ids,
        feature_names=description["feature_names"],
        DESCR=f"{len(data)} rows in {len(shards)} files of {str(source)!r}.",
    )


def _fingerprint(labels: csr_matrix | None, ids: list[str]) -> str:
    digest = hashlib.sha256("\0".join(ids).encode())
    if labels is not None:
        for array in (labels.indptr, labels.indices):
            digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()


def _check_same(folder: Path, description: dict[str, Any]) -> None:
    """Refuse a folder in which there is another data set."""
    known = _read_description(folder)
    if known is None and not any(folder.glob("features-*.npy")):
        return
    if known != description:
        known = known or {}
        differs = next(name for name in description if description[name] != known.get(name))
        raise ValueError(
            f"Expected a folder of the same data set, or an empty one. {str(folder)!r} holds one "
            f"that differs in {differs}. Pass another folder, or delete it first."
        )


def _read_description(folder: Path) -> dict[str, Any] | None:
    path = folder / _DESCRIPTION
    try:
        description = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        description = None
    if not isinstance(description, dict) or description.get("version") != _VERSION:
        raise ValueError(
            f"Expected {str(path)!r} to describe a data set, as version {_VERSION} of this file "
            "does. It is damaged, or of another version of skmlclf. Write the data set to another "
            "folder."
        )
    return description


def _read_small(path: Path, load: Any) -> Any:
    try:
        with open(path, "rb") as file:
            return load(file)
    except Exception as error:
        raise ValueError(
            f"Expected {str(path)!r} to be as it was written. It is damaged: {error}. Delete it "
            "and run what writes it once more."
        ) from None


def _write_small(path: Path, content: Any) -> None:
    with replacing(path, overwrite=True) as temporary, open(temporary, "wb") as file:
        if isinstance(content, dict):
            file.write(json.dumps(content, indent=1).encode())
        elif isinstance(content, np.ndarray):
            np.save(file, content)
        else:
            save_npz(file, content.astype(np.int8))


def _shards(folder: Path, description: dict[str, Any]) -> list[tuple[Path, int, int]]:
    """Return the files of features, with the first row of each and the one after the last."""
    n_rows, size = description["shape"][0], description["rows_per_shard"]
    n = -(-n_rows // size)
    return [
        (folder / f"features-{i:05}-of-{n:05}.npy", i * size, min((i + 1) * size, n_rows))
        for i in range(n)
    ]


def _is_there(shard: tuple[Path, int, int], rows: np.ndarray | RowStore, dtype: str) -> bool:
    """Return whether a file is there, with the first and the last row that it should have."""
    path, start, stop = shard
    try:
        found = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError):
        return False
    if found.shape != (stop - start, rows.shape[1]) or found.dtype != dtype:
        return False
    return all(
        np.array_equal(found[[row - start]], _convert(rows, row, row + 1, dtype))
        for row in (start, stop - 1)
    )


def _convert(rows: np.ndarray | RowStore, start: int, stop: int, dtype: str) -> np.ndarray:
    """Return rows in the type in which they are written."""
    with np.errstate(over="ignore"):
        block = np.ascontiguousarray(np.asarray(rows[start:stop]), dtype=dtype)
    bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if len(bad):
        raise ValueError(
            f"Expected X to be finite as {dtype}. Row {start + bad[0]} holds NaN, infinity or a "
            "value that is too large. Repair it or leave it out"
            f"{', or write float32' if dtype == 'float16' else ''}."
        )
    return block
