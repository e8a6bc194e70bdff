"""Compiled functions of a network, shared by every estimator whose network is equal.

A program owns no weights: its functions take the variables they work on. A second fit of the same
structure therefore runs what the first one compiled, whatever its seed, rates and class weights,
and fits in several threads share one program safely.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import keras
import tensorflow as tf

from skmlclf.training._replicas import local_variable

Program = TypeVar("Program")

_MAX_PROGRAMS = 64
_programs: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.RLock()


def cached_program(key: Hashable, make: Callable[[], Program]) -> Program:
    """Return the program of a key, making it if it is not among the last ones used.

    Parameters
    ----------
    key : hashable
        All that decides what is compiled.
    make : callable
        Makes the program.

    Returns
    -------
    program
    """
    with _lock:
        if key not in _programs:
            _programs[key] = make()
            if len(_programs) > _MAX_PROGRAMS:
                _programs.popitem(last=False)
        _programs.move_to_end(key)
        program: Program = _programs[key]
        return program


def clear_programs() -> None:
    """Forget every compiled program."""
    with _lock:
        _programs.clear()


def compile_once(function: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
    """Trace a function for one signature, and return what runs that trace.

    Parameters
    ----------
    function : callable
        Of tensors and variables, in nested lists and tuples.
    *signature : nested structures of tf.TensorSpec, tf.Variable and None
        What it will be called with.

    Returns
    -------
    callable
        It keeps its meaning where the user runs functions eagerly, for debugging.
    """
    compiled = tf.function(function, autograph=False)
    concrete: Callable[..., Any] = compiled.get_concrete_function(*signature)
    return concrete


def variables_of(
    model: keras.Model,
) -> tuple[list[tf.Variable], list[tf.Variable], list[tf.Variable]]:
    """Return the TensorFlow variables that the compiled functions take.

    Parameters
    ----------
    model : keras.Model
        Compiled or not.

    Returns
    -------
    trainable, non_trainable, state : lists of tf.Variable
        Weights, statistics and seeds, and the optimizer's state.
    """
    state = model.optimizer.variables if model.compiled else []
    return (
        _values(model.trainable_variables),
        _values(model.non_trainable_variables),
        _values(state),
    )


def _values(variables: Sequence[Any]) -> list[tf.Variable]:
    return [local_variable(variable.value) for variable in variables]
