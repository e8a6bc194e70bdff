"""Read video-level feature records, the form in which YouTube-8M is published."""

import glob
import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils import Bunch

from skmlclf._compat import Interval, validate_params

YOUTUBE8M_FEATURES = {"mean_rgb": 1024, "mean_audio": 128}
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
_BATCH = 1024  # records parsed at a time: a few MB in flight
_FRAME_BYTES = 16  # what a TFRecord file adds to each record: length and two checksums
_REFETCH = "Fetch it again, or leave it out of paths."


@dataclass(frozen=True)
class _Form:
    """What a record must hold."""

    features: dict[str, int]
    id_feature: str
    labels_feature: str
    n_labels: int


@validate_params(
    {
        "paths": [str, os.PathLike, Iterable],
        "n_labels": [Interval(Integral, 1, None, closed="left")],
        "features": [Mapping, None],
        "id_feature": [str],
        "labels_feature": [str],
    },
    prefer_skip_nested_validation=True,
)
def load_tfrecords(
    paths: Paths,
    *,
    n_labels: int = 3862,
    features: Mapping[str, int] | None = None,
    id_feature: str = "id",
    labels_feature: str = "labels",
) -> Bunch:
    """Load local TFRecord files of video-level features and labels.

    Each record is a `tf.train.Example` that holds a video's id (bytes), the ids of its labels
    (a list of int64) and one list of floats for each modality. The defaults read the video-level
    files of YouTube-8M's 2018 release [1]_.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Files to read, as paths or as glob patterns such as `"train/*.tfrecord"` (`**` matches
        folders at any depth). Each file is read once, in the sorted order of the paths.
    n_labels : int, default=3862
        Number of labels of the data set: label ids go from 0 to `n_labels - 1`, whether they occur
        in the files or not.
    features : mapping of str to int, default=None
        Name and width of each list of floats, in the order in which they become columns. `None`
        stands for YouTube-8M's, `{"mean_rgb": 1024, "mean_audio": 128}`.
    id_feature : str, default="id"
        Name of the feature that identifies a record.
    labels_feature : str, default="labels"
        Name of the feature that lists a record's label ids. The list may be empty, as it is in
        files whose labels are withheld.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : ndarray of shape (n_samples, n_features), dtype float32
            The features side by side, C-contiguous.
        target : csr_matrix of shape (n_samples, n_labels), dtype uint8
            1 where a video has a label.
        ids : ndarray of shape (n_samples,), dtype str
            The videos' ids.
        feature_names : list of str
            Names of the columns: `mean_rgb_0`, `mean_rgb_1`, ...
        DESCR : str
            What was read.

    Raises
    ------
    FileNotFoundError
        If a path or a pattern matches no file.
    ValueError
        If a file is empty, truncated, damaged or not a TFRecord file; if a record lacks a feature
        or has one of another width or type; if a label id is outside `0 .. n_labels - 1`; if a
        feature is NaN or infinite. The message names the file and the record.

    See Also
    --------
    make_video_embeddings : Simulate data of the same form.

    Notes
    -----
    TensorFlow is imported when this function is called. `data` takes
    `4 * n_samples * n_features` bytes, and reading takes little more.

    References
    ----------
    .. [1] S. Abu-El-Haija, N. Kothari, J. Lee, P. Natsev, G. Toderici, B. Varadarajan and
       S. Vijayanarasimhan, "YouTube-8M: A Large-Scale Video Classification Benchmark", 2016.
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> from skmlclf.datasets import load_tfrecords
    >>> train = load_tfrecords("yt8m/train/*.tfrecord")  # doctest: +SKIP
    >>> train.data.shape, train.target.shape  # doctest: +SKIP
    ((27680, 1152), (27680, 3862))
    """
    form = _Form(
        _check_features(YOUTUBE8M_FEATURES if features is None else features),
        id_feature,
        labels_feature,
        n_labels,
    )
    _check_names(form)
    files = _expand_paths(paths)
    for file in files:
        _check_not_empty(file)
    data, ids, labels, lengths = _read(files, form)
    target = csr_matrix(
        (np.ones(len(labels), dtype=np.uint8), labels, np.concatenate([[0], np.cumsum(lengths)])),
        shape=(len(data), n_labels),
    )
    target.sum_duplicates()
    target.data[:] = 1  # a label listed twice is still one label
    return Bunch(
        data=data,
        target=target,
        ids=ids,
        feature_names=[
            f"{name}_{i}" for name, width in form.features.items() for i in range(width)
        ],
        DESCR=f"{len(data)} records read from {len(files)} TFRecord files.",
    )


