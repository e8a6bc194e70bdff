"""The scripts of the gallery run, without a warning, and print something."""

import ast
import re
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("plot_*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_example_runs(path, capsys):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    runpy.run_path(str(path), run_name="__main__")
    drawn = pyplot.get_fignums()
    pyplot.close("all")
    assert drawn
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda p: p.name)
def test_the_gallery_has_a_title_for_an_example(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert re.match(r"(.+)\n(=+)\n\n", text), text
    title, line, *_ = text.splitlines()
    assert len(title) == len(line)
