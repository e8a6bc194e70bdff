"""``skmlclf train``: train one architecture on records and save it."""

import argparse
from pathlib import Path
from typing import Any

from skmlclf.cli._arguments import add_command
from skmlclf.cli._data import add_data_argument, add_form_arguments, open_videos
from skmlclf.cli._models import add_model_arguments, classifier_of, make_model
from skmlclf.cli._outputs import check_new_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Train a classifier on TFRecord files of any size, print its metrics on held-out rows after each
epoch, and save it in one file. With --checkpoint, a run that was stopped is resumed by the same
command.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "train",
        summary="train one architecture on records and save it",
        description=_DESCRIPTION,
    )
    add_data_argument(parser)
    parser.add_argument(
        "--validate",
        nargs="+",
        metavar="GLOB",
        help="the same, held out (default: a tenth of the training rows)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where to save the model"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file of --out")
    parser.add_argument(
        "--metrics", nargs="+", metavar="NAME", help="what to measure (default: as compare)"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="write the fit here after each epoch"
    )
    add_model_arguments(parser)
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit status."""
    check_new_file("--out", args.out, overwrite=args.overwrite)
    with tensorflow_starts():
        from skmlclf.callbacks import DEFAULT_METRICS, Checkpoint, EpochMetrics
        from skmlclf.persistence import save

    make_model(args, max_components=1)  # what is misspelt is refused before anything is read
    metrics = EpochMetrics(args.metrics or DEFAULT_METRICS)
    train = open_videos(args.data, args)
    held_out = None if args.validate is None else open_videos(args.validate, args)
    model = make_model(args, max_components=min(train.features.shape))
    callbacks = [metrics] if args.checkpoint is None else [metrics, Checkpoint(args.checkpoint)]
    classifier_of(model).set_params(callbacks=callbacks)
    print(
        f"{train.features.shape[0]:,} training samples, {train.features.shape[1]:,} features,"
        f" {train.labels.shape[1]:,} labels",
        flush=True,
    )
    fit(model, train, held_out)
    save(model, args.out, overwrite=args.overwrite)
    print(f"saved: {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)", flush=True)
    return 0


def fit(model: Any, train: Any, held_out: Any) -> None:
    """Fit a classifier, or a pipeline that transforms held-out rows as its own."""
    if held_out is None:
        model.fit(train.features, train.labels)
        return
    if not hasattr(model, "steps"):
        model.fit(train.features, train.labels, X_val=held_out.features, y_val=held_out.labels)
        return
    before, classifier = model[:-1], classifier_of(model)
    X = before.fit_transform(train.features, train.labels)
    classifier.fit(
        X, train.labels, X_val=before.transform(held_out.features), y_val=held_out.labels
    )
