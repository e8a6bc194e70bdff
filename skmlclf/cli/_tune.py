"""``skmlclf tune``: search the parameters of one architecture on records."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from skmlclf.cli._arguments import add_command, whole_number
from skmlclf.cli._data import add_data_argument, add_form_arguments, open_videos
from skmlclf.cli._models import add_model_arguments, make_model, parameters_of, read_value
from skmlclf.cli._outputs import check_file, check_new_file
from skmlclf.cli._startup import tensorflow_starts

_DESCRIPTION = """\
Search the parameters of a classifier on TFRecord files with scikit-learn's grid, random or halving
search, print a ranked table, and save the best one, fitted on all rows.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command."""
    parser = add_command(
        commands,
        "tune",
        summary="search the parameters of one architecture on records",
        description=_DESCRIPTION,
    )
    add_data_argument(parser)
    parser.add_argument(
        "--grid",
        nargs="+",
        required=True,
        metavar="NAME=V1,V2",
        help="values to try, such as dropout=0.2,0.5 learning_rate=1e-3,3e-3",
    )
    parser.add_argument(
        "--search",
        choices=("grid", "random", "halving"),
        default="grid",
        help="all combinations, some of them, or all of them for few epochs and the better ones"
        " for more (default: grid)",
    )
    parser.add_argument(
        "--candidates",
        type=whole_number(1),
        default=10,
        metavar="N",
        help="combinations of a random search (default: 10)",
    )
    parser.add_argument(
        "--cv", type=whole_number(2), default=3, help="folds of each candidate (default: 3)"
    )
    parser.add_argument(
        "--scoring",
        default="gap_at_20",
        metavar="NAME",
        help="what to rank by (default: gap_at_20)",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="processes that fit at once (default: 1)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to save the best model")
    parser.add_argument("--overwrite", action="store_true", help="replace the file of --out")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="write scikit-learn's cv_results_ here, as CSV"
    )
    add_model_arguments(parser)
    add_form_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand and return its exit status."""
    if args.out is not None:
        check_new_file("--out", args.out, overwrite=args.overwrite)
    if args.results is not None:
        check_file("--results", args.results)
    with tensorflow_starts():
        from skmlclf.metrics import get_scorer
        from skmlclf.persistence import save

    scorer = get_scorer(args.scoring)
    # What is misspelt is refused before anything is read.
    grid = _grid(args.grid)
    parameters_of(make_model(args, max_components=1), "--grid", grid)
    videos = open_videos(args.data, args)
    folds_rows = len(videos.features) * (args.cv - 1) // args.cv
    model = make_model(args, max_components=min(folds_rows, videos.features.shape[1]))
    search = _search(args, model, parameters_of(model, "--grid", grid), scorer)
    search.fit(videos.features, videos.labels)
    print(_table(search.cv_results_), flush=True)
    if args.results is not None:
        _write_results(search.cv_results_, args.results)
        print(f"written: {args.results}", flush=True)
    if args.out is not None:
        save(search.best_estimator_, args.out, overwrite=args.overwrite)
        print(f"saved: {args.out} ({_said(search.best_params_)})", flush=True)
    return 0


def _grid(texts: list[str]) -> dict[str, list[Any]]:
    """Read `name=v1,v2` pairs.

    Examples
    --------
    >>> from skmlclf.cli._tune import _grid
    >>> _grid(["dropout=0.2,0.5", "hidden_units=(64, 32),128"])
    {'dropout': [0.2, 0.5], 'hidden_units': [(64, 32), 128]}
    """
    grid = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name or not values:
            raise ValueError(f"--grid {text}: expected name=v1,v2, such as dropout=0.2,0.5.")
        value = read_value(f"[{values}]")
        grid[name.strip()] = (
            value if isinstance(value, list) else [read_value(v) for v in values.split(",")]
        )
    return grid


def _search(args: argparse.Namespace, model: Any, grid: dict[str, Any], scorer: Any) -> Any:
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    shared: dict[str, Any] = {
        "scoring": scorer,
        "cv": args.cv,
        "n_jobs": args.jobs,
        "refit": True,
        "error_score": "raise",
        "verbose": 2,
    }
    if args.search == "grid":
        return GridSearchCV(model, grid, **shared)
    if args.search == "random":
        n_combinations = int(np.prod([len(values) for values in grid.values()]))
        n_iter = min(args.candidates, n_combinations)
        return RandomizedSearchCV(model, grid, n_iter=n_iter, random_state=args.seed, **shared)
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    (resource,) = parameters_of(model, "--grid", {"epochs": None})
    if resource in grid:
        raise ValueError("--grid epochs: a halving search chooses the epochs; use --set epochs=N.")
    return HalvingGridSearchCV(
        model,
        grid,
        resource=resource,
        max_resources=model.get_params()[resource],
        min_resources="exhaust",  # so that the last candidates are fitted for all epochs
        random_state=args.seed,
        **shared,
    )


def _table(results: dict[str, Any]) -> str:
    """Return the candidates, best first, as lines of text."""
    order = np.argsort(results["rank_test_score"], kind="stable")
    lines = ["rank   score             seconds  parameters"]
    for i in order:
        mean, spread = results["mean_test_score"][i], results["std_test_score"][i]
        lines.append(
            f"{results['rank_test_score'][i]:>4}   {mean:.4f} +/- {spread:.4f}"
            f"  {results['mean_fit_time'][i]:>7.1f}  {_said(results['params'][i])}"
        )
    return "\n".join(lines)


def _said(params: dict[str, Any]) -> str:
    return ", ".join(f"{name.rpartition('__')[2]}={value}" for name, value in params.items())


def _write_results(results: dict[str, Any], file: Path) -> None:
    import csv

    columns = [name for name in results if name != "params"]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*(results[name] for name in columns), strict=True))
