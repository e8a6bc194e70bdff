"""What the displays have in common: axes, colours, texts.

Text and frames take their colours from matplotlib's settings, so that a dark style stays readable.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

# Okabe and Ito's colours, which colour-blind readers can tell apart. Their order alternates between
# darker and lighter; markers tell them apart where there is no colour. The darkest is too dim for a
# black background and the yellow too pale for a white one.
_ON_LIGHT = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF")
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "*")
MARKER_SIZE = 6.5
MUTED = "0.6"

# A longer name would leave no room for the plot.
MAX_NAME_LENGTH = 32


def colors(ax: Any) -> tuple[str, ...]:
    """Return the colours that stand out from the background of the axes."""
    from matplotlib.colors import to_rgb

    return _ON_LIGHT if np.mean(to_rgb(ax.get_facecolor())) > 0.5 else _ON_DARK


def look(ax: Any, index: int) -> dict[str, Any]:
    """Return colour and marker of the curve with this index."""
    chosen = colors(ax)
    return {
        "color": chosen[index % len(chosen)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": MARKER_SIZE,
    }


def pyplot(caller: str) -> Any:
    """Import ``matplotlib.pyplot``, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed. Install it with "
            "`pip install matplotlib`."
        ) from error
    return plt


def one_axes(ax: Any, caller: str, size: tuple[float, float]) -> Any:
    """Return the given axes, or those of a new figure."""
    plt = pyplot(caller)
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def several_axes(
    ax: Any, n_axes: int, caller: str, *, panel: tuple[float, float], n_columns: int, **kwargs: Any
) -> np.ndarray:
    """Return as many axes as asked for, in one row of an array: the given ones, or new ones."""
    plt = pyplot(caller)
    if ax is not None:
        axes: np.ndarray = np.array(ax, dtype=object).ravel()
        if len(axes) != n_axes:
            raise ValueError(
                f"{caller} draws {n_axes} panels here and needs an axes for each, but ax holds "
                f"{len(axes)}. Give {n_axes} axes, or choose what is drawn with metrics."
            )
        return axes
    # As few rows as it takes, filled evenly.
    n_rows = -(-n_axes // n_columns)
    n_columns = -(-n_axes // n_rows)
    _, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(panel[0] * n_columns + 1.8, panel[1] * n_rows),
        layout="constrained",
        squeeze=False,
        **kwargs,
    )
    for left_over in grid.ravel()[n_axes:]:
        left_over.remove()
    axes = grid.ravel()[:n_axes]
    return axes


def legend(ax: Any, *args: Any) -> None:
    """Put a legend beside the axes where the figure makes room for it, else where it fits best.

    There it is small and lets what it covers show through.
    """
    if ax.figure.get_layout_engine() is None:
        ax.legend(*args, fontsize="small", framealpha=0.6)
    else:
        ax.legend(*args, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, frameon=False)


def clear_frame(ax: Any, *sides: str) -> None:
    ax.spines[[*sides]].set_visible(False)


def plain(name: Any) -> str:
    """Return a name shortened, and escaped so that it is not read as a formula."""
    text = str(name)
    if len(text) > MAX_NAME_LENGTH:
        text = text[: MAX_NAME_LENGTH - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def readable(metric: str) -> str:
    """Return the name of a metric as words."""
    return metric.replace("_", " ")


def format_alike(values: Sequence[float], *, digits: int) -> list[str]:
    """Write whole numbers in full, others with the decimals that give the largest its digits.

    Examples
    --------
    >>> from skmlclf.displays._style import format_alike
    >>> format_alike([1.5, 1.0], digits=3), format_alike([1500.0, 1.0], digits=3)
    (['1.50', '1.00'], ['1,500', '1'])
    """
    if all(float(value).is_integer() for value in values):
        return [f"{value:,.0f}" for value in values]
    largest = max(map(abs, values))
    decimals = max(0, digits - 1 - math.floor(math.log10(largest)))
    return [f"{value:,.{decimals}f}" for value in values]


def by_name(estimators: Any) -> dict[str, Any]:
    """Return a mapping of estimators as it is, one estimator under the name of its class."""
    if not isinstance(estimators, Mapping):
        return {type(last_step(estimators)).__name__: estimators}
    if not estimators:
        raise ValueError("Expected at least one estimator, got an empty mapping.")
    return {str(name): estimator for name, estimator in estimators.items()}


def last_step(estimator: Any) -> Any:
    """Return the classifier itself, out of a pipeline or a fitted search."""
    if isinstance(estimator, Pipeline):
        return last_step(estimator[-1])
    if hasattr(estimator, "best_estimator_"):
        return last_step(estimator.best_estimator_)
    return estimator
