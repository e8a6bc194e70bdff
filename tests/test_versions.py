import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import skmlclf

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_versions_are_shown_without_importing_anything(capsys):
    code = (
        "import sys, skmlclf; skmlclf.show_versions(); "
        "assert not {'tensorflow', 'keras', 'pandas', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert lines["skmlclf"].strip() == skmlclf.__version__
    assert lines["numpy"].strip() == np.__version__
    assert {"python", "platform", "scikit-learn", "keras", "tensorflow", "safetensors"} <= set(
        lines
    )


def test_what_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.setattr("skmlclf._versions._PACKAGES", ("numpy", "no-such-package"))
    skmlclf.show_versions()
    assert "no-such-package" not in capsys.readouterr().out


@pytest.mark.parametrize("extra", [None, *PYPROJECT["optional-dependencies"]])
def test_every_dependency_declares_the_oldest_version_it_works_with(extra):
    # The session "oldest" of noxfile.py installs these versions.
    extras = {None: PYPROJECT["dependencies"], **PYPROJECT["optional-dependencies"]}
    for requirement in extras[extra]:
        assert re.fullmatch(r"[\w-]+>=[\d.]+(,<\d[\d.]*)?", requirement)


def test_an_extra_asks_for_what_the_others_ask_for():
    bounds = {}
    for requirements in PYPROJECT["optional-dependencies"].values():
        for name, bound in (requirement.split(">=") for requirement in requirements):
            assert bounds.setdefault(name, bound) == bound, name
