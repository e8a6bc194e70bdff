"""Write video-level feature records, as `load_tfrecords` reads them."""

import gzip
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from numbers import Integral
from typing import Any, BinaryIO

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skmlclf._atomic import replacing
from skmlclf._compat import Interval, validate_params
from skmlclf._indicator import check_not_masked
from skmlclf._row_store import RowStore
from skmlclf.datasets._form import Form, make_form
from skmlclf.datasets._framing import masked_checksum
from skmlclf.datasets._labels import check_ids, check_labels

_BLOCK_ROWS = 1024


@validate_params(
    {
        "path": [str, os.PathLike],
        "X": "no_validation",
        "y": "no_validation",
        "ids": "no_validation",
        "shards": [Interval(Integral, 1, None, closed="left"), None],
        "features": [Mapping, None],
        "id_feature": [str],
        "labels_feature": [str],
    },
    prefer_skip_nested_validation=True,
)
def write_tfrecords(
    path: str | os.PathLike[str],
    X: Any,
    y: Any,
    ids: Sequence[str] | None = None,
    *,
    shards: int | None = None,
    features: Mapping[str, int] | None = None,
    id_feature: str = "id",
    labels_feature: str = "labels",
) -> list[str]:
    """Write features and labels to TFRecord files, which `load_tfrecords` reads back unchanged.

    Each row becomes a `tf.train.Example` with an id, the ids of its labels, and one list of floats
    for each entry of `features`: the form of YouTube-8M's video-level files [1]_.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path-like
        File to write; an existing one is replaced. If the name ends in `.gz`, it is compressed.
    X : array-like or RowStore of shape (n_samples, n_features)
        Features, finite, written as float32. A row store is read block by block.
    y : array-like or sparse matrix of shape (n_samples, n_labels), or None
        1 where a row has a label, else 0. `None` writes records without labels.
    ids : sequence of str of length n_samples, default=None
        Ids of the rows. `None` numbers them: `"0"`, `"1"`, ...
    shards : int, default=None
        Number of files over which the rows are spread evenly, in order. With `shards=2`,
        `train.tfrecord` becomes `train-00000-of-00002.tfrecord` and
        `train-00001-of-00002.tfrecord`. `None` writes one file, called `path`.
    features : mapping of str to int, default=None
        Name and number of values of each list of floats, in the order of the columns. `None` stands
        for those of YouTube-8M, `{"mean_rgb": 1024, "mean_audio": 128}`.
    id_feature : str, default="id"
        Name of the feature that identifies a record.
    labels_feature : str, default="labels"
        Name of the feature that lists a record's label ids.

    Returns
    -------
    paths : list of str
        The files that were written.

    Raises
    ------
    ValueError
        If `X`, `y` and `ids` differ in length; if the number of columns of `X` is not that of
        `features`, or `X` holds NaN or infinity; if `y` holds a value other than 0 and 1; if an id
        is not a string of Unicode characters, or ends in a null.

    See Also
    --------
    load_tfrecords : Read the files.

    Notes
    -----
    Files get their names once all of them are complete: an error or an interruption leaves existing
    files as they were.

    References
    ----------
    .. [1] S. Abu-El-Haija, N. Kothari, J. Lee, P. Natsev, G. Toderici, B. Varadarajan and
       S. Vijayanarasimhan, "YouTube-8M: A Large-Scale Video Classification Benchmark", 2016.
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import os, tempfile
    >>> from skmlclf.datasets import load_tfrecords, make_video_embeddings, write_tfrecords
    >>> X, y = make_video_embeddings(100, n_labels=50, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_tfrecords(os.path.join(folder, "train.tfrecord"), X, y, shards=2)
    ...     data = load_tfrecords(paths, n_labels=50)
    >>> [os.path.basename(path) for path in paths]
    ['train-00000-of-00002.tfrecord', 'train-00001-of-00002.tfrecord']
    >>> bool((data.data == X).all()), (data.target != y).nnz
    (True, 0)
    """
    form = make_form(features, id_feature, labels_feature, 1)
    if issparse(X):
        raise TypeError(
            "Expected X to be a dense array or a RowStore. Received a sparse matrix. Pass "
            "X.toarray()."
        )
    check_not_masked(X, "X")
    rows = X if isinstance(X, RowStore) else np.asarray(X)
    if rows.ndim != 2 or rows.shape[1] != form.n_columns:
        raise ValueError(
            f"Expected X of shape (n_samples, {form.n_columns}), the columns of {form.features}. "
            f"Received shape {rows.shape}. Pass the names and widths of its columns as features."
        )
    if rows.dtype.kind not in "biufO":
        raise ValueError(
            f"Expected X to hold real numbers. Received dtype {rows.dtype}. Convert it first."
        )
    n_rows = rows.shape[0]
    labels = None if y is None else check_labels(y, n_rows)
    encoded_ids = check_ids(ids, n_rows)
    final = os.fspath(path)
    paths = [final] if shards is None else _shard_names(final, int(shards))
    bounds = np.linspace(0, n_rows, len(paths) + 1).astype(np.int64)
    if not np.diff(bounds).all():
        raise ValueError(
            f"Expected at least one row for each of {len(paths)} files. Received {n_rows} rows. "
            "Pass fewer shards."
        )
    # The files take their places when the stack is left, with all of them complete.
    with ExitStack() as complete:
        for name, start, stop in zip(paths, bounds[:-1], bounds[1:], strict=True):
            temporary = complete.enter_context(replacing(name, overwrite=True))
            with open(temporary, "wb") as file, _packer(file, final) as stream:
                for record in _encode(rows, labels, encoded_ids, form, int(start), int(stop)):
                    stream.write(record)
    return paths


