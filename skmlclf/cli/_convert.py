"""``skmlclf convert``: write the features of records to `.npy` files, which are read faster."""

import argparse
from pathlib import Path
from typing import Any

from skmlclf.cli._arguments import add_command, whole_number
from skmlclf.cli._data import add_form_arguments, open_records

_DESCRIPTION = """\
Write the features of TFRecord files to .npy files in a folder, with labels and ids beside them.
skmlclf.datasets.load_npy opens the folder. Run again after an interrupt, the command goes on where
it was.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "convert",
        summary="write TFRecord files as .npy files, which are read faster",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "--data", nargs="+", metavar="GLOB", required=True, help="TFRecord files, plain or gzip"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", required=True, help="folder to write to, made if need be"
    )
    parser.add_argument(
        "--dtype",
        choices=("float16", "float32"),
        default="float16",
        help="type of the features; float16 takes half the space (default: float16)",
    )
    parser.add_argument(
        "--features",
        nargs="+",
        type=_name_and_width,
        metavar="NAME=WIDTH",
        help="lists of floats or of frames that become columns (default: those of YouTube-8M)",
    )
    parser.add_argument(
        "--no-labels", action="store_true", help="the records have no labels, as in a test split"
    )
    parser.add_argument(
        "--rows-per-file",
        type=whole_number(1),
        default=100_000,
        metavar="N",
        help="rows of each file (default: 100000)",
    )
    parser.add_argument(
        "--jobs", type=whole_number(1), default=1, metavar="N", help="processes (default: 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand.

    Parameters
    ----------
    args : Namespace
        The parsed arguments.

    Returns
    -------
    int
        Exit status.
    """
    from skmlclf.datasets import load_npy, write_npy

    verbose = int(not args.quiet)
    records = open_records(
        args.data,
        args,
        features=None if args.features is None else dict(args.features),
        with_labels=not args.no_labels,
        n_jobs=args.jobs,
        verbose=verbose,
    )
    written = write_npy(
        args.out,
        records.features,
        records.labels,
        records.ids,
        feature_names=records.feature_names,
        dtype=args.dtype,
        rows_per_shard=args.rows_per_file,
        verbose=verbose,
    )
    data = load_npy(args.out)
    n_rows, n_columns = data.data.shape
    labels = "no labels" if data.target is None else f"{data.target.nnz:,} labels"
    n_bytes = sum(Path(path).stat().st_size for path in written)
    what = f"{len(written)} files, {n_bytes / 1e6:,.1f} MB" if written else "nothing, all was there"
    skipped = f", {records.n_skipped:,} records left out" if records.n_skipped else ""
    print(
        f"{args.out}: {n_rows:,} videos, {n_columns:,} features in {data.data.dtype}, {labels}"
        f"{skipped} (written: {what})"
    )
    return 0


def _name_and_width(text: str) -> tuple[str, int]:
    name, _, width = text.rpartition("=")
    if not name:
        raise argparse.ArgumentTypeError(f"must be NAME=WIDTH, got {text}")
    return name, whole_number(1)(width)
