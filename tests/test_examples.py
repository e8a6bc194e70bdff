"""The scripts of the gallery run, without a warning, and print something."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted(Path(__file__).parents[1].joinpath("examples").glob("plot_*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_example_runs(path, capsys):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    runpy.run_path(str(path), run_name="__main__")
    drawn = pyplot.get_fignums()
    pyplot.close("all")
    assert drawn
    assert capsys.readouterr().out.strip()
