"""The pages, tables and pictures of the site that follow from the code and from other pages."""

import re
import sys
from pathlib import Path

from api_groups import GROUPS

DOCS = Path(__file__).parent
GENERATED = DOCS / "_generated"


def write_all() -> None:
    """Write them; files that are right already keep their time, so that Sphinx reads them once."""
    write(DOCS / "api" / "index.rst", api_reference())
    write(GENERATED / "running.md", running_pages())
    write(GENERATED / "conformance.md", conformance_table())
    draw_accuracy()


def write(path: Path, text: str) -> None:
    """Write a file if it would change."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def api_reference() -> str:
    """Return the page of all public names, in groups."""
    lines = [
        "=============",
        "API reference",
        "=============",
        "",
        "The public names, by what they are for. Each class and function has an example that the",
        "tests run.",
        "",
        ".. currentmodule:: skmlclf",
        "",
    ]
    for group in GROUPS:
        lines += [group.title, "-" * len(group.title), "", group.text, ""]
        lines += [".. autosummary::", "   :toctree: generated/", f"   :caption: {group.title}"]
        lines += ["   :nosignatures:", ""]
        lines += [f"   {name}" for name in group.names]
        lines += [""]
    return "\n".join(lines)


def running_pages() -> str:
    """Return the last table of contents of the guide, of the pages that are there."""
    pages = ("processes", "../distributed", "../cluster", "saving", "serving")
    there = [page for page in pages if (DOCS / "guide" / f"{page}.md").exists()]
    lines = [":caption: Running and keeping", ":maxdepth: 1", "", *there]
    return "\n".join(["```{toctree}", *lines, "```", ""])


def conformance_table() -> str:
    """Return the table of scikit-learn's checks, from the test that runs them."""
    sys.path.insert(0, str(DOCS.parent / "tests"))
    import test_estimator_checks as checks
    from sklearn.utils.estimator_checks import estimator_checks_generator

    lines = ["| estimator | checks | expected to fail |", "| --- | --- | --- |"]
    reasons = {}
    for estimator in checks.INSTANCES:
        name = type(estimator).__name__
        failures = checks.expected_failures(estimator)
        for check, reason in failures.items():
            reasons.setdefault(reason, []).append(check)
        n_checks = sum(1 for _ in estimator_checks_generator(estimator, legacy=True))
        lines.append(f"| `{name}` | {n_checks} | {len(failures)} |")
    lines += ["", "| check | reason |", "| --- | --- |"]
    for reason, names in reasons.items():
        lines += [f"| `{name}` | {reason} |" for name in dict.fromkeys(names)]
    return "\n".join(lines) + "\n"


def accuracy_rows() -> list[tuple[str, float]]:
    """Read the names and the GAP@20 of the first table of the page on accuracy."""
    rows = []
    for line in (DOCS / "accuracy.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"0\.\d+", cells[1] if len(cells) > 1 else ""):
            name = cells[0].replace("`", "")
            if name == "with neighbours":
                name = f"{rows[-1][0]}, with neighbours"
            rows.append((name, float(cells[1])))
        elif rows:
            return rows
    raise ValueError("accuracy.md has no table with GAP@20 in its second column")


def draw_accuracy() -> None:
    """Draw the picture of the first page, for light and dark backgrounds."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    rows = accuracy_rows()[::-1]
    for theme, ink, ours, other in (
        ("light", "#24292f", "#1f77b4", "#b4bac2"),
        ("dark", "#dde2e8", "#58a6d6", "#5d6773"),
    ):
        style = {
            "text.color": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "svg.fonttype": "none",
            "svg.hashsalt": "skmlclf",
        }
        with plt.rc_context(style):
            figure, axes = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
            for place, (name, value) in enumerate(rows):
                color = other if "Keras" in name else ours
                axes.plot(value, place, "o", color=color, markersize=9)
                axes.annotate(
                    f"{value:.3f}", (value, place), (9, 0), textcoords="offset points", va="center"
                )
            axes.set_yticks(range(len(rows)), [name for name, _ in rows])
            axes.margins(x=0.15)
            axes.grid(axis="x", color=other, alpha=0.4)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            figure.suptitle("GAP@20 on YouTube-8M, 3,862 labels", fontsize="medium")
            path = GENERATED / f"accuracy-{theme}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None})
            plt.close(figure)
