"""``skmlclf evaluate``: measure a saved model on records."""

import argparse
import json
from pathlib import Path
from typing import Any

from skmlclf.cli._arguments import add_command
from skmlclf.cli._data import add_data_argument, add_form_arguments, open_videos
from skmlclf.cli._models import add_saved_model_argument, load_model
from skmlclf.cli._outputs import check_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Measure a model that `skmlclf train` has saved on TFRecord files of any size.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "evaluate",
        summary="measure a saved model on records",
        description=_DESCRIPTION,
    )
    add_saved_model_argument(parser)
    add_data_argument(parser)
    parser.add_argument(
        "--metrics", nargs="+", metavar="NAME", help="what to measure (default: as compare)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the values here")
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit status."""
    if args.json is not None:
        check_file("--json", args.json)
    with tensorflow_starts():
        from skmlclf.callbacks import DEFAULT_METRICS, format_value
        from skmlclf.cli._blocks import BlockResponses
        from skmlclf.metrics import evaluate_metrics, get_metric

    metrics = [get_metric(name) for name in args.metrics or DEFAULT_METRICS]
    model = load_model(args.model)
    videos = open_videos(args.data, args)
    depths = [metric.depth_for(videos.labels) for metric in metrics]
    depth = max((each for each in depths if each is not None), default=None)
    responses = BlockResponses(
        model,
        videos.features,
        depth=None if depth is None else min(depth, videos.labels.shape[1]),
        decides=any(metric.response == "decisions" for metric in metrics),
    )
    values = evaluate_metrics(metrics, videos.labels, responses)
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {format_value(name, value)}")
    if args.json is not None:
        args.json.write_text(json.dumps(values, indent=2) + "\n")
    written = "" if args.json is None else f", written to {args.json}"
    print(
        f"measured: {len(values)} values on {len(videos.features):,} samples{written}", flush=True
    )
    return 0
