"""From a comparison to files."""

import html
import io
import json
import math
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.callbacks._epoch_line import format_figure, short_name
from skmlclf.metrics._registry import resolve_metric

_PACKAGES = ("skmlclf", "scikit-learn", "keras", "tensorflow", "numpy")
_LEAST_IS_BEST = {"parameters", "seconds", "peak_bytes", "loss"}
_HEADINGS = {"peak_bytes": "peak memory"}


def write_report(
    comparison: Any,
    folder: Path,
    *,
    sort_by: str,
    label_names: Any = None,
    command: str | None = None,
) -> Path:
    """Write ``index.html``, ``results.json`` and ``predictions.npz``.

    Parameters
    ----------
    comparison : Comparison
        What to tell.
    folder : Path
        Made if it is not there.
    sort_by : str
        Column that the table is sorted by at first.
    label_names : sequence or mapping of label to str, or None
        Names for the most confused labels.
    command : str or None
        Command line that repeats the comparison.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        If there is no column of that name.
    """
    figures = comparison.figures()
    columns = list(next(iter(figures.values())))
    if sort_by not in columns:
        raise ValueError(f"sort_by={sort_by!r} is no column; there are {', '.join(columns)}.")
    pictures = "".join(_pictures(comparison, figures, sort_by, label_names))
    versions = _versions()
    sizes = comparison.data
    values = {
        "title": "Comparison of architectures",
        "lead": f"{len(figures)} architectures trained on the same {sizes['training samples']:,}"
        f" samples and measured on {sizes['held-out samples']:,} others.",
        "data": "".join(
            f"<div><dt>{html.escape(name)}</dt><dd>{_count(value)}</dd></div>"
            for name, value in sizes.items()
        ),
        "header": "".join(_heading(column, sort_by) for column in ["architecture", *columns]),
        "rows": "".join(_table_rows(figures, columns, sort_by)),
        "pictures": pictures,
        "command": html.escape(command or "compare(estimators, X, y, X_val, y_val)"),
        "settings": "".join(_settings(comparison, versions)),
    }
    template = Template(files("skmlclf._report").joinpath("page.html").read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    results = {**comparison.to_dict(), "command": command, "versions": versions}
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    arrays: dict[str, Any] = _predictions(comparison)
    np.savez_compressed(folder / "predictions.npz", **arrays)
    page = folder / "index.html"
    page.write_text(template.substitute(values), "utf-8")
    return page


def _heading(column: str, sort_by: str) -> str:
    first = "ascending" if column == "architecture" or _least_is_best(column) else "descending"
    sorted_now = f' aria-sort="{first}"' if column == sort_by else ""
    name = html.escape(_HEADINGS.get(column) or short_name(column))
    return f'<th scope="col" data-first="{first}"{sorted_now}><button>{name}</button></th>'


def _table_rows(
    figures: Mapping[str, Mapping[str, float]], columns: list[str], sort_by: str
) -> Iterator[str]:
    best = {
        column: (min if _least_is_best(column) else max)(row[column] for row in figures.values())
        for column in columns
    }
    sign = 1 if _least_is_best(sort_by) else -1
    for name, row in sorted(figures.items(), key=lambda item: sign * item[1][sort_by]):
        cells = [f'<td data-value="{html.escape(name)}">{html.escape(name)}</td>']
        for column in columns:
            value = row[column]
            marked = ' class="best"' if len(figures) > 1 and value == best[column] else ""
            exact = "" if math.isnan(value) else repr(float(value))
            cells.append(f'<td data-value="{exact}"{marked}>{_cell(column, value)}</td>')
        yield f"<tr>{''.join(cells)}</tr>"


def _cell(column: str, value: float) -> str:
    if math.isnan(value):
        return "unknown"
    if column == "parameters":
        return f"{value:,.0f}"
    if column == "seconds":
        return f"{value:.1f}"
    if column == "peak_bytes":
        return f"{value / 2**20:,.0f} MiB"
    return format_figure(column, value)


def _least_is_best(column: str) -> bool:
    return column in _LEAST_IS_BEST or not resolve_metric(column).greater_is_better


def _pictures(
    comparison: Any, figures: Mapping[str, Mapping[str, float]], sort_by: str, label_names: Any
) -> Iterator[str]:
    # Drawing needs matplotlib, which a comparison without a report does not.
    from skmlclf.displays import HistoryDisplay, LabelConfusionDisplay, PrecisionAtKDisplay

    histories = {result.name: result.history for result in comparison.results}
    yield _picture("Side by side", comparison.plot())
    yield _picture(
        "Learning curves",
        HistoryDisplay.from_history(histories, metrics=("loss", *comparison.metrics)),
    )
    pick = min if _least_is_best(sort_by) else max
    best = pick(comparison.results, key=lambda result: figures[result.name][sort_by])
    yield _picture(
        f"Precision and recall at k: {best.name}",
        PrecisionAtKDisplay.from_predictions(
            comparison.y_val,
            best.topk,
            k_max=best.topk[0].shape[1],
            y_train=comparison.y_train,
            name=best.name,
        ),
    )
    yield _picture(
        f"Labels most often taken for one another: {best.name}",
        LabelConfusionDisplay.from_predictions(
            comparison.y_val, best.y_pred, label_names=label_names
        ),
    )


def _picture(title: str, display: Any) -> str:
    import matplotlib.pyplot as plt

    svg = io.StringIO()
    display.figure_.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(display.figure_)
    text = svg.getvalue()
    drawing = text[text.index("<svg") :].replace(
        "<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1
    )
    return f"<h2>{html.escape(title)}</h2><figure>{drawing}</figure>"


def _settings(comparison: Any, versions: Mapping[str, str]) -> Iterator[str]:
    text = ", ".join(f"{name} {number}" for name, number in versions.items())
    yield f"<p class='lead'>{html.escape(text)}</p>"
    for result in comparison.results:
        params = "\n".join(f"{name} = {value!r}" for name, value in result.params.items())
        yield (
            f"<details><summary>{html.escape(result.name)}</summary>"
            f"<pre>{html.escape(params)}</pre></details>"
        )


def _predictions(comparison: Any) -> dict[str, np.ndarray]:
    arrays = _csr_arrays("y_val", sparse.csr_matrix(comparison.y_val))
    for result in comparison.results:
        arrays[f"{result.name}/labels"], arrays[f"{result.name}/scores"] = result.topk
        arrays |= _csr_arrays(f"{result.name}/y_pred", result.y_pred)
    return arrays


def _csr_arrays(name: str, matrix: sparse.csr_matrix) -> dict[str, np.ndarray]:
    return {
        f"{name}/indices": matrix.indices,
        f"{name}/indptr": matrix.indptr,
        f"{name}/shape": np.array(matrix.shape),
    }


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def _count(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
