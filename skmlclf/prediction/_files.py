"""Predictions for many files, in this process or on a cluster."""

import os
import shutil
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from inspect import signature
from numbers import Integral
from pathlib import Path
from typing import Any

from skmlclf._atomic import leftovers
from skmlclf._compat import HasMethods, Interval, StrOptions, validate_params
from skmlclf._paths import Paths, expand_paths
from skmlclf._progress import progress
from skmlclf.classifiers import predict_topk
from skmlclf.datasets import VideoRecords
from skmlclf.prediction._cluster import run_on_cluster
from skmlclf.prediction._task import (
    NOTES,
    Model,
    Outcome,
    Task,
    describe_model,
    loaded,
    release,
    run_task,
)
from skmlclf.prediction._writers import WRITERS

_DEFAULT_K = signature(predict_topk).parameters["k"].default
_RECORDS = {
    name: signature(VideoRecords).parameters[name].default
    for name in ("features", "id_feature", "level", "pooling", "on_error", "cache")
}


@validate_params(
    {
        "model": [str, os.PathLike],
        "paths": [str, os.PathLike, Iterable],
        "folder": [str, os.PathLike],
        "k": [Interval(Integral, 1, None, closed="left")],
        "format": [StrOptions(set(WRITERS))],
        "records": [Mapping, None],
        "custom_objects": [Mapping, None],
        "scheduler": [str, HasMethods(["submit", "cancel"]), None],
        "overwrite": ["boolean"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def predict_files(
    model: str | os.PathLike[str],
    paths: Paths,
    folder: str | os.PathLike[str],
    *,
    k: int = _DEFAULT_K,
    format: str = "csv",
    records: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    scheduler: Any = None,
    overwrite: bool = False,
    verbose: int = 0,
) -> list[str]:
    """Predict the best labels of the rows of many files, and write one file for each of them.

    Files are predicted one after the other in this process, or spread over the workers of a Dask
    cluster. An interrupted call is resumed by repeating it: files of predictions that are complete
    are kept.

    .. versionadded:: 0.1

    Parameters
    ----------
    model : str or path-like
        A model that `skmlclf.save` has written.
    paths : str, path-like, or iterable of these
        Files of rows, as paths or as glob patterns: `.npy` files, `.parquet` files, and all others
        TFRecord files of videos.
    folder : str or path-like
        Folder to write to, created if it does not exist. The predictions for `videos.tfrecord` are
        written to `videos.tfrecord.csv`.
    k : int, default=20
        Number of labels per row. Where the model has fewer than 20, the default stands for all.
    format : {"csv", "parquet"}, default="csv"
        "csv" is the format of the YouTube-8M challenges: one line per row,
        ``VideoId,LabelConfidencePairs``. "parquet" has one row for each video and label, with the
        columns `id`, `rank` (from 1), `label` and `probability`. The ids of rows of `.npy` and
        `.parquet` files are their indices.
    records : mapping of str to object, default=None
        How TFRecord files are read: any of the arguments `features`, `id_feature`, `level`,
        `pooling`, `on_error` and `cache` of `skmlclf.datasets.VideoRecords`.
    custom_objects : mapping of str to callable, default=None
        Your own functions by name, as `skmlclf.load` takes them.
    scheduler : str or distributed.Client, default=None
        Address of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``, or a client of one. Files
        and folders must have the same paths on all workers. `None` predicts in this process.
    overwrite : bool, default=False
        Whether to replace predictions that were made by another model, with other arguments, or
        from another version of the input file. Predictions that are up to date are kept in any
        case.
    verbose : int, default=0
        1 shows the progress on standard error.

    Returns
    -------
    paths : list of str
        The files that were written by this call; files that were kept are not listed.

    Raises
    ------
    FileNotFoundError
        If the file of the model does not exist, or a path or a pattern matches no file.
    FileExistsError
        If there is a file of predictions from another input, by another model or with other
        arguments, and `overwrite` is false. Nothing is written then.
    ValueError
        If the model cannot be loaded or has fewer than `k` labels, or two files have the same name.
        Nothing is written then.
    ImportError
        If `scheduler` is given and Dask is not installed.
    ExceptionGroup
        If predictions for some files failed, with one error for each of them that names the file.
        All others have been written.

    Warns
    -----
    UserWarning
        If faulty records were left out, as ``records={"on_error": "skip"}`` asks for.

    See Also
    --------
    skmlclf.predict_topk : The best labels of rows as arrays.
    topk_writer : Write such files from arrays.

    Notes
    -----
    Each file is written under a temporary name, flushed to disk and renamed, so that it is always
    complete. The folder `.skmlclf` beside it records what it was computed from: the size and the
    modification time of the input, the hash of the model file, the arguments, and the hash of the
    predictions, by which a file that was truncated or edited since is detected and written again.
    The functions in `custom_objects` and the versions of libraries are not recorded. Hidden folders
    whose names end in `.tmp`, which a process that was killed may leave, are removed by the next
    call. Do not run two calls for one folder at the same time.

    A worker process loads the model once per call, and holds a few thousand rows of a file in
    memory. If a worker is lost, Dask gives its file to another one.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> import skmlclf
    >>> from skmlclf.datasets import make_video_embeddings
    >>> from skmlclf.prediction import predict_files
    >>> X, y = make_video_embeddings(60, n_labels=20, random_state=0)
    >>> folder = Path(mkdtemp())
    >>> clf = skmlclf.BaseMLPClassifier(8, epochs=1, random_state=0).fit(X, y)
    >>> clf.save(folder / "model.safetensors")
    >>> for i in range(2):
    ...     np.save(folder / f"{i}.npy", X[30 * i : 30 * (i + 1)])
    >>> model, out = folder / "model.safetensors", folder / "predictions"
    >>> [Path(path).name for path in predict_files(model, f"{folder}/*.npy", out, k=3)]
    ['0.npy.csv', '1.npy.csv']
    >>> predict_files(model, f"{folder}/*.npy", out, k=3)
    []
    """
    unknown = sorted(set(records or ()) - set(_RECORDS))
    if unknown:
        raise ValueError(
            f"Expected records to hold some of {', '.join(sorted(_RECORDS))}. Received"
            f" {', '.join(map(str, unknown))}."
        )
    records = {**_RECORDS, **(records or {})}
    if isinstance(records["cache"], str | os.PathLike):
        records["cache"] = os.path.abspath(records["cache"])
    target = Path(folder).absolute()
    tasks = [
        Task(
            os.path.abspath(path),
            str(target / f"{Path(path).name}.{format}"),
            int(k),
            format,
            records,
        )
        for path in expand_paths(paths)
    ]
    _check_names(tasks)
    described = describe_model(os.fspath(model), custom_objects)
    try:
        _check_k(int(k), len(loaded(described).classes_))
        if not overwrite:
            _check_targets(tasks, described)
        (target / NOTES).mkdir(parents=True, exist_ok=True)
        _remove_temporary(tasks, target)
        run = _run_here if scheduler is None else run_on_cluster
        outcomes = {}
        with progress(len(tasks), "Predicting", unit="files", verbose=int(verbose)) as bar:
            for task, outcome in run(tasks, described, scheduler):
                outcomes[task.source] = outcome
                bar.update(1)
    finally:
        release(described)
    _tell_of_skipped(outcomes)
    errors = [outcomes[task.source].error for task in tasks]
    failed = [RuntimeError(error) for error in errors if error is not None]
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(tasks)} files were not predicted", failed)
    return [task.target for task in tasks if not outcomes[task.source].kept]


def _run_here(tasks: list[Task], model: Model, _: None) -> Iterator[tuple[Task, Outcome]]:
    for task in tasks:
        yield task, run_task(task, model)


def _check_names(tasks: list[Task]) -> None:
    (name, n_files), *_ = Counter(task.target for task in tasks).most_common(1)
    if n_files > 1:
        same = [task.source for task in tasks if task.target == name]
        raise ValueError(
            f"Expected files of different names, since predictions are named after them. Received"
            f" {same[0]!r} and {same[1]!r}. Predict them into different folders."
        )


def _check_k(k: int, n_labels: int) -> None:
    if k > n_labels and k != _DEFAULT_K:
        raise ValueError(f"Expected k from 1 to the {n_labels} labels of the model. Received {k}.")


def _check_targets(tasks: list[Task], model: Model) -> None:
    for task in tasks:
        differs = task.stale(model)
        if differs:
            raise FileExistsError(
                f"{task.target!r} is there already, and was not made by the same call: it differs"
                f" in {', '.join(differs)}. Pass overwrite=True to replace it, or another folder."
            )


def _remove_temporary(tasks: list[Task], folder: Path) -> None:
    """Remove what a process that was killed has left of these files."""
    names = {Path(task.target).name for task in tasks}
    names |= {task.note.name for task in tasks}
    for name, path in [*leftovers(folder), *leftovers(folder / NOTES)]:
        if name in names:
            shutil.rmtree(path, ignore_errors=True)


def _tell_of_skipped(outcomes: dict[str, Outcome]) -> None:
    skipped = {source: each.n_skipped for source, each in outcomes.items() if each.n_skipped}
    if skipped:
        warnings.warn(
            f"{sum(skipped.values())} faulty records of {len(skipped)} files were left out, the"
            f" first of them {min(skipped)!r}. Open one as VideoRecords to see what is wrong.",
            UserWarning,
            stacklevel=4,
        )
