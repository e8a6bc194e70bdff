"""Records named on the command line, opened where they are."""

import argparse
from typing import Any, NamedTuple

import numpy as np

from skmlclf.cli._arguments import whole_number


class Videos(NamedTuple):
    """Rows on disk, with what is known of them in memory.

    Attributes
    ----------
    features : RowStore of shape (n_samples, n_features)
    labels : csr_matrix of shape (n_samples, n_labels), or None
    ids : ndarray of shape (n_samples,), or None
    """

    features: Any
    labels: Any
    ids: np.ndarray | None


def add_form_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says how the records are to be read."""
    group = parser.add_argument_group("records")
    group.add_argument(
        "--labels",
        type=whole_number(1),
        default=3862,
        metavar="N",
        help="number of labels of the data set (default: 3862)",
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
        "--skip-bad-records",
        action="store_true",
        help="leave out records that cannot be read, and say how many, instead of stopping",
    )
    group.add_argument(
        "--cache", metavar="DIR", help="keep here what was found in the files, for the next time"
    )


def open_videos(
    patterns: list[str], args: argparse.Namespace, *, with_labels: bool = True
) -> Videos:
    """Open TFRecord files.

    Parameters
    ----------
    patterns : list of str
        Paths and glob patterns.
    args : Namespace
        What `add_form_arguments` has added.
    with_labels : bool, default=True
        Whether the records must have labels.

    Returns
    -------
    Videos
    """
    from skmlclf.datasets import VideoRecords

    records = VideoRecords(
        patterns,
        n_labels=args.labels,
        labels_feature="labels" if with_labels else None,
        level=args.level,
        pooling=args.pooling,
        on_error="skip" if args.skip_bad_records else "raise",
        cache=args.cache or False,
        verbose=1,
    )
    return Videos(records.features, records.labels, records.ids)
