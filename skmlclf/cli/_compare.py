"""``skmlclf compare``: train several architectures and compare them."""

import argparse
import json
import shlex
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skmlclf.cli._arguments import add_command, whole_number
from skmlclf.cli._data import add_form_arguments, open_videos
from skmlclf.cli._outputs import check_file, check_report_folder
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Train the four architectures, and the last one again with neighbours, on the same data, print their
metrics on the held-out rows after each epoch, and a table of all at the end. Without --train the
data are simulated and split 80/20.
Ctrl-C prints and writes the architectures that are done.
"""
_LABELS_PER_SAMPLE = 3
_HELD_OUT = 0.2


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "compare",
        summary="train the four architectures on the same data and print their metrics",
        description=_DESCRIPTION,
    )
    parser.add_argument("--train", nargs="+", metavar="GLOB", help="TFRecord files to train on")
    parser.add_argument("--validate", nargs="+", metavar="GLOB", help="TFRecord files held out")
    parser.add_argument(
        "--epochs", type=whole_number(1), default=5, help="epochs of each architecture (default: 5)"
    )
    # A fifth of them is held out.
    parser.add_argument(
        "--samples",
        type=whole_number(5),
        default=1000,
        help="simulated samples, at least 5 (default: 1000)",
    )
    parser.add_argument(
        "--labels",
        type=whole_number(1),
        help="number of labels (default: 4800 simulated, 3862 read)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the data and the fits (default: 0)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "auto"),
        default="float32",
        help="of the matrix products: auto is bfloat16 where the machine has it (default: float32)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="which to train, by name (default: all)"
    )
    parser.add_argument(
        "--study",
        choices=("architectures", "features"),
        default="architectures",
        help="the four architectures and the deep one with neighbours, or the base on video, audio,"
        " both and principal components (default: architectures)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="what to measure, such as gap_at_20, names of scikit-learn's scorers included"
        " (default: those of EpochMetrics)",
    )
    parser.add_argument(
        "--sort-by", metavar="COLUMN", help="of the report's table (default: the first metric)"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="also leave an HTML page here")
    parser.add_argument(
        "--label-names", type=Path, metavar="FILE", help="names for the page, one line per label"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    add_form_arguments(parser, n_labels=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand.

    Parameters
    ----------
    args : Namespace
        The parsed arguments, and ``argv``: the arguments as they were given.

    Returns
    -------
    int
        Exit status.
    """
    _check(args)
    # The simulated job is over before its graphs would pay for being rewritten.
    with tensorflow_starts(rewrites_graphs=bool(args.train)):
        from sklearn.exceptions import FitFailedWarning

        from skmlclf.comparison import DEFAULT_METRICS, ComparisonInterrupted, compare

    metrics = tuple(dict.fromkeys(args.metrics or DEFAULT_METRICS))
    _check_names(args, metrics)
    precision = _precision(args.precision)
    X, y, X_val, y_val = _data(args)
    label_names = _label_names(args.label_names, y.shape[1])
    print(
        f"{X.shape[0]:,} training and {X_val.shape[0]:,} held-out samples,"
        f" {X.shape[1]:,} features, {y.shape[1]:,} labels,"
        f" {y.nnz / y.shape[0]:.2f} per sample",
        flush=True,
    )
    estimators = _estimators(args, precision, max_components=min(X.shape))
    interrupted = False
    try:
        with warnings.catch_warnings():
            # Failures are listed below the table.
            warnings.simplefilter("ignore", FitFailedWarning)
            comparison = compare(estimators, X, y, X_val, y_val, metrics=metrics)
    except ComparisonInterrupted as interrupt:
        comparison, interrupted = interrupt.comparison, True
        print(f"\n\nskmlclf compare: interrupted, {interrupt}", file=sys.stderr)
    complete = _print_and_write(comparison, args, label_names)
    return 130 if interrupted else int(bool(comparison.errors) or not complete)


