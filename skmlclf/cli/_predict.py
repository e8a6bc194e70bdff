"""``skmlclf predict``: write the best labels of records."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from skmlclf._atomic import replacing
from skmlclf.cli._arguments import add_command, whole_number
from skmlclf.cli._data import add_data_argument, add_form_arguments, open_videos
from skmlclf.cli._models import add_saved_model_argument, load_model
from skmlclf.cli._outputs import check_new_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Write the most probable labels of TFRecord files of any size, with a model that `skmlclf train` has
saved: as a .csv file in the form of the YouTube-8M challenges (VideoId,LabelConfidencePairs), or as
a .parquet file of one row for each video and label.
"""
Write = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "predict",
        summary="write the best labels of records",
        description=_DESCRIPTION,
    )
    add_saved_model_argument(parser)
    add_data_argument(parser)
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
    writers: dict[str, Any] = {".csv": csv_writer, ".parquet": parquet_writer}
    if args.out.suffix not in writers:
        raise ValueError(f"--out {args.out}: expected a name that ends in .csv or .parquet.")
    check_new_file("--out", args.out, overwrite=args.overwrite)
    with tensorflow_starts():
        from skmlclf.classifiers import predict_topk
        from skmlclf.cli._blocks import blocks_of

    model = load_model(args.model)
    videos = open_videos(args.data, args, with_labels=False)
    with (
        replacing(args.out, overwrite=args.overwrite) as path,
        writers[args.out.suffix](path) as write,
    ):
        for rows, block in blocks_of(videos.features, "Predicting"):
            labels, scores = predict_topk(model, block, args.top)
            write(videos.ids[rows], labels, scores)
    print(f"written: {args.out} ({len(videos.features):,} videos)", flush=True)
    return 0


@contextmanager
def csv_writer(path: Path) -> Iterator[Write]:
    """Write a line for each video: its id, then each label and its probability.

    Parameters
    ----------
    path : Path

    Yields
    ------
    callable
        ``write(ids, labels, scores)``.
    """
    with path.open("w", encoding="utf-8") as file:
        file.write("VideoId,LabelConfidencePairs\n")

        def write(ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
            for name, best, values in zip(ids, labels.tolist(), scores.tolist(), strict=True):
                pairs = " ".join(f"{k} {v:.6f}" for k, v in zip(best, values, strict=True))
                file.write(f"{name},{pairs}\n")

        yield write


@contextmanager
def parquet_writer(path: Path) -> Iterator[Write]:
    """Write a row for each video and label: the id, the rank from 1, the label, its probability.

    Parameters
    ----------
    path : Path

    Yields
    ------
    callable
        ``write(ids, labels, scores)``.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ValueError(
            "Expected pyarrow to be installed, which writes Parquet files. Install it with"
            " pip install pyarrow, or write a .csv file."
        ) from None
    types = {
        "id": pa.string(),
        "rank": pa.int32(),
        "label": pa.int32(),
        "probability": pa.float32(),
    }
    with parquet.ParquetWriter(path, pa.schema(types)) as writer:

        def write(ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
            n_rows, k = labels.shape
            ranks = np.tile(np.arange(1, k + 1), n_rows)
            values = [np.repeat(ids, k), ranks, labels.ravel(), scores.ravel()]
            columns = [pa.array(v, t) for v, t in zip(values, types.values(), strict=True)]
            writer.write_table(pa.table(columns, schema=writer.schema))

        yield write