def _check_features(features: Mapping[str, int]) -> dict[str, int]:
    """Check that every feature has a name and a positive width."""
    if not features:
        raise ValueError(
            "Expected features to name at least one list of floats, such as "
            f"{YOUTUBE8M_FEATURES}. Received an empty mapping."
        )
    for name, width in features.items():
        if not isinstance(name, str):
            raise ValueError(f"Expected the names in features to be strings. Received {name!r}.")
        if not isinstance(width, Integral) or isinstance(width, bool) or width < 1:
            raise ValueError(
                f"Expected the width of feature {name!r} to be an integer of 1 or more. "
                f"Received {width!r}."
            )
    return {name: int(width) for name, width in features.items()}


def _check_names(form: _Form) -> None:
    """Check that no two features go by the same name."""
    names = [*form.features, form.id_feature, form.labels_feature]
    if len(set(names)) < len(names):
        raise ValueError(
            "Expected different names in features, id_feature and labels_feature. Received "
            f"{names}. Rename the one that occurs twice."
        )


def _expand_paths(paths: Paths) -> list[str]:
    """Turn paths and glob patterns into a sorted list of files, each named once."""
    patterns = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not patterns:
        raise FileNotFoundError("Expected paths to name at least one file. Received none.")
    files: set[str] = set()
    for pattern in patterns:
        if not isinstance(pattern, str | os.PathLike):
            raise TypeError(
                "Expected paths to be a path, a glob pattern, or a list of these. Received "
                f"an element of type {type(pattern).__name__}: {pattern!r}."
            )
        path = os.fspath(pattern)
        # A file that exists is meant literally, even with brackets in its name.
        found = [path] if os.path.isfile(path) else glob.glob(path, recursive=True)
        matched = [match for match in found if os.path.isfile(match)]
        if not matched:
            advice = (
                f"It is a folder: pass a pattern such as {os.path.join(path, '*.tfrecord')!r}."
                if os.path.isdir(path)
                else f"Check its spelling; the current folder is {os.getcwd()!r}."
            )
            raise FileNotFoundError(
                f"Expected a file or a glob pattern that matches one. Received {path!r}, which "
                f"matches no file. {advice}"
            )
        files.update(matched)
    return sorted(files)


def _check_not_empty(file: str) -> None:
    with open(file, "rb") as stream:
        if not stream.read(1):
            raise ValueError(
                f"Expected a TFRecord file with at least one record. Received {file!r}, which is "
                "empty (0 bytes). Leave it out of paths, or fetch it again."
            )