def _print_and_write(comparison: Any, args: argparse.Namespace, label_names: Any) -> bool:
    """Print the tables and write the files; return whether every file was written."""
    print(f"\n{comparison}", flush=True)
    measured = ("loss", *comparison.metrics)
    lower = [name for name in measured if not comparison.greater_is_better[name]]
    print(f"\nbetter when lower: {', '.join(lower)}", flush=True)
    done = [result.name for result in comparison.results if result.error is None]
    base = "base" if "base" in done and len(done) > 1 else None
    if base is not None:
        print(f"\n{comparison.against(base)}", flush=True)
    decisions = comparison.decisions()
    if decisions.values:
        print(f"\n{decisions}", flush=True)
        y_val = comparison.y_val
        n_tuned, n_labels = y_val.shape[0] // 2, y_val.nnz / y_val.shape[0]
        print(
            "\ntuned: thresholds for micro and macro F1, one half of the held-out rows by the other"
            f" ({n_tuned:,} rows, {n_labels:.2f} true labels per sample)",
            flush=True,
        )

    def write_json() -> None:
        text = json.dumps(comparison.to_dict(), indent=2, allow_nan=False)
        args.json.write_text(text + "\n")

    def write_report() -> None:
        page = comparison.report(
            args.report,
            sort_by=args.sort_by,
            base=base,
            label_names=label_names,
            command=f"skmlclf {shlex.join(args.argv)}",
        )
        print(f"\nreport: {page}", flush=True)

    outputs = (("--json", args.json, write_json), ("--report", args.report, write_report))
    # One that fails does not keep the other from being written.
    written = [_written(f"{option} {to}", write) for option, to, write in outputs if to is not None]
    return all(written)


def _check(args: argparse.Namespace) -> None:
    """Refuse, before TensorFlow is loaded, what cannot be used."""
    if bool(args.train) != bool(args.validate):
        raise ValueError("--train and --validate go together: one of them is missing.")
    if not args.train and args.labels is not None and args.labels < _LABELS_PER_SAMPLE:
        raise ValueError(
            f"--labels {args.labels}: simulated samples have {_LABELS_PER_SAMPLE} labels on"
            f" average, expected at least {_LABELS_PER_SAMPLE}."
        )
    if args.json is not None:
        check_file("--json", args.json)
    if args.report is not None:
        check_report_folder("--report", args.report)


def _check_names(args: argparse.Namespace, metrics: tuple[str, ...]) -> None:
    """Refuse, before data are read, names that stand for nothing."""
    from skmlclf.comparison import table_columns

    known = _make(args)()
    unknown = set(args.only or ()) - set(known)
    if unknown:
        raise ValueError(
            f"--only {' '.join(sorted(unknown))}: expected some of {', '.join(known)}."
        )
    try:
        columns = table_columns(metrics)
    except ValueError as error:
        raise ValueError(f"--metrics: {error}") from error
    if args.sort_by not in (None, *columns):
        raise ValueError(f"--sort-by {args.sort_by}: expected one of {', '.join(columns)}.")


def _precision(precision: str) -> str:
    """Return what this machine computes in, so that the results tell it."""
    from skmlclf.training import resolve_precision

    try:
        return resolve_precision(precision)
    except ValueError as error:
        raise ValueError(f"--precision {precision}: {error}") from error


def _estimators(args: argparse.Namespace, precision: str, max_components: int) -> dict[str, Any]:
    made = _make(args)(
        epochs=args.epochs,
        random_state=args.seed,
        precision=precision,
        max_components=max_components,
        out_of_core=bool(args.train),
    )
    chosen = {name: e for name, e in made.items() if args.only is None or name in args.only}
    if not chosen:
        raise ValueError(
            f"--only {' '.join(args.only)}: there can be {max_components} components at most, as"
            " many as the training samples or the features."
        )
    return chosen


def _make(args: argparse.Namespace) -> Callable[..., dict[str, Any]]:
    from skmlclf.comparison import default_architectures, feature_architectures

    return default_architectures if args.study == "architectures" else feature_architectures


def _written(target: str, write: Callable[[], None]) -> bool:
    """Write a file, or report why it could not be written."""
    try:
        write()
    except BrokenPipeError:
        raise
    except Exception as error:
        print(f"skmlclf compare: {target}: not written: {error}", file=sys.stderr)
        return False
    return True


def _label_names(file: Path | None, n_labels: int) -> list[str] | None:
    if file is None:
        return None
    names = file.read_text("utf-8").splitlines()
    if len(names) != n_labels:
        raise ValueError(
            f"--label-names {file}: expected one line for each of the {n_labels} labels, got"
            f" {len(names)} lines."
        )
    return names


def _data(args: argparse.Namespace) -> tuple[Any, Any, Any, Any]:
    if args.train:
        train, held_out = (open_videos(each, args) for each in (args.train, args.validate))
        return train.features, train.labels, held_out.features, held_out.labels
    from sklearn.model_selection import train_test_split

    from skmlclf.datasets import make_video_embeddings

    X, y = make_video_embeddings(
        args.samples,
        n_labels=args.labels or 4800,
        labels_per_sample=float(_LABELS_PER_SAMPLE),
        random_state=args.seed,
    )
    X, X_val, y, y_val = train_test_split(X, y, test_size=_HELD_OUT, random_state=args.seed)
    return X, y, X_val, y_val
