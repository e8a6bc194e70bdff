"""The classifiers that the subcommands train and load."""

import argparse
import ast
from pathlib import Path
from typing import Any

MODELS = ("base", "pca", "blocks", "deep")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which classifier to train."""
    group = parser.add_argument_group("classifier")
    group.add_argument(
        "--model", choices=MODELS, default="base", help="which architecture (default: base)"
    )
    group.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="parameters of the classifier, such as dropout=0.3 epochs=10",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of the fit (default: 0)")


def make_model(args: argparse.Namespace, max_components: int) -> Any:
    """Make the classifier that the arguments ask for.

    Parameters
    ----------
    args : Namespace
        What `add_model_arguments` has added.
    max_components : int
        The most principal components that the data can have.

    Returns
    -------
    classifier or Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If a parameter is unknown.
    """
    from skmlclf.classifiers import (
        BaseMLPClassifier,
        BlockMLPClassifier,
        DeepMLPClassifier,
        make_feature_mlp,
    )

    settings = read_settings("--set", args.set)
    if args.model == "pca":
        n_components = min(256, max_components)
        model: Any = make_feature_mlp("all", n_components, out_of_core=True, random_state=args.seed)
    else:
        classes: dict[str, Any] = {
            "base": BaseMLPClassifier,
            "blocks": BlockMLPClassifier,
            "deep": DeepMLPClassifier,
        }
        model = classes[args.model](random_state=args.seed)
    return model.set_params(**parameters_of(model, "--set", settings))


def read_settings(option: str, texts: list[str]) -> dict[str, Any]:
    """Read `name=value` pairs; what is no Python value is a text.

    Examples
    --------
    >>> from skmlclf.cli._models import read_settings
    >>> read_settings("--set", ["dropout=0.3", "optimizer=adam", "hidden_units=(64, 32)"])
    {'dropout': 0.3, 'optimizer': 'adam', 'hidden_units': (64, 32)}
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"{option} {text}: expected name=value, such as dropout=0.3.")
        settings[name.strip()] = read_value(value.strip())
    return settings


def read_value(text: str) -> Any:
    """Read a Python value; what is none is a text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parameters_of(model: Any, option: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings under the names that `set_params` knows.

    In a pipeline, a name alone is one of the classifier.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    known = model.get_params()
    prefix = "mlp__" if "mlp" in known else ""
    found = {}
    for name, value in settings.items():
        full = name if name in known else f"{prefix}{name}"
        if full not in known:
            own = sorted(each.removeprefix(prefix) for each in known if each.startswith(prefix))
            raise ValueError(
                f"{option} {name}: there is no such parameter, expected one of {', '.join(own)}."
            )
        found[full] = value
    return found


def classifier_of(model: Any) -> Any:
    """Return the classifier itself, which may be the last step of a pipeline."""
    return model[-1] if hasattr(model, "steps") else model


def add_saved_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``, which `load_model` takes."""
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="the saved model")


def load_model(path: Path) -> Any:
    """Load a saved model, or say why not."""
    from skmlclf.persistence import load

    try:
        return load(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"--model {path}: {error}") from error
