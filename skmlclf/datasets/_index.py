"""Find out once what is where in record files, and keep that in a file until they change."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from skmlclf._atomic import replacing
from skmlclf.datasets._form import Form
from skmlclf.datasets._framing import Fault, is_packed
from skmlclf.datasets._reader import error_of, read_videos
from skmlclf.datasets._sharded import stamp

_VERSION = 1  # of the cache; another one is not read
_TASK_BYTES = 2**23  # of files that one process is given at a time


class FileIndex(NamedTuple):
    """What is known of one file: where its good records are, their labels and ids."""

    stamp: tuple[int, int]
    is_packed: bool
    numbers: np.ndarray  # of the records in the file, counted from 0
    positions: np.ndarray  # of the records' first bytes in the file, once unpacked
    sizes: np.ndarray  # of the records in bytes
    labels: np.ndarray  # of one record after the other
    counts: np.ndarray  # of the labels of each record
    ids: list[str]
    faults: list[Fault]


def index_files(
    files: Sequence[str],
    form: Form,
    *,
    raises: bool,
    cache: str | None,
    n_jobs: int | None,
    report: Callable[[int], None],
) -> list[FileIndex]:
    """Index files, in parallel, but those that an earlier call has cached and nobody has changed.

    `cache` is a folder, or None; `report` is called after each file, with the number of
    records so far.
    """
    path = None if cache is None else os.path.join(cache, _cache_name(files, form))
    known = {} if path is None else _load(path, files)
    missing = [file for file in files if file not in known]
    batches = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_index_batch)(batch, form, raises=raises) for batch in _batches(missing)
    )
    new = (index for batch in batches for index in batch)
    indices: list[FileIndex] = []
    n_records = 0
    for file in files:
        index = known[file] if file in known else next(new)
        if index.faults and raises:
            raise ValueError(error_of(file, index.faults[0], form))
        indices.append(index)
        n_records += len(index.ids)
        report(n_records)
    if path is not None and missing:
        try:
            _save(path, files, indices)
        except OSError as error:
            warnings.warn(
                f"The index of {len(files)} files could not be kept in {path!r}: {error}. They "
                "will be read again the next time. Pass another folder as cache.",
                UserWarning,
                stacklevel=5,
            )
    return indices


def _batches(files: Sequence[str]) -> Iterator[list[str]]:
    """Group files into batches that are worth a task of their own."""
    batch: list[str] = []
    n_bytes = 0
    for file in files:
        batch.append(file)
        n_bytes += os.path.getsize(file)
        if n_bytes >= _TASK_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _index_batch(files: Sequence[str], form: Form, *, raises: bool) -> list[FileIndex]:
    """Read files through; raise at the first fault, or note all of them."""
    stamps = [stamp(file) for file in files]
    found: dict[str, list[tuple[Any, ...]]] = {file: [] for file in files}
    for file, frames, videos, faults in read_videos(files, form, with_data=False, raises=raises):
        starts, stops = frames.starts[videos.rows], frames.stops[videos.rows]
        numbers, positions = frames.numbers[videos.rows], frames.position + starts
        found[file].append(
            (numbers, positions, stops - starts, videos.labels, videos.counts, videos.ids, faults)
        )
    indices = []
    for (file, parts), before in zip(found.items(), stamps, strict=True):
        if stamp(file) != before:
            raise ValueError(f"Expected {file!r} to stay as it is while it is read. Read it again.")
        with open(file, "rb", buffering=0) as stream:
            packed = is_packed(stream)
        numbers, positions, sizes, labels, counts = (
            np.concatenate([part[i] for part in parts]).astype(dtype)
            for i, dtype in enumerate([np.int32, np.int64, np.int32, np.int32, np.int32])
        )
        ids, faults = ([one for part in parts for one in part[i]] for i in (5, 6))
        indices.append(
            FileIndex(before, packed, numbers, positions, sizes, labels, counts, ids, faults)
        )
    return indices


def _cache_name(files: Sequence[str], form: Form) -> str:
    what = json.dumps([_VERSION, asdict(form), [os.path.realpath(file) for file in files]])
    return f"skmlclf-index-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npz"


def _save(path: str, files: Sequence[str], indices: Sequence[FileIndex]) -> None:
    """Write all indices to one file, at once or not at all."""
    texts = [[video_id.encode() for video_id in index.ids] for index in indices]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(index, name) for index in indices])
        for name in ("numbers", "positions", "sizes", "labels", "counts")
    }
    arrays |= {
        "stamps": np.array([index.stamp for index in indices], dtype=np.int64),
        "is_packed": np.array([index.is_packed for index in indices]),
        "n_records": np.array([len(index.ids) for index in indices]),
        "ids": np.frombuffer(b"".join(id_ for ids in texts for id_ in ids), dtype=np.uint8),
        "id_sizes": np.array([len(id_) for ids in texts for id_ in ids], dtype=np.int64),
        "faults": np.array(json.dumps([index.faults for index in indices])),
    }
    with replacing(path, overwrite=True) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, **arrays)


def _load(path: str, files: Sequence[str]) -> dict[str, FileIndex]:
    """Read the indices of those files that are as they were; none if the cache is of no use."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = dict(archive)
        bounds = np.concatenate([[0], np.cumsum(arrays["n_records"])])
        of_labels = np.concatenate([[0], np.cumsum(arrays["counts"])])[bounds]
        id_bounds = np.concatenate([[0], np.cumsum(arrays["id_sizes"])]).tolist()
        ids = arrays["ids"].tobytes()
        faults = json.loads(str(arrays["faults"]))
        known = {}
        for i, file in enumerate(files):
            if tuple(arrays["stamps"][i].tolist()) != stamp(file):
                continue
            rows = slice(bounds[i], bounds[i + 1])
            known[file] = FileIndex(
                stamp(file),
                bool(arrays["is_packed"][i]),
                arrays["numbers"][rows],
                arrays["positions"][rows],
                arrays["sizes"][rows],
                arrays["labels"][of_labels[i] : of_labels[i + 1]],
                arrays["counts"][rows],
                [
                    ids[id_bounds[row] : id_bounds[row + 1]].decode()
                    for row in range(rows.start, rows.stop)
                ],
                [Fault(*fault) for fault in faults[i]],
            )
    except Exception:  # missing, or damaged in whatever way: the files themselves are read
        return {}
    return known
