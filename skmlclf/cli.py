"""The command line: arguments in, printed tables out."""

import argparse
import contextlib
import gc
import importlib.util
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.random import RandomState


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments without the program's name; None stands for those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 where the input cannot be used.
    """
    parser = _parser()
    argv = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args(argv)
    args.argv = argv
    try:
        args.run(args)
    except (ValueError, OSError) as error:
        print(f"skmlclf {args.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skmlclf",
        description="Deep multi-label classification of video and audio embeddings.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_compare(commands)
    return parser


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="train the four architectures on the same data and print their figures",
        description=(
            "Train the four architectures on the same data, print their metrics on the held-out"
            " rows after each epoch, and a table of all at the end. Without --train the data are"
            " simulated and split 80/20."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    compare.add_argument("--train", nargs="+", metavar="GLOB", help="TFRecord files to train on")
    compare.add_argument("--validate", nargs="+", metavar="GLOB", help="TFRecord files held out")
    compare.add_argument("--epochs", type=_positive, default=5, help="epochs of each architecture")
    compare.add_argument("--samples", type=_positive, default=1000, help="simulated samples")
    compare.add_argument(
        "--labels", type=_positive, help="number of labels (default: 4800 simulated, 3862 read)"
    )
    compare.add_argument("--seed", type=int, default=0, help="seed of the data and the fits")
    compare.add_argument(
        "--only", nargs="+", metavar="NAME", help="which to train, by name (default: all)"
    )
    compare.add_argument(
        "--study",
        choices=("architectures", "features"),
        default="architectures",
        help="the four architectures, or the base on video, audio, both and principal components",
    )
    compare.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="what to measure after each epoch, such as gap_at_20 (default: those of EpochMetrics)",
    )
    compare.add_argument(
        "--sort-by", metavar="COLUMN", help="of the report's table (default: the first metric)"
    )
    compare.add_argument("--report", type=Path, metavar="DIR", help="also leave an HTML page here")
    compare.add_argument(
        "--label-names", type=Path, metavar="FILE", help="names for the page, a line a label"
    )
    compare.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    compare.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    if bool(args.train) != bool(args.validate):
        raise ValueError("--train and --validate go together: one of them is missing.")
    if args.json is not None and args.json.is_dir():
        raise ValueError(f"--json {args.json}: expected a file, and this is a folder.")
    if args.json is not None and not args.json.parent.is_dir():
        raise ValueError(f"--json {args.json}: there is no folder {args.json.parent}.")
    if args.report is not None:
        _check_report(args.report)
    # TensorFlow tells of accelerators and instruction sets it looked for; a table is asked for.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _lasting_imports():
        from skmlclf.comparison import (
            DEFAULT_METRICS,
            Comparison,
            compare,
            default_architectures,
            feature_architectures,
        )

    make = default_architectures if args.study == "architectures" else feature_architectures
    known = make()
    unknown = set(args.only or ()) - set(known)
    if unknown:
        raise ValueError(
            f"--only {' '.join(sorted(unknown))}: expected some of {', '.join(known)}."
        )
    metrics = tuple(dict.fromkeys(args.metrics or DEFAULT_METRICS))
    columns = Comparison.columns_for(metrics)
    if args.sort_by not in (None, *columns):
        raise ValueError(f"--sort-by {args.sort_by}: expected one of {', '.join(columns)}.")
    X, y, X_val, y_val = _data(args)
    label_names = _label_names(args.label_names, y.shape[1])
    print(
        f"{X.shape[0]:,} training and {X_val.shape[0]:,} held-out samples,"
        f" {X.shape[1]:,} features, {y.shape[1]:,} labels, {y.nnz / y.shape[0]:.2f} a sample",
        flush=True,
    )
    estimators = make(epochs=args.epochs, random_state=args.seed, max_components=min(X.shape))
    chosen = {n: e for n, e in estimators.items() if args.only is None or n in args.only}
    if not chosen:
        raise ValueError(
            f"--only {' '.join(args.only)}: {X.shape[0]} training samples are too few for that many"
            " components."
        )
    comparison = compare(chosen, X, y, X_val, y_val, metrics=metrics)
    print(f"\n{comparison}", flush=True)
    base = "base" if "base" in chosen and len(chosen) > 1 else None
    if base is not None:
        print(f"\n{comparison.against(base)}", flush=True)
    if args.json is not None:
        args.json.write_text(json.dumps(comparison.to_dict(), indent=2, allow_nan=False) + "\n")
    if args.report is not None:
        command = f"skmlclf {shlex.join(args.argv)}"
        page = comparison.report(
            args.report,
            sort_by=args.sort_by,
            base=base,
            label_names=label_names,
            command=command,
        )
        print(f"\nreport: {page}", flush=True)


def _check_report(folder: Path) -> None:
    """Refuse, before anything is trained, what a report could not be written to or drawn with."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--report {folder}: expected a folder, and a file of that name is there.")
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError(
            f"--report {folder}: its pictures are drawn with matplotlib, which is not installed."
            " Install it with `pip install matplotlib`."
        )
    folder.mkdir(parents=True, exist_ok=True)


def _label_names(file: Path | None, n_labels: int) -> list[str] | None:
    if file is None:
        return None
    names = file.read_text("utf-8").splitlines()
    if len(names) != n_labels:
        raise ValueError(
            f"--label-names {file}: expected a line for each of the {n_labels} labels, got"
            f" {len(names)} lines."
        )
    return names


@contextlib.contextmanager
def _lasting_imports() -> Iterator[None]:
    """Keep Python's collector from what is imported inside and lives as long as the process.

    TensorFlow brings hundreds of thousands of objects. Visiting them while they are made, and again
    at the end of the process, takes a third of the time of importing them.
    """
    if "tensorflow" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _data(args: argparse.Namespace) -> tuple[Any, Any, Any, Any]:
    if args.train:
        from skmlclf.datasets import load_tfrecords

        labels = {} if args.labels is None else {"n_labels": args.labels}
        train = load_tfrecords(args.train, **labels)
        held_out = load_tfrecords(args.validate, **labels)
        return train.data, train.target, held_out.data, held_out.target
    from skmlclf.datasets import make_video_embeddings

    X, y = make_video_embeddings(args.samples, n_labels=args.labels or 4800, random_state=args.seed)
    order = RandomState(args.seed).permutation(args.samples)
    held_out, train = order[: args.samples // 5], order[args.samples // 5 :]
    return X[train], y[train], X[held_out], y[held_out]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value
