"""How names and values of metrics are written in lines and tables of text."""

_COUNTS = ("tn", "fp", "fn", "tp")
_AT_K = {"precision": "P", "recall": "R", "ndcg": "nDCG", "gap": "GAP", "map": "MAP"}


def short_name(name: str) -> str:
    """Shorten a metric's name to what a column has room for.

    Only a loss is known of training rows too, so only a loss says which rows it is of.

    Examples
    --------
    >>> from skmlclf._format import short_name
    >>> [short_name(n) for n in ("val_precision_at_20", "val_f1_samples", "val_loss", "val_tp")]
    ['P@20', 'F1', 'val loss', 'tp']
    """
    if name == "val_loss":
        return "val loss"
    name = name.removeprefix("val_")
    family, at, k = name.partition("_at_")
    if at and k.isdecimal():
        return f"{_AT_K.get(family, family)}@{k}"
    return {"f1_samples": "F1"}.get(name, name.removesuffix("_samples"))


def format_value(name: str, value: float) -> str:
    """Format a value with the digits that its kind needs.

    Examples
    --------
    >>> from skmlclf._format import format_value
    >>> format_value("f1_samples", 0.25), format_value("loss", 0.012345), format_value("tp", 31.0)
    ('0.2500', '0.01235', '    31')
    """
    if name.removeprefix("val_") in _COUNTS:
        return f"{value:6.0f}"
    # A loss or a share of wrong labels lies near zero where labels are many.
    return f"{value:.5f}" if name.endswith(("loss", "hamming")) else f"{value:.4f}"
