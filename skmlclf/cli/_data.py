"""Records named on the command line, opened where they are."""

import argparse
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
        n_labels=args.labels or N_LABELS,
        labels_feature="labels" if with_labels else None,
        level=args.level,
        pooling=args.pooling,
        on_error="skip" if args.skip_bad_records else "raise",
        cache=args.cache or False,
        verbose=1,
    )
    return Videos(records.features, records.labels, records.ids)
