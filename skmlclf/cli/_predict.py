"""``skmlclf predict``: write the best labels of records."""

import argparse
import sys
from pathlib import Path
from typing import Any

from skmlclf._atomic import replacing
from skmlclf.cli._arguments import add_command, whole_number
from skmlclf.cli._data import add_data_argument, add_form_arguments, open_videos
from skmlclf.cli._models import add_saved_model_argument, load_model
from skmlclf.cli._outputs import check_new_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Write the most probable labels of TFRecord files of any size, with a model that `skmlclf train` has
saved: as a .csv file in the form of the YouTube-8M challenges (VideoId,LabelConfidencePairs), or as
a .parquet file of one row for each video and label. With --out-dir each file has one of its own;
such a run can be spread over a Dask cluster, and resumes where it was stopped.
"""


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
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", type=Path, metavar="FILE", help="a .csv or a .parquet file")
    out.add_argument(
        "--out-dir", type=Path, metavar="DIR", help="folder with one file for each file of --data"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the file of --out, or those of --out-dir that are not up to date",
    )
    group = parser.add_argument_group("many files, with --out-dir")
    group.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="of the files (default: csv)"
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers predict, such as tcp://10.0.0.1:8786",
    )
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit status."""
    if args.out_dir is not None:
        return _predict_each_file(args)
    if args.scheduler is not None:
        raise ValueError("--scheduler spreads files of --out-dir: give that instead of --out.")
    file_format = args.out.suffix.removeprefix(".")
    if file_format not in ("csv", "parquet"):
        raise ValueError(f"--out {args.out}: expected a name that ends in .csv or .parquet.")
    check_new_file("--out", args.out, overwrite=args.overwrite)
    with tensorflow_starts():
        from skmlclf.classifiers import predict_topk
        from skmlclf.cli._blocks import blocks_of
        from skmlclf.prediction import topk_writer

    model = load_model(args.model)
    videos = open_videos(args.data, args, with_labels=False)
    with (
        replacing(args.out, overwrite=args.overwrite) as path,
        topk_writer(path, file_format) as write,
    ):
        for rows, block in blocks_of(videos.features, "Predicting"):
            labels, scores = predict_topk(model, block, args.top)
            write(videos.ids[rows], labels, scores)
    print(f"written: {args.out} ({len(videos.features):,} videos)", flush=True)
    return 0


def _predict_each_file(args: argparse.Namespace) -> int:
    with tensorflow_starts():
        from skmlclf.prediction import predict_files

    try:
        written = predict_files(
            args.model,
            args.data,
            args.out_dir,
            k=args.top,
            format=args.format,
            records={
                "level": args.level,
                "pooling": args.pooling,
                "on_error": args.on_error,
                "cache": args.cache or False,
            },
            scheduler=args.scheduler,
            overwrite=args.overwrite,
            verbose=1,
        )
    except FileExistsError as error:
        raise ValueError(str(error).replace("Pass overwrite=True", "Add --overwrite")) from error
    except ImportError as error:
        raise ValueError(f"--scheduler {args.scheduler}: {error}") from error
    except ExceptionGroup as group:
        for each in group.exceptions:
            print(f"skmlclf predict: {each}", file=sys.stderr)
        print(f"{group.message}; all others are in {args.out_dir}", flush=True)
        return 1
    print(f"written: {args.out_dir} ({len(written):,} new files)", flush=True)
    return 0
