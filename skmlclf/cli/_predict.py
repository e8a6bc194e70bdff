"""``skmlclf predict``: write the best labels of records."""

import argparse
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skmlclf._atomic import replacing
from skmlclf.cli._arguments import EXIT_STATUS, whole_number
from skmlclf.cli._data import add_form_arguments, open_videos
from skmlclf.cli._models import load_model
from skmlclf.cli._outputs import check_new_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Write the most probable labels of TFRecord files of any size, with a model that `skmlclf train` has
saved: as a .csv file in the form of the YouTube-8M challenges (VideoId,LabelConfidencePairs), or as
a .parquet file of one row for each video and label.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = commands.add_parser(
        "predict",
        help="write the best labels of records",
        description=_DESCRIPTION,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", type=Path, required=True, metavar="FILE", help="the saved model"
    )
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="GLOB", help="TFRecord files; labels are unread"
    )
    parser.add_argument(
        "--top", type=whole_number(1), default=20, metavar="K", help="labels a video (default: 20)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a .csv or a .parquet file"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file of --out")
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit status."""
    writers = {".csv": CsvWriter, ".parquet": ParquetWriter}
    if args.out.suffix not in writers:
        raise ValueError(f"--out {args.out}: expected a name that ends in .csv or .parquet.")
    check_new_file("--out", args.out, overwrite=args.overwrite)
    with tensorflow_starts():
        from skmlclf import predict_topk
        from skmlclf.cli._blocks import blocks_of

    model = load_model(args.model)
    videos = open_videos(args.data, args, with_labels=False)
    with (
        replacing(args.out, overwrite=args.overwrite) as path,
        writers[args.out.suffix](path) as writer,
    ):
        for rows, block in blocks_of(videos.features, "Predicting"):
            labels, scores = predict_topk(model, block, args.top)
            writer.write(videos.ids[rows], labels, scores)
    print(f"written: {args.out} ({len(videos.features):,} videos)", flush=True)
    return 0


class Writer(Protocol):
    """What takes the predictions block by block."""

    def write(self, ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
        """Write the best labels of some videos."""


class CsvWriter:
    """A line a video: its id, then each label and its probability.

    Parameters
    ----------
    path : str or path
    """

    def __init__(self, path: Any) -> None:
        self._file = open(path, "w", encoding="utf-8")
        self._file.write("VideoId,LabelConfidencePairs\n")

    def __enter__(self) -> "CsvWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
        """Write the lines of some videos."""
        for name, best, values in zip(ids, labels.tolist(), scores.tolist(), strict=True):
            pairs = " ".join(f"{k} {v:.6f}" for k, v in zip(best, values, strict=True))
            self._file.write(f"{name},{pairs}\n")


class ParquetWriter:
    """A row for each video and label: its id, the rank from 1, the label and its probability.

    Parameters
    ----------
    path : str or path
    """

    def __init__(self, path: Any) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise ValueError(
                "Expected pyarrow to be installed, which writes Parquet files. Install it with"
                " pip install pyarrow, or write a .csv file."
            ) from None
        self._pa = pyarrow
        self._schema = pyarrow.schema(
            [
                ("id", pyarrow.string()),
                ("rank", pyarrow.int32()),
                ("label", pyarrow.int32()),
                ("probability", pyarrow.float32()),
            ]
        )
        self._writer = parquet.ParquetWriter(path, self._schema)

    def __enter__(self) -> "ParquetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def write(self, ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
        """Write the rows of some videos."""
        n_rows, k = labels.shape
        columns = [
            np.repeat(ids, k),
            np.tile(np.arange(1, k + 1, dtype=np.int32), n_rows),
            labels.ravel().astype(np.int32),
            scores.ravel().astype(np.float32),
        ]
        self._writer.write_table(self._pa.table(columns, schema=self._schema))
