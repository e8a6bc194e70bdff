"""What the parameters of the classifiers may be."""

from collections.abc import Sequence
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np

from skmlclf._compat import HasMethods, Interval, StrOptions, learning_rate_variable
from skmlclf.networks import ACTIVATIONS
from skmlclf.training import OPTIMIZERS, SCHEDULES, check_optimizer

# What single precision can hold.
_SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST = float(np.finfo(np.float32).max)

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_units": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "residual": ["boolean"],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "label_units": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "feature_groups": [None, StrOptions({"auto"}), "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
    "warmup_epochs": [Interval(Real, 0, None, closed="left")],
    "epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "optimizer": [StrOptions(set(OPTIMIZERS)), HasMethods(["get_config", "stateless_apply"])],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "ema_momentum": [Interval(Real, 0, 1, closed="left")],
    "label_names": [None, "array-like"],
    "class_weight": [None, StrOptions({"balanced"}), dict, "array-like"],
    "early_stopping": ["boolean"],
    "scoring": [str, callable],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "stratify": ["boolean"],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "precision": [StrOptions({"float32", "bfloat16", "auto"})],
    "distribute": [None, StrOptions({"mirrored", "multi_worker"})],
    "init_output_bias": ["boolean"],
    "warm_start": ["boolean"],
    "callbacks": [None, list, tuple],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def as_widths(units: int | Sequence[int], name: str = "hidden_units") -> tuple[int, ...]:
    """Return the widths of layers as a tuple.

    Parameters
    ----------
    units : int or sequence of int
        One width or several.
    name : str, default="hidden_units"
        What errors call them.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If a width is not a positive int.
    """
    if isinstance(units, Integral):
        return (int(units),)
    widths: tuple[Any, ...] = tuple(units)  # type: ignore[arg-type]  # no int
    if not all(isinstance(width, Integral) and int(width) > 0 for width in widths):
        raise ValueError(f"{name} must be positive ints, got {units!r}.")
    return tuple(int(width) for width in widths)


def is_default(estimator: Any, name: str) -> bool:
    """Say whether a parameter has the default value of its class."""
    return bool(getattr(estimator, name) == signature(type(estimator)).parameters[name].default)


def check_optimization(estimator: Any) -> None:
    """Refuse an optimizer that cannot be used, or that the other parameters contradict.

    Parameters
    ----------
    estimator : classifier
        Its parameters are looked at.

    Raises
    ------
    ValueError
        If the optimizer is unknown, the learning rate is nothing that float32 can hold, or the
        optimizer's learning rate is a schedule of its own beside another.
    """
    optimizer = estimator.optimizer
    check_optimizer(optimizer)
    if not _SMALLEST <= estimator.learning_rate <= _LARGEST:
        raise ValueError(
            f"learning_rate must be from {_SMALLEST:.3g} to {_LARGEST:.3g}, as float32 can"
            f" hold it, got {estimator.learning_rate!r:.40}."
        )
    if isinstance(optimizer, str) or learning_rate_variable(optimizer) is not None:
        return
    asked = {
        "learning_rate": estimator._learning_rate() is not None,
        "learning_rate_schedule": estimator.learning_rate_schedule != "constant"
        and not is_default(estimator, "learning_rate_schedule"),
        "warmup_epochs": estimator.warmup_epochs > 0,
        "weight_decay": estimator.weight_decay > 0,
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise ValueError(
                f"The optimizer {type(optimizer).__name__} has a learning-rate schedule of its own,"
                f" which {name}={getattr(estimator, name)!r} contradicts: give it a number, or"
                f" leave {name} out."
            )