def _encode(
    rows: np.ndarray | RowStore,
    labels: csr_matrix | None,
    ids: list[bytes],
    form: Form,
    start: int,
    stop: int,
) -> Iterator[bytes]:
    """Yield framed records of some rows."""
    for first in range(start, stop, _BLOCK_ROWS):
        last = min(first + _BLOCK_ROWS, stop)
        with np.errstate(over="ignore"):
            block = np.asarray(rows[first:last]).astype("<f4")
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise ValueError(
                f"Expected X to be finite as float32. Row {first + bad[0]} holds NaN or infinity. "
                "Repair it, or leave it out."
            )
        for i in range(last - first):
            features = _feature(form.id_feature, 1, _field(1, ids[first + i]))
            if labels is not None:
                of_row = slice(labels.indptr[first + i], labels.indptr[first + i + 1])
                packed = b"".join(_varint(label) for label in labels.indices[of_row].tolist())
                features += _feature(str(form.labels_feature), 3, _field(1, packed))
            column = 0
            for name, width in form.features.items():
                values = block[i, column : column + width].tobytes()
                features += _feature(name, 2, _field(1, values))
                column += width
            record = _field(1, features)
            length = struct.pack("<Q", len(record))
            yield b"".join([length, _checksum(length), record, _checksum(record)])


def _checksum(content: bytes) -> bytes:
    return struct.pack("<I", masked_checksum(content))


def _feature(name: str, kind: int, values: bytes) -> bytes:
    """Encode an entry of a record's map of features; `kind` is the number of its list."""
    return _field(1, _field(1, name.encode()) + _field(2, _field(kind, values)))


def _field(number: int, content: bytes) -> bytes:
    return bytes([8 * number + 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _packer(file: BinaryIO, name: str) -> Any:
    """Compress if the name says so, without a time in the header: equal data, equal files."""
    if name.endswith(".gz"):
        return gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0)
    return nullcontext(file)


def _shard_names(path: str, n: int) -> list[str]:
    folder, name = os.path.split(path)
    stem, dot, ending = name.partition(".")
    return [os.path.join(folder, f"{stem}-{i:05}-of-{n:05}{dot}{ending}") for i in range(n)]
