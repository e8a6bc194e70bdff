"""Video records that stay on disk: features to index, and labels and ids in memory."""

import os
import threading
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from skmlclf._compat import Interval, StrOptions, validate_params
from skmlclf._paths import Paths, expand_paths
from skmlclf._progress import progress
from skmlclf.datasets._examples import decode
from skmlclf.datasets._form import Form, make_form
from skmlclf.datasets._framing import Frames, read_frames
from skmlclf.datasets._index import FileIndex, index_files
from skmlclf.datasets._labels import check_labelled, make_target
from skmlclf.datasets._reader import error_of
from skmlclf.datasets._sharded import ShardedRowStore

_FRAMING_BYTES = 16  # between two records
_STEP_BYTES = 2**25  # of records that are read at a time
_GAP_BYTES = 2**16  # between records that are read and not used, to open the file once
_UNPACKED_BYTES = 2**28  # of rows of compressed files that are kept


class VideoRecords:
    """TFRecord files of videos whose features stay on disk.

    The files are read through once, to index labels, ids and the position of each record. After
    that, `features` reads only the rows that are needed, so that a data set larger than memory can
    be passed, split and cross-validated as an array is. Labels are sparse and stay in memory.

    .. versionadded:: 0.1

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Files to read, plain or compressed with gzip, as paths or as glob patterns such as
        `"train/*.tfrecord"` (`**` matches folders at any depth). Each file is read once, however
        many paths and links lead to it, in the sorted order of the paths.
    n_labels : int, default=3862
        Number of labels of the data set: label ids go from 0 to `n_labels - 1`, also where some do
        not occur in the files.
    features : mapping of str to int, default=None
        Name and number of values of each list of floats or of each frame, in the order of the
        columns. `None` stands for those of YouTube-8M: `{"mean_rgb": 1024, "mean_audio": 128}` for
        videos, `{"rgb": 1024, "audio": 128}` for frames.
    id_feature : str, default="id"
        Name of the feature that identifies a record.
    labels_feature : str or None, default="labels"
        Name of the feature that lists a record's label ids. Every record must have it; its list
        may be empty. `None` reads files whose labels are withheld, such as those of a test split.
    level : {"video", "frame"}, default="video"
        What a record holds: features of a whole video (`tf.train.Example`), or of each of its
        frames, quantised to 8 bits (`tf.train.SequenceExample`).
    pooling : {"mean", "mean_std"}, default="mean"
        How the frames of a video are pooled: their mean, or their mean and their standard
        deviation side by side. Not used at video level.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record that is damaged or not as described: raise an error, or skip it,
        with one warning about all that were skipped. If a file is so damaged that no further record
        can be found, the rest of it is skipped.
    cache : bool or path-like, default=False
        Whether, or in which folder, to store the index of the files, so that they need not be read
        through again the next time: `True` stores it beside the data, in the folder that all paths
        have in common; a path must be that of an existing folder. Files whose size or modification
        time has changed are read again.
    n_jobs : int, default=None
        Number of processes that index the files. `None` means 1 unless in a
        :obj:`joblib.parallel_backend` context, `-1` means one per core.
    verbose : int, default=0
        1 shows the progress of indexing on standard error: updated in place on a terminal and in a
        notebook, else as one line every half minute.

    Attributes
    ----------
    features : RowStore of shape (n_samples, n_columns), dtype float32
        The features side by side. See :class:`RowStore` for how they are indexed and read.
    labels : csr_matrix of shape (n_samples, n_labels), dtype int64, or None
        1 where a video has a label. `None` if `labels_feature` is `None`.
    ids : ndarray of shape (n_samples,), dtype str
        The videos' ids, which are UTF-8 in the files.
    feature_names : list of str
        Names of the columns: `mean_rgb_0`, `mean_rgb_1`, ...
    paths : list of str
        The files, in the order of their rows.
    n_skipped : int
        Number of records, and of unreadable ends of files, that were skipped.
    skipped : list of str
        For each of them, a message that says what was wrong.

    Raises
    ------
    FileNotFoundError
        If a path or a pattern matches no file, or matches a link to a file that does not exist.
    ValueError
        As :func:`load_tfrecords`, if `on_error="raise"`; if no record can be read; if a file
        changes after it was indexed. The message names the file and the record.

    See Also
    --------
    load_tfrecords : Load records that fit into memory.
    RowStore : How rows on disk are indexed and read.

    Notes
    -----
    Checksums are verified while indexing. Rows of plain files are read at their positions; a gzip
    file is decompressed as a whole, whichever of its rows are needed, and the rows of the last few
    files are kept in memory. TensorFlow is not needed.

    Frames are dequantised by YouTube-8M's formula [1]_, :math:`x = 4 q / 255 + 4 / 512 - 2`, and
    pooled while they are read.

    References
    ----------
    .. [1] S. Abu-El-Haija, N. Kothari, J. Lee, P. Natsev, G. Toderici, B. Varadarajan and
       S. Vijayanarasimhan, "YouTube-8M: A Large-Scale Video Classification Benchmark", 2016.
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import os, tempfile
    >>> from skmlclf.datasets import VideoRecords, make_video_embeddings, write_tfrecords
    >>> folder = tempfile.TemporaryDirectory()
    >>> X, y = make_video_embeddings(100, n_labels=50, random_state=0)
    >>> paths = write_tfrecords(os.path.join(folder.name, "train.tfrecord"), X, y, shards=4)
    >>> records = VideoRecords(os.path.join(folder.name, "*.tfrecord"), n_labels=50)
    >>> records
    <VideoRecords: 100 videos, 1,152 columns, 50 labels, 4 files>
    >>> X_train, y_train = records.features[:80], records.labels[:80]
    >>> X_train.shape, y_train.shape
    ((80, 1152), (80, 50))
    >>> folder.cleanup()
    """

    @validate_params(
        {
            "paths": [str, os.PathLike, Iterable],
            "n_labels": [Interval(Integral, 1, None, closed="left")],
            "features": [Mapping, None],
            "id_feature": [str],
            "labels_feature": [str, None],
            "level": [StrOptions({"video", "frame"})],
            "pooling": [StrOptions({"mean", "mean_std"})],
            "on_error": [StrOptions({"raise", "skip"})],
            "cache": ["boolean", str, os.PathLike],
            "n_jobs": [Integral, None],
            "verbose": ["verbose"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        paths: Paths,
        *,
        n_labels: int = 3862,
        features: Mapping[str, int] | None = None,
        id_feature: str = "id",
        labels_feature: str | None = "labels",
        level: str = "video",
        pooling: str = "mean",
        on_error: str = "raise",
        cache: bool | str | os.PathLike[str] = False,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        form = make_form(
            features, id_feature, labels_feature, n_labels, level=level, pooling=pooling
        )
        self.paths = expand_paths(paths)
        with progress(len(self.paths), "Indexing", unit="files", verbose=int(verbose)) as bar:
            indices = index_files(
                self.paths,
                form,
                raises=on_error == "raise",
                cache=_cache_folder(cache, self.paths),
                n_jobs=n_jobs,
                report=lambda n_records: bar.update(1, records=f"{n_records:,}"),
            )
        self.skipped = [
            error_of(file, fault, form)
            for file, index in zip(self.paths, indices, strict=True)
            for fault in index.faults
        ]
        self.n_skipped = len(self.skipped)
        n_videos = sum(len(index.ids) for index in indices)
        if self.skipped and not n_videos:
            raise ValueError(f"Expected at least one good record. Received none: {self.skipped[0]}")
        if labels_feature is not None:
            check_labelled(
                {f: len(index.labels) for f, index in zip(self.paths, indices, strict=True)}
            )
        if self.skipped:
            warnings.warn(
                f"{self.n_skipped} faulty records or rests of files were left out; {n_videos} "
                "videos remain. All faults are in the attribute `skipped`. The first: "
                f"{self.skipped[0]}",
                UserWarning,
                stacklevel=3,
            )
        self.features = _RecordRowStore(self.paths, indices, form)
        self.labels = None
        if labels_feature is not None:
            labels = np.concatenate([index.labels for index in indices])
            counts = np.concatenate([index.counts for index in indices])
            self.labels = make_target(labels, counts, form.n_labels)
        self.ids = np.array([video_id for index in indices for video_id in index.ids])
        self.feature_names = form.column_names

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        n_rows, n_columns = self.features.shape
        labels = "no labels" if self.labels is None else f"{self.labels.shape[1]:,} labels"
        n_files = len(self.paths)
        return (
            f"<VideoRecords: {n_rows:,} videos, {n_columns:,} columns, {labels}, {n_files:,} "
            f"file{'s' if n_files != 1 else ''}>"
        )


class _RecordRowStore(ShardedRowStore):
    """The features of indexed record files."""

    def __init__(self, paths: Sequence[str], indices: Sequence[FileIndex], form: Form) -> None:
        super().__init__(
            paths, [len(index.ids) for index in indices], [index.stamp for index in indices]
        )
        self.shape = (int(self._firsts[-1]), form.n_columns)
        self._form = form
        self._is_packed = np.array([index.is_packed for index in indices], dtype=bool)
        self._numbers, self._positions, self._sizes = (
            np.concatenate([getattr(index, name) for index in indices])
            for name in ("numbers", "positions", "sizes")
        )
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = threading.Lock()
        self._unpacked: OrderedDict[int, np.ndarray] = OrderedDict()

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._take_rising(np.arange(start, stop))

    @property
    def block_rows(self) -> int:
        packed = np.diff(self._firsts)[self._is_packed]
        return max(super().block_rows, int(packed.max(initial=0)))

    def _take_rising(self, rows: np.ndarray) -> np.ndarray:
        data = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        shards = np.searchsorted(self._firsts, rows, side="right") - 1
        for shard in np.unique(shards).tolist():
            self._check(shard)
        is_packed = self._is_packed[shards]
        for shard in np.unique(shards[is_packed]).tolist():
            here = shards == shard
            data[here] = self._unpack(shard)[rows[here] - self._firsts[shard]]
        plain = np.flatnonzero(~is_packed)
        steps = np.cumsum(self._sizes[rows[plain]], dtype=np.int64) // _STEP_BYTES
        for step in np.split(plain, np.flatnonzero(np.diff(steps)) + 1):
            if len(step):
                data[step] = self._read_plain(rows[step], shards[step])
        return data

    def _read_plain(self, rows: np.ndarray, shards: np.ndarray) -> np.ndarray:
        """Read rows of plain files; what is near in a file is read at once."""
        starts = self._positions[rows]
        stops = starts + self._sizes[rows]
        is_far = (np.diff(shards) > 0) | (starts[1:] - stops[:-1] > _GAP_BYTES)
        firsts = np.concatenate([[0], np.flatnonzero(is_far) + 1])
        lasts = np.concatenate([firsts[1:], [len(rows)]]) - 1
        begins, ends = starts[firsts], stops[lasts]
        content = b"".join(
            self._read_bytes(shard, begin, end)
            for shard, begin, end in zip(
                shards[firsts].tolist(), begins.tolist(), ends.tolist(), strict=True
            )
        )
        sizes = ends - begins
        shift = np.repeat(np.cumsum(sizes) - sizes - begins, lasts - firsts + 1)
        which = np.arange(len(rows))
        frames = Frames(content, 0, which, starts + shift, stops + shift, [])
        ((videos, faults),) = decode([frames], self._form)
        if faults:
            raise self._changed(int(shards[faults[0].record]))
        return videos.data

    def _read_bytes(self, shard: int, begin: int, end: int) -> bytes:
        with open(self._paths[shard], "rb", buffering=0) as file:
            file.seek(begin)
            content = file.read(end - begin)
        if len(content) < end - begin:
            raise self._changed(shard)
        return content

    def _unpack(self, shard: int) -> np.ndarray:
        """Return all rows of a compressed file, which are kept for a while."""
        with self._lock:
            data = self._unpacked.get(shard)
            if data is not None:
                self._unpacked.move_to_end(shard)
                return data
        wanted = self._numbers[self._firsts[shard] : self._firsts[shard + 1]]
        parts = []
        for frames in read_frames(self._paths[shard]):
            ((videos, _),) = decode([frames], self._form)
            if len(videos.rows):
                parts.append(videos.data)
        data = np.concatenate(parts) if parts else np.empty((0, self.shape[1]), np.float32)
        if len(data) != len(wanted):
            raise self._changed(shard)
        with self._lock:
            self._unpacked[shard] = data
            while len(self._unpacked) > 1 and self._kept_bytes() > _UNPACKED_BYTES:
                self._unpacked.popitem(last=False)
        return data

    def _kept_bytes(self) -> int:
        return sum(data.nbytes for data in self._unpacked.values())

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        del state["_lock"], state["_unpacked"], state["_positions"]
        # Records follow one another, so that all this is nearly constant.
        gaps = np.diff(self._positions) - self._sizes[:-1] - _FRAMING_BYTES
        state["_gaps"] = _compress(np.concatenate([self._positions[:1], gaps]))
        state["_sizes"] = _compress(self._sizes)
        state["_numbers"] = _compress(np.diff(self._numbers, prepend=0))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        gaps = _decompress(state.pop("_gaps"))
        vars(self).update(state)
        self._sizes = _decompress(state["_sizes"])
        self._numbers = np.cumsum(_decompress(state["_numbers"]))
        steps = np.concatenate([[0], self._sizes[:-1] + _FRAMING_BYTES])
        self._positions = np.cumsum(gaps + steps[: len(gaps)])
        self._start_empty()


def _compress(values: np.ndarray) -> bytes:
    return zlib.compress(values.astype(np.int64).tobytes(), 1)


def _decompress(packed: bytes) -> np.ndarray:
    return np.frombuffer(zlib.decompress(packed), dtype=np.int64)


def _cache_folder(cache: bool | str | os.PathLike[str], files: Sequence[str]) -> str | None:
    if isinstance(cache, bool | np.bool_):
        folders = [os.path.dirname(os.path.abspath(file)) for file in files]
        return os.path.commonpath(folders) if cache else None
    folder = os.fspath(cache)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"Expected cache to be a folder. Received {folder!r}, which is none. Create it first, "
            "or pass cache=True for a file beside the data."
        )
    return folder