def _read(files: list[str], form: _Form) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read all files in one pass; return features, ids, label ids, and labels a record."""
    import tensorflow as tf

    spec = {
        name: tf.io.FixedLenFeature([width], tf.float32) for name, width in form.features.items()
    }
    spec[form.id_feature] = tf.io.FixedLenFeature([], tf.string)
    spec[form.labels_feature] = tf.io.RaggedFeature(tf.int64)

    def parse(records: Any) -> tuple[Any, ...]:
        example = tf.io.parse_example(records, spec)
        data = tf.concat([example[name] for name in form.features], axis=1)
        labels = example[form.labels_feature]
        n_bytes = tf.reduce_sum(tf.strings.length(records) + _FRAME_BYTES)
        return data, example[form.id_feature], labels.values, labels.row_lengths(), n_bytes

    # One dataset over all files: making one for each would take longer than the reading.
    chunks: deque[list[np.ndarray]] = deque()
    n_bytes = 0
    try:
        with tf.device("CPU:0"):
            for chunk in tf.data.TFRecordDataset(files).batch(_BATCH).map(parse).prefetch(1):
                *arrays, chunk_bytes = (tensor.numpy() for tensor in chunk)
                chunks.append(arrays)
                n_bytes += int(chunk_bytes)
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise _first_fault(files, form) or ValueError(str(error)) from None
    # TensorFlow takes a file that is cut inside a record's header for one that ends there.
    if n_bytes != sum(os.path.getsize(file) for file in files):
        raise _first_fault(files, form) or ValueError("The files changed while they were read.")

    ids, labels, lengths = (np.concatenate([chunk[i] for chunk in chunks]) for i in (1, 2, 3))
    data = np.empty((len(ids), sum(form.features.values())), dtype=np.float32)
    start = 0
    while chunks:  # a chunk is let go once copied, so that the data is never held twice
        rows = chunks.popleft()[0]
        data[start : start + len(rows)] = rows
        start += len(rows)
    if (
        len(labels) == 0  # either they are withheld, or go by another name
        or labels.min() < 0
        or labels.max() >= form.n_labels
        or not np.isfinite(data).all()
    ):
        fault = _first_fault(files, form, needs_labels=len(labels) == 0)
        if fault:
            raise fault
    return data, np.array([i.decode(errors="replace") for i in ids]), labels, lengths


def _first_fault(files: list[str], form: _Form, *, needs_labels: bool = False) -> ValueError | None:
    """Find out, record by record, which file is at fault and why."""
    import tensorflow as tf

    for file in files:
        n_records, n_bytes, what = 0, 0, None
        try:
            for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
                what = _record_fault(record, form, needs_labels=needs_labels)
                if what:
                    what = f"record {n_records} (counted from 0) has {what}"
                    break
                n_records += 1
                n_bytes += len(record) + _FRAME_BYTES
            else:
                if n_bytes < os.path.getsize(file):
                    what = f"it is truncated inside the header of record {n_records}. {_REFETCH}"
        except tf.errors.DataLossError as error:
            what = _damage(file, n_records, n_bytes, error.message)
        if what:
            return ValueError(
                "Expected a complete TFRecord file of tf.train.Example records. Received "
                f"{file!r}: {what}"
            )
    return None


def _damage(file: str, n_records: int, n_bytes: int, message: str) -> str:
    """Say what is wrong with a file that TensorFlow could not read to its end."""
    with open(file, "rb") as stream:
        magic = stream.read(2)
    if magic == b"\x1f\x8b":
        return "it is compressed with gzip. Unpack it first."
    if "truncated" in message:
        return (
            f"it is truncated: record {n_records} starts at byte {n_bytes} and is longer than "
            f"what is left of the file's {os.path.getsize(file)} bytes. {_REFETCH}"
        )
    if n_records == 0:
        return f"it is not a TFRecord file, or damaged from its start. {_REFETCH}"
    return f"it is damaged at record {n_records}, byte {n_bytes}: checksums differ. {_REFETCH}"


def _record_fault(record: bytes, form: _Form, *, needs_labels: bool) -> str | None:
    """Say what is wrong with one record, or return None."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.train import Example

    try:
        found = Example.FromString(record).features.feature
    except DecodeError:
        return "content that is not a tf.train.Example. Check that the file is of this form."
    kinds = {form.id_feature: "bytes_list", form.labels_feature: "int64_list"}
    kinds |= dict.fromkeys(form.features, "float_list")
    for name, kind in kinds.items():
        if name not in found:
            if name == form.labels_feature and not needs_labels:
                continue
            return (
                f"no feature {name!r}; it has {sorted(found)}. Pass the names it uses as features, "
                "id_feature and labels_feature."
            )
        received = found[name].WhichOneof("kind")
        if received is not None and received != kind:  # None: a list without values
            return f"a {received} as feature {name!r}, not a {kind}. Pass another feature's name."
        values = np.asarray(getattr(found[name], kind).value)
        if name == form.id_feature and len(values) != 1:
            return f"{len(values)} values in feature {name!r}, not the 1 that identifies it."
        if name == form.labels_feature:
            outside = values[(values < 0) | (values >= form.n_labels)]
            if len(outside):
                return (
                    f"label id {outside[0]}, not one of 0 to {form.n_labels - 1}. Pass the number "
                    "of labels of the data set as n_labels."
                )
        if name in form.features:
            width = form.features[name]
            if len(values) != width:
                return (
                    f"{len(values)} values in feature {name!r}, not {width}. Pass its width, as in "
                    f"features={{{name!r}: {len(values)}}}."
                )
            if not np.isfinite(values).all():
                return (
                    f"NaN or infinity in feature {name!r}, not finite numbers alone. Repair the "
                    "file, or leave it out of paths."
                )
    return None
