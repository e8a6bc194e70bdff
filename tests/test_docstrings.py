"""Docstrings and signatures say the same, and shared parameters are described alike."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re

import pytest

import skmlclf
from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, NetworkClassifier

docscrape = pytest.importorskip("numpydoc.docscrape")

CLASSIFIERS = [BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, NetworkClassifier]
# What it is a width of depends on the network.
DIFFERENT = {"hidden_units", "feature_groups"}


# Packages that others of this project import, and users only to extend it.
INNER = ("cli", "classifiers", "networks", "persistence", "training")


def public_callables():
    """Return public functions and classes, and the public methods of the latter, by name."""
    packages = [m.name for m in pkgutil.iter_modules(skmlclf.__path__) if m.ispkg]
    names = {}
    for package in ["", *sorted(packages, key=lambda name: name in INNER)]:
        module = importlib.import_module(f"skmlclf.{package}".rstrip("."))
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                # Where it is first found is where users import it from.
                names.setdefault(value, f"{module.__name__}.{name}")
    callables = {where: value for value, where in names.items()}
    for where, value in list(callables.items()):
        owners = value.__mro__ if inspect.isclass(value) else ()
        for owner in (o for o in owners if o.__module__.startswith("skmlclf")):
            for name in vars(owner):
                method = getattr(value, name)
                if not name.startswith("_") and callable(method):
                    callables[f"{where}.{name}"] = method
    return callables


CALLABLES = public_callables()


def needs_parameters(where):
    """Say whether a docstring has to describe the parameters, instead of being one line."""
    parts = where.split(".")
    # Keras describes the hooks of callbacks.
    is_hook = parts[1] == "callbacks" and parts[-1].startswith(("on_", "set_model", "set_params"))
    return parts[1] not in INNER and not is_hook


def documented(value, *sections):
    """Return the entries of some sections of a docstring by name, as (type, description)."""
    doc = docscrape.NumpyDocString(inspect.getdoc(value) or "")
    return {
        name.strip().lstrip("*"): (entry.type, " ".join(entry.desc))
        for section in sections
        for entry in doc[section]
        for name in entry.name.split(",")
    }


def signature_of(value):
    """Return the parameters that a caller gives."""
    try:
        parameters = inspect.signature(value).parameters
    except ValueError:  # of a builtin base class
        return {}
    return {name: p for name, p in parameters.items() if name not in ("self", "cls")}


@pytest.mark.parametrize("where", [w for w, v in CALLABLES.items() if inspect.isclass(v)])
def test_public_classes_describe_their_parameters(where):
    value = CALLABLES[where]
    if getattr(value, "_is_protocol", False) or inspect.isabstract(value):
        return
    parameters = set(signature_of(value))
    # What a frozen dataclass or an exception is given, it has.
    records = dataclasses.is_dataclass(value) or issubclass(value, tuple | BaseException)
    sections = ("Parameters", "Attributes") if records else ("Parameters",)
    names = set(documented(value, *sections))
    assert names >= parameters
    assert set(documented(value, "Parameters")) <= parameters


@pytest.mark.parametrize("where", [w for w, v in CALLABLES.items() if not inspect.isclass(v)])
def test_public_functions_and_methods_describe_their_parameters(where):
    value = CALLABLES[where]
    names = set(documented(value, "Parameters"))
    if names or needs_parameters(where):
        assert names == set(signature_of(value))


@pytest.mark.parametrize("where", CALLABLES)
def test_documented_defaults_are_those_of_the_signature(where):
    parameters = signature_of(CALLABLES[where])
    for name, (kind, _) in documented(CALLABLES[where], "Parameters").items():
        written = re.search(r"default=(.*)", kind)
        if written is None:
            continue
        default = parameters[name].default
        try:
            expected = ast.literal_eval(written[1].replace("\\", "").strip())
        except (SyntaxError, ValueError):
            continue  # in words
        assert default == expected, name


def without_default(kind):
    return re.sub(r",? *default=.*", "", kind)


def without_min_epochs(cls, described):
    """Take out the numbers that "auto" of this class stands for, which have to be there."""
    if "epochs" not in described:
        return described
    least = cls._min_epochs
    numbers = f"{100 * least} steps, but at least {least} and"
    kind, text = described["epochs"]
    assert numbers in text
    return {**described, "epochs": (kind, text.replace(numbers, ""))}


@pytest.mark.parametrize("other", CLASSIFIERS[1:], ids=lambda c: c.__name__)
@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_shared_parameters_are_described_alike(other, section):
    first, second = (
        without_min_epochs(c, documented(c, section)) for c in (BaseMLPClassifier, other)
    )
    shared = (first.keys() & second.keys()) - DIFFERENT
    assert len(shared) >= 8
    for name in shared:
        assert without_default(first[name][0]) == without_default(second[name][0]), name
        assert first[name][1] == second[name][1], name


def test_the_public_names_are_found():
    assert len(CALLABLES) > 150
    assert any(where.endswith("BaseMLPClassifier.fit") for where in CALLABLES)
