"""The Python blocks of the documents run, one after the other, on small data."""

import functools
import importlib.util
import re
from pathlib import Path

import pytest

from skmlclf import datasets

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md")
    if not path.relative_to(ROOT / "docs").parts[0].startswith("_")
)
DOCUMENTS = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", *PAGES]
# Libraries of extras: the blocks that name one run where it is installed.
OPTIONAL = ("onnx", "onnxruntime", "ai_edge_litert")
# tests/test_dask.py runs its blocks, on a cluster.
ON_A_CLUSTER = "docs/cluster.md"
# Written when the site is built.
GENERATED = ("api/index", "auto_examples/index", "_generated/")


def python_blocks(text):
    """Yield the line on which each block starts, and its code."""
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text[: block.start(1)].count("\n"), block.group(1)


def runs_here(code):
    """Say whether the libraries of extras that a block names are installed."""
    return all(
        importlib.util.find_spec(name) for name in OPTIONAL if re.search(rf"\b{name}\b", code)
    )


def needs_small_data(document):
    """Say whether a page calls `make_video_embeddings` without saying how much it wants."""
    return "make_video_embeddings(random_state" in (ROOT / document).read_text()


@pytest.fixture
def small_data(monkeypatch):
    """Let simulated data have 200 rows and 50 labels where a document does not say otherwise."""
    make = functools.partial(datasets.make_video_embeddings, 200, n_labels=50)
    monkeypatch.setattr(datasets, "make_video_embeddings", make)


# Scikit-learn 1.7 warns of few rows and many classes.
@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
@pytest.mark.parametrize(
    "document",
    [
        name
        for name in DOCUMENTS
        if "```python" in (ROOT / name).read_text() and name != ON_A_CLUSTER
    ],
)
def test_python_blocks_run(document, request, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    text = (ROOT / document).read_text()
    if needs_small_data(document):
        request.getfixturevalue("small_data")
    monkeypatch.chdir(tmp_path)
    blocks = list(python_blocks(text))
    assert text.count("```python") == len(blocks) > 0
    namespace = {"__name__": "document"}
    for line, code in blocks:
        if runs_here(code):
            # Tracebacks show the line of the document.
            exec(compile("\n" * line + code, ROOT / document, "exec"), namespace)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    path = ROOT / document
    for target, _, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#?)([^)]*)\)", path.read_text()):
        if target.startswith(GENERATED) or target.endswith(GENERATED):
            continue
        linked = path if not target else path.parent / target
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles]
            assert anchor in anchors
