"""Predictions for one file: what a worker does, and how it knows what is done already."""

import hashlib
import json
import os
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from skmlclf._atomic import replacing
from skmlclf.classifiers import predict_topk
from skmlclf.datasets import NpyRowStore, ParquetRowStore, RowStore, VideoRecords
from skmlclf.persistence import load
from skmlclf.prediction._writers import topk_writer

_BLOCK_ROWS = 4096
NOTES = ".skmlclf"
"""Folder beside the targets, of what each was made of."""

_loading = threading.Lock()
_models: dict[str, Any] = {}


class Model(NamedTuple):
    """A saved model as workers are told of it.

    Attributes
    ----------
    path : str
        Its file.
    sha256 : str
        Hash of the file.
    custom_objects : mapping of str to callable, or None
        As `skmlclf.load` takes them.
    call : str
        Names the call of `predict_files`, for which each process loads the model once.
    """

    path: str
    sha256: str
    custom_objects: Mapping[str, Any] | None
    call: str


class Outcome(NamedTuple):
    """Result of a task.

    Attributes
    ----------
    n_skipped : int, default=0
        Faulty records that were left out.
    kept : bool, default=False
        Whether the target was there.
    error : str or None, default=None
        Why there is no target.
    """

    n_skipped: int = 0
    kept: bool = False
    error: str | None = None


@dataclass(frozen=True)
class Task:
    """Predictions for one file.

    Attributes
    ----------
    source : str
        File of rows.
    target : str
        File of predictions.
    k : int
        Labels of a row.
    format : {"csv", "parquet"}
        Of the target.
    records : dict
        Arguments of `VideoRecords`.
    """

    source: str
    target: str
    k: int
    format: str
    records: dict[str, Any]

    @property
    def note(self) -> Path:
        """Return the file that says what the target was made of."""
        target = Path(self.target)
        return target.parent / NOTES / f"{target.name}.json"

    def origin(self, model: Model) -> dict[str, Any]:
        """Return what decides the content of the target, as JSON has it."""
        status = os.stat(self.source)
        return {
            "input": [self.source, status.st_size, status.st_mtime_ns],
            "model": model.sha256,
            "k": self.k,
            "format": self.format,
            # Where an index is kept changes nothing.
            "records": {name: v for name, v in self.records.items() if name != "cache"},
        }

    def stale(self, model: Model) -> list[str]:
        """Return in what a target that is there was made of something else; empty if it was not.

        One that something else than `run` has made differs in everything.
        """
        if not os.path.exists(self.target):
            return []
        known = self._known()
        return [name for name, value in self.origin(model).items() if known.get(name) != value]

    def run(self, model: Model) -> Outcome:
        """Write the target, unless it is there and as `run` has left it."""
        origin = self.origin(model)
        if self._known() == {**origin, "sha256": _sha256(self.target)}:
            return Outcome(kept=True)
        rows = _open(self.source, self.records)
        estimator = loaded(model)
        with replacing(self.target, overwrite=True) as path:
            with topk_writer(path, self.format) as write:
                for start in range(0, len(rows.ids), _BLOCK_ROWS):
                    here = slice(start, start + _BLOCK_ROWS)
                    block = np.asarray(rows.features[here])
                    write(rows.ids[here], *predict_topk(estimator, block, self.k))
            if self.origin(model) != origin:
                raise ValueError("Expected the file to stay as it is while it is read.")
            # Before the target takes its place: one without a note would be taken for another's.
            with replacing(self.note, overwrite=True) as note:
                note.write_text(json.dumps({**origin, "sha256": _sha256(path)}))
        return Outcome(rows.n_skipped)

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self.note.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


class _Rows(NamedTuple):
    features: RowStore
    ids: np.ndarray
    n_skipped: int


def run_task(task: Task, model: Model) -> Outcome:
    """Run a task; an error becomes text, since not every process could unpickle it."""
    try:
        return task.run(model)
    except Exception as error:
        return Outcome(error=f"{task.source}: {type(error).__name__}: {error}")


def loaded(model: Model) -> Any:
    """Return a model, which this process loads once for all tasks of a call.

    Raises
    ------
    ValueError
        If it cannot be loaded, or is not the model that the call was given.
    """
    # Tasks of several threads would each load it.
    with _loading:
        if model.call not in _models:
            # Only the last one is kept.
            _models.clear()
            if _sha256(model.path) != model.sha256:
                raise ValueError(
                    f"Expected {model.path!r} to be the same file on every machine, and to stay as"
                    " it is while it is used. Put the model where all workers read it."
                )
            _models[model.call] = load(model.path, custom_objects=model.custom_objects)
        return _models[model.call]


def release(model: Model) -> None:
    """Let the model of a call go."""
    with _loading:
        _models.pop(model.call, None)


def describe_model(path: str, custom_objects: Mapping[str, Any] | None) -> Model:
    """Return a saved model as workers are told of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    sha256 = _sha256(path)
    if sha256 is None:
        raise FileNotFoundError(f"There is no file {path!r}.")
    return Model(os.path.abspath(path), sha256, custom_objects, uuid4().hex)


def _open(source: str, records: dict[str, Any]) -> _Rows:
    stores = {".npy": NpyRowStore, ".parquet": ParquetRowStore}
    store = stores.get(Path(source).suffix)
    if store is not None:
        features = store(source)
        return _Rows(features, np.arange(len(features)).astype(str), 0)
    with warnings.catch_warnings():
        # Faulty records are counted and told of by the process that gathers the outcomes.
        warnings.filterwarnings("ignore", ".* faulty records", UserWarning)
        videos = VideoRecords(source, labels_feature=None, **records)
    return _Rows(videos.features, videos.ids, videos.n_skipped)


def _sha256(path: str | Path) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
