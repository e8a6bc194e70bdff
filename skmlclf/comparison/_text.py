"""Tables as text, and what their columns are called."""

import math
from collections.abc import Mapping, Sequence

from skmlclf.callbacks import format_value, short_name

_COLUMNS = {
    "n_parameters": "parameters",
    "peak_bytes": "peak memory",
    "labels_per_sample": "labels per sample",
}
_DATA = {
    "n_train_samples": "training samples",
    "n_val_samples": "held-out samples",
    "n_features": "features",
    "n_labels": "labels",
    "labels_per_train_sample": "labels per training sample",
}


def column_name(column: str) -> str:
    """Return the heading of a column."""
    return _COLUMNS.get(column) or short_name(column)


def data_name(key: str) -> str:
    """Return the words for one of the sizes of the data."""
    return _DATA[key]


def cell(column: str, value: float) -> str:
    """Write a value of the table.

    Examples
    --------
    >>> from skmlclf.comparison._text import cell
    >>> cell("n_parameters", 1231922), cell("f1_samples", 0.25), cell("loss", float("nan"))
    ('1,231,922', '0.2500', '-')
    """
    if math.isnan(value):
        return "-"
    if column == "n_parameters":
        return f"{value:,.0f}"
    if column == "seconds":
        return f"{value:.1f}"
    if column == "peak_bytes":
        return f"{value / 2**20:,.0f} MiB"
    return format_value(column, value)


def fit_line(seconds: float, values: Mapping[str, float]) -> str:
    """Lay out the metrics of a fit without epochs, as the line of an epoch is.

    Examples
    --------
    >>> from skmlclf.comparison._text import fit_line
    >>> fit_line(2.5, {"precision_at_20": 0.08, "tp": 31.0})
    'fitted       2.5 s   P@20 0.0800   tp     31'
    """
    shown = "".join(f"   {short_name(n)} {format_value(n, value)}" for n, value in values.items())
    return f"fitted    {seconds:6.1f} s{shown}"


def format_difference(value: float) -> str:
    """Write a relative difference in per cent.

    Examples
    --------
    >>> from skmlclf.comparison._text import format_difference
    >>> format_difference(-0.0523), format_difference(0.5), format_difference(float("nan"))
    ('-5.2%', '+50.0%', '-')
    """
    return "-" if math.isnan(value) else f"{value:+.1%}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under their header, the first column to the left and the others to the right.

    Parameters
    ----------
    rows : sequence of sequence of str
        The header first.

    Returns
    -------
    str

    Examples
    --------
    >>> from skmlclf.comparison._text import aligned
    >>> print(aligned([["name", "seconds"], ["base", "2.5"]]))
    name  seconds
    ----  -------
    base      2.5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *body = rows
    return "\n".join(
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [header, ["-" * width for width in widths], *body]
    )
