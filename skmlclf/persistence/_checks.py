"""Comparing what a file says with what it should say."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def check_fields(values: Any, fields: Mapping[str, Any], where: str) -> None:
    """Check that a dictionary has exactly some keys, with values of some types.

    Parameters
    ----------
    values : object
        What was read.
    fields : mapping of str to type or tuple of types
        Types of each key's value; None among them stands for itself, and ``object`` for any type.
        A bool is no int here.
    where : str
        What errors call the dictionary.

    Raises
    ------
    ValueError
        If a key is missing or unknown, or a value has another type.

    Examples
    --------
    >>> from skmlclf.persistence import check_fields
    >>> check_fields({"n": True}, {"n": int}, "counts")
    Traceback (most recent call last):
    ...
    ValueError: counts.n must be int, got bool
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be a dictionary, got {type(values).__name__}")
    for name in fields:
        if name not in values:
            raise ValueError(f"{where} lacks {name!r}")
    for name, value in values.items():
        if name not in fields:
            raise ValueError(f"{where} has the unknown key {name!r:.60}")
        expected = fields[name] if isinstance(fields[name], tuple) else (fields[name],)
        known = [type(None) if each is None else each for each in expected]
        # An array may be a memory map of one.
        kind = np.ndarray if isinstance(value, np.ndarray) else type(value)
        if object not in known and kind not in known:
            names = " or ".join("None" if e is None else e.__name__ for e in expected)
            raise ValueError(f"{where}.{name} must be {names}, got {type(value).__name__}")


def check_array(array: Any, shape: tuple[int | None, ...], kinds: str, where: str) -> None:
    """Check the shape and the kind of an array.

    Parameters
    ----------
    array : object
        What was read.
    shape : tuple of int or None
        None stands for any length.
    kinds : str
        Letters of the NumPy kinds that its dtype may have.
    where : str
        What errors call it.

    Raises
    ------
    ValueError
        If it is no array, or one of another shape or kind.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{where} must be an array of kind {kinds}, got {got}")
    fits = len(shape) == array.ndim and all(
        wanted is None or wanted == n for wanted, n in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{where} must have the shape {shape}, got {array.shape}")
