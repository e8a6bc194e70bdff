"""Tables as text, and what their columns are called."""

import math
from collections.abc import Sequence

from skmlclf.callbacks import short_name

_NAMES = {"peak_bytes": "peak memory"}


def column_name(column: str) -> str:
    """Return what stands over a column of figures."""
    return _NAMES.get(column) or short_name(column)


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
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [header, ["-" * width for width in widths], *body]
    )
