"""Records named on the command line, opened where they are."""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skmlclf.cli._arguments import whole_number

N_LABELS = 3862
"""Labels of YouTube-8M."""


class Videos(NamedTuple):
    """Rows on disk, with what is known of them in memory.

    Attributes
    ----------
    features : RowStore of shape (n_samples, n_features)
    labels : csr_matrix of shape (n_samples, n_labels), or None
    ids : ndarray of shape (n_samples,)
    """

    features: Any
    labels: Any
    ids: np.ndarray


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, which `open_videos` takes."""
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="GLOB",
        help="TFRecord files, or one folder that `skmlclf convert` has written",
    )


def add_form_arguments(parser: argparse.ArgumentParser, *, n_labels: bool = True) -> None:
    """Add what says how the records are to be read.

    Parameters
    ----------
    parser : ArgumentParser
    n_labels : bool, default=True
        Whether to add ``--labels``; a parser with one of its own leaves it out.
    """
    group = parser.add_argument_group("records")
    if n_labels:
        group.add_argument(
            "--labels",
            type=whole_number(1),
            metavar="N",
            help=f"number of labels of the data set (default: {N_LABELS})",
        )
    group.add_argument(
        "--level",
        choices=("video", "frame"),
        default="video",
        help="what a record holds: a video's mean features, or all its frames (default: video)",
    )
    group.add_argument(
        "--pooling",
        choices=("mean", "mean_std"),
        default="mean",
        help="how frames are pooled (default: mean)",
    )
    group.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="what to do with damaged records: end, or leave them out (default: raise)",
    )
    group.add_argument(
        "--cache", metavar="DIR", help="folder to keep in what was found in the files"
    )


def open_records(
    patterns: list[str],
    args: argparse.Namespace,
    *,
    features: dict[str, int] | None = None,
    with_labels: bool = True,
    n_jobs: int | None = None,
    verbose: int = 1,
) -> Any:
    """Open TFRecord files as `VideoRecords`, as the arguments of a command say.

    Parameters
    ----------
    patterns : list of str
        Paths and glob patterns.
    args : Namespace
        What `add_form_arguments` has added.
    features : dict of str to int, default=None
        As `VideoRecords` takes them.
    with_labels : bool, default=True
        Whether the records must have labels.
    n_jobs : int, default=None
        Processes that read.
    verbose : int, default=1
        Whether to show how far the reading is.

    Returns
    -------
    VideoRecords
    """
    from skmlclf.datasets import VideoRecords

    arrays = [pattern for pattern in patterns if pattern.endswith((".npy", ".npz"))]
    if arrays:
        raise ValueError(
            f"{arrays[0]}: expected TFRecord files, or one folder in the place of all, and got a"
            " file of an array. skmlclf.datasets.write_npy(folder, X, y) writes such a folder"
            " from arrays."
        )
    return VideoRecords(
        patterns,
        n_labels=args.labels or N_LABELS,
        features=features,
        labels_feature="labels" if with_labels else None,
        level=args.level,
        pooling=args.pooling,
        on_error=args.on_error,
        cache=args.cache or False,
        n_jobs=n_jobs,
        verbose=verbose,
    )


def open_videos(
    patterns: list[str], args: argparse.Namespace, *, with_labels: bool = True
) -> Videos:
    """Open TFRecord files, or a folder that `skmlclf convert` has written.

    Parameters
    ----------
    patterns : list of str
        Paths and glob patterns, or one folder.
    args : Namespace
        What `add_form_arguments` has added.
    with_labels : bool, default=True
        Whether there must be labels.

    Returns
    -------
    Videos

    Raises
    ------
    ValueError
        If a folder has no labels where there must be some.
    """
    if len(patterns) == 1 and Path(patterns[0]).is_dir():
        from skmlclf.datasets import load_npy

        data = load_npy(patterns[0])
        if with_labels and data.target is None:
            raise ValueError(f"{patterns[0]}: expected labels, and it was written without them.")
        return Videos(data.data, data.target, data.ids)
    records = open_records(patterns, args, with_labels=with_labels)
    return Videos(records.features, records.labels, records.ids)
