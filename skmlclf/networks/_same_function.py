"""Functions that do the same although they are different objects."""

import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any


def function_key(function: Callable[..., Any]) -> Any:
    """Return something hashable that is equal where functions do the same.

    A function that can be imported is known by itself. One of a script, a notebook or another
    function is sent to other processes as its code, and each task there gets an object of its own:
    such functions are equal if their code is, and the values that it refers to.

    Parameters
    ----------
    function : callable
        Hashable.

    Returns
    -------
    hashable
        Of two functions that differ, never equal; equal ones may be missed where they refer to
        values that are not hashable.

    Examples
    --------
    >>> from skmlclf.networks._same_function import function_key
    >>> def scaled(factor):
    ...     return lambda x: factor * x
    >>> function_key(scaled(2)) == function_key(scaled(2))
    True
    >>> function_key(scaled(2)) == function_key(scaled(3))
    False
    """
    return _key(function, ())


class _Itself:
    """Equal to itself only. It keeps the value, so that no other one can take its place."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __hash__(self) -> int:
        return id(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._value is other._value


def _key(value: Any, inside: tuple[Any, ...]) -> Any:
    if isinstance(value, FunctionType) and not _is_importable(value):
        # Of a function that refers to itself.
        return "recursion" if value in inside else _function_key(value, (*inside, value))
    if isinstance(value, tuple | list):
        return type(value), tuple(_key(each, inside) for each in value)
    if isinstance(value, dict):
        return dict, tuple((name, _key(each, inside)) for name, each in value.items())
    try:
        hash(value)
    except TypeError:
        return _Itself(value)
    # 1, 1.0 and True are equal, and do not do the same.
    return type(value), value


def _is_importable(function: FunctionType) -> bool:
    if function.__module__ == "__main__":
        return False
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _function_key(function: FunctionType, inside: tuple[Any, ...]) -> Any:
    cells = function.__closure__ or ()
    try:
        closure = [cell.cell_contents for cell in cells]
    except ValueError:  # a cell that is still empty
        return _Itself(function)
    names = [name for name in _names(function.__code__) if name in function.__globals__]
    referred = {name: function.__globals__[name] for name in names}
    values = (function.__defaults__, function.__kwdefaults__, closure, referred)
    return function.__code__, tuple(_key(value, inside) for value in values)


def _names(code: CodeType) -> list[str]:
    """Return the names that a function looks up, those of functions inside it included."""
    inner = [name for each in code.co_consts if isinstance(each, CodeType) for name in _names(each)]
    return sorted({*code.co_names, *inner})
