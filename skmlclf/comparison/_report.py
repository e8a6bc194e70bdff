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

from skmlclf.comparison._decisions import DECISION_METRICS
from skmlclf.comparison._text import cell, column_name, data_name, format_difference
from skmlclf.thresholds import best_of_kept

_RELIABILITY_K = 20
_PACKAGES = ("skmlclf", "scikit-learn", "keras", "tensorflow", "numpy")


def write_report(
    comparison: Any,
    folder: Path,
    *,
    sort_by: str,
    base: str | None = None,
    label_names: Any = None,
    command: str | None = None,
) -> Path:
    """Write ``index.html``, ``results.json`` and ``predictions.npz``.

    Parameters
    ----------
    comparison : Comparison
        What to report.
    folder : Path
        Made if it is not there.
    sort_by : str
        Column that the table is sorted by at first.
    base : str or None
        Architecture that the others' differences are shown from.
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
        If there is no column or no architecture of that name.
    """
    table = comparison.values()
    columns = list(comparison.greater_is_better)
    if sort_by not in columns:
        raise ValueError(f"sort_by={sort_by!r} is no column; there are {', '.join(columns)}.")
    differences = "" if base is None else _against(comparison.against(base))
    pictures = "".join(_pictures(comparison, table, sort_by, label_names))
    versions = _versions()
    sizes = comparison.data
    values = {
        "title": "Comparison of architectures",
        "lead": f"{len(table)} architectures trained on the same {sizes['n_train_samples']:,}"
        f" samples and measured on {sizes['n_val_samples']:,} others.",
        "data": "".join(
            f"<div><dt>{html.escape(data_name(key))}</dt><dd>{_count(value)}</dd></div>"
            for key, value in sizes.items()
        ),
        "header": "".join(_headings(comparison.greater_is_better, sort_by)),
        "rows": "".join(_table_rows(table, comparison.greater_is_better, sort_by)),
        "errors": "".join(
            f"<p><b>{html.escape(name)}</b> failed: {html.escape(error)}</p>"
            for name, error in comparison.errors.items()
        ),
        "differences": differences,
        "decisions": _decisions(comparison),
        "pictures": pictures,
        "command": html.escape(command or "compare(estimators, X, y, X_val, y_val)"),
        "settings": "".join(_settings(comparison, versions)),
    }
    template = Template(files("skmlclf.comparison").joinpath("report.html").read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    results = {**comparison.to_dict(), "command": command, "versions": versions}
    (folder / "results.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n")
    arrays: dict[str, Any] = _predictions(comparison)
    np.savez_compressed(folder / "predictions.npz", **arrays)
    page = folder / "index.html"
    page.write_text(template.substitute(values), "utf-8")
    return page


def _headings(greater_is_better: Mapping[str, bool], sort_by: str) -> Iterator[str]:
    for column in ("architecture", *greater_is_better):
        first = "descending" if greater_is_better.get(column) else "ascending"
        sorted_now = f' aria-sort="{first}"' if column == sort_by else ""
        name = html.escape(column_name(column))
        yield f'<th scope="col" data-first="{first}"{sorted_now}><button>{name}</button></th>'


def _table_rows(
    table: Mapping[str, Mapping[str, float]], greater_is_better: Mapping[str, bool], sort_by: str
) -> Iterator[str]:
    best = {column: _best(column, table, greater) for column, greater in greater_is_better.items()}
    sign = -1 if greater_is_better[sort_by] else 1

    def place(item: tuple[str, Mapping[str, float]]) -> tuple[bool, float]:
        value = item[1][sort_by]
        return math.isnan(value), sign * value

    for name, row in sorted(table.items(), key=place):
        cells = [f'<td data-value="{html.escape(name)}">{html.escape(name)}</td>']
        for column, value in row.items():
            marked = ' class="best"' if len(table) > 1 and value == best[column] else ""
            exact = repr(float(value)) if math.isfinite(value) else ""
            cells.append(f'<td data-value="{exact}"{marked}>{cell(column, value)}</td>')
        yield f"<tr>{''.join(cells)}</tr>"


def _best(column: str, table: Mapping[str, Mapping[str, float]], greater: bool) -> float:
    """Return the best value of a column, NaN where none is known."""
    known = [row[column] for row in table.values() if not math.isnan(row[column])]
    return (max if greater else min)(known, default=math.nan)


def _against(differences: Any) -> str:
    """Return a table of the differences from one architecture, nothing where there is no other."""
    if not differences.values:
        return ""
    columns = next(iter(differences.values.values()))
    header = "".join(f'<th scope="col">{html.escape(column_name(c))}</th>' for c in columns)
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{format_difference(value)}</td>" for value in row.values())
        + "</tr>"
        for name, row in differences.values.items()
    )
    base = html.escape(differences.base)
    return (
        f'<h2>Against {base}</h2><div class="wide"><table id="differences">'
        f'<thead><tr><th scope="col">architecture</th>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _decisions(comparison: Any) -> str:
    """Return a table of decisions as they were predicted and tuned; nothing where none were."""
    measured = comparison.decisions()
    if not measured.values:
        return ""
    header = "".join(
        f'<th scope="col">{html.escape(column_name(c))}</th>' for c in DECISION_METRICS
    )
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{cell(metric, row[metric])}</td>" for metric in DECISION_METRICS)
        + "</tr>"
        for name, row in measured.rows()
    )
    return (
        '<h2>Decisions</h2><p class="lead">As each classifier predicts, and by one threshold per'
        " label. The thresholds of each half of the held-out samples were tuned on the other half."
        '</p><div class="wide"><table id="decisions">'
        f'<thead><tr><th scope="col">architecture</th>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _pictures(
    comparison: Any, table: Mapping[str, Mapping[str, float]], sort_by: str, label_names: Any
) -> Iterator[str]:
    # Drawing needs matplotlib, which a comparison without a report does not.
    from skmlclf.displays import (
        HistoryDisplay,
        LabelConfusionDisplay,
        PrecisionAtKDisplay,
        ReliabilityDisplay,
    )

    yield _picture("Side by side", comparison.plot())
    histories = {r.name: r.history for r in comparison.results if r.history}
    if histories:
        by_epoch = [
            m for m in comparison.metrics if any(f"val_{m}" in h for h in histories.values())
        ]
        yield _picture(
            "Learning curves",
            HistoryDisplay.from_history(histories, metrics=("loss", *by_epoch)),
        )
    fitted = [result for result in comparison.results if result.error is None]
    highest = _best(sort_by, table, comparison.greater_is_better[sort_by])
    best = next((r for r in fitted if table[r.name][sort_by] == highest), fitted[0])
    if best.topk is not None:
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
    if best.probabilities is not None:
        kept = best_of_kept(best.probabilities, min(_RELIABILITY_K, comparison.y_val.shape[1]))
        yield _picture(
            f"Probabilities and what is true of them: {best.name}",
            ReliabilityDisplay.from_predictions(
                comparison.y_val, kept, k=kept[0].shape[1], name=best.name
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
    # As text and not as shapes: it can be searched, read aloud, and shown in the reader's fonts.
    with plt.rc_context({"svg.fonttype": "none"}):
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
        if result.topk is not None:
            arrays[f"{result.name}/labels"], arrays[f"{result.name}/scores"] = result.topk
        if result.y_pred is not None:
            arrays |= _csr_arrays(f"{result.name}/y_pred", result.y_pred)
        if result.decisions is not None:
            arrays |= _csr_arrays(f"{result.name}/y_tuned", result.decisions.y_tuned)
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
