"""Every public name is documented, with an example, and every documented name is there."""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import pytest

import skmlclf

validate = pytest.importorskip("numpydoc.validate").validate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
try:
    from api_groups import GROUPS, INNER
finally:
    sys.path.pop(0)

GROUPED = [f"skmlclf.{name}" for group in GROUPS for name in group.names]
PACKAGES = sorted(m.name for m in pkgutil.iter_modules(skmlclf.__path__) if m.ispkg)

# Checks of numpydoc that the docstrings need not pass.
LEFT_OUT = {
    "ES01": "a summary may say it all",
    "SA01": "not every name has relatives",
    "PR01": "tests/test_docstrings.py compares parameters, and knows those of records",
    "EX01": "methods are shown in the example of their class",
    "RT02": "results may have names, as parameters do",
    "RT03": "of some results the type says it all",
    "GL01": "of two styles numpydoc 1.8 knows one",
    "GL08": "inherited docstrings are those of the base class",
}


def find(where):
    module, _, name = where.rpartition(".")
    return getattr(importlib.import_module(module), name)


def is_constant(value):
    return not (inspect.isclass(value) or inspect.isfunction(value))


DOCUMENTED = [where for where in GROUPED if not is_constant(find(where))]


def public_methods(where):
    """Return the methods that a class of this package writes itself, by their full name."""
    value = find(where)
    if not inspect.isclass(value):
        return []
    return [
        f"{where}.{name}"
        for name, method in vars(value).items()
        if not name.startswith("_")
        and getattr(method, "__module__", "").startswith("skmlclf")
        # Keras describes the hooks of callbacks.
        and not name.startswith(("on_", "set_model", "set_params"))
    ]


def test_the_reference_names_what_is_public_and_nothing_else():
    public = {}
    for package in ["", *(name for name in PACKAGES if name not in INNER)]:
        module = importlib.import_module(f"skmlclf.{package}".rstrip("."))
        for name in module.__all__:
            public[f"{module.__name__}.{name}"] = getattr(module, name)
    del public["skmlclf.__version__"]
    assert len(GROUPED) == len(set(GROUPED))
    assert set(GROUPED) <= public.keys()
    # What has two addresses is documented at one of them.
    grouped = {id(public[where]) for where in GROUPED}
    assert [where for where, value in public.items() if id(value) not in grouped] == []
    assert set(INNER) <= set(PACKAGES)


@pytest.mark.parametrize("where", DOCUMENTED)
def test_each_public_name_has_an_example_and_a_version(where):
    doc = inspect.getdoc(find(where))
    assert ">>> " in doc
    assert ".. versionadded:: " in doc


@pytest.mark.parametrize("where", DOCUMENTED)
def test_docstrings_pass_the_checks_of_numpydoc(where):
    errors = []
    for name in [where, *public_methods(where)]:
        found = validate(name)
        # What returns an iterator describes what that yields.
        yields = {"RT01"} if "Yields" in found["docstring"] else set()
        errors += [
            f"{name}: {message}"
            for code, message in found["errors"]
            if code not in LEFT_OUT.keys() | yields
        ]
    assert errors == []


def test_the_citation_names_this_version():
    assert f"version: {skmlclf.__version__}\n" in (ROOT / "CITATION.cff").read_text()
