"""Keras' own optimizers as plain values, and back, without Keras' deserialisation."""

from typing import Any

import keras

from skmlclf._compat import learning_rate_variable

# Wrappers of other optimizers, and base classes.
_LEFT_OUT = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}


def optimizer_to_plain(optimizer: Any) -> Any:
    """Return the name and the settings of an optimizer of Keras'.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        A name stays a name.

    Returns
    -------
    str, dict, or the object itself
        The object where its class is not Keras' own, or its settings are no plain values.
    """
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    config = dict(optimizer.get_config())
    schedule = optimizer._learning_rate
    if learning_rate_variable(optimizer) is None:
        config["learning_rate"] = {
            "class_name": type(schedule).__name__,
            "config": schedule.get_config(),
        }
    plain = {"class_name": type(optimizer).__name__, "config": config}
    known = _known(keras.optimizers).get(type(optimizer).__name__) is type(optimizer)
    if learning_rate_variable(optimizer) is None:
        schedules = _known(keras.optimizers.schedules)
        known = known and schedules.get(type(schedule).__name__) is type(schedule)
    return plain if known and _is_plain(plain) else optimizer


def optimizer_from_plain(plain: Any) -> Any:
    """Return the optimizer of a description.

    Parameters
    ----------
    plain : str, dict or object
        As `optimizer_to_plain` returns it.

    Returns
    -------
    str or keras.optimizers.Optimizer
        What is no dictionary is returned as it is.

    Raises
    ------
    ValueError
        If it is no such description.
    """
    if not isinstance(plain, dict):
        return plain
    if not _is_plain(plain):
        raise ValueError("an optimizer's settings must be numbers, names and lists of them")
    config = _config(plain, "optimizer")
    if isinstance(config.get("learning_rate"), dict):
        rate = config["learning_rate"]
        schedule = _make(keras.optimizers.schedules, rate, _config(rate, "learning-rate schedule"))
        config = {**config, "learning_rate": schedule}
    return _make(keras.optimizers, plain, config)


def _config(plain: dict[str, Any], what: str) -> dict[str, Any]:
    config = plain.get("config")
    if set(plain) != {"class_name", "config"} or not isinstance(config, dict):
        raise ValueError(f"the {what} must have a class_name and a config, got {sorted(plain)}")
    return config


def _make(module: Any, plain: dict[str, Any], config: dict[str, Any]) -> Any:
    """Return an object of one of the classes of a module of Keras'."""
    classes = _known(module)
    name = plain["class_name"]
    if not isinstance(name, str) or name not in classes:
        raise ValueError(f"Keras has none of the name {name!r:.60}; it has {sorted(classes)}")
    try:
        made = classes[name](**config)
        made.get_config()
    except Exception as error:
        raise ValueError(f"{name} cannot be made of {config}: {error}") from error
    return made


def _known(module: Any) -> dict[str, type]:
    base = getattr(module, "Optimizer", None) or module.LearningRateSchedule
    found = {name: value for name, value in vars(module).items() if isinstance(value, type)}
    return {
        name: cls
        for name, cls in found.items()
        if issubclass(cls, base) and cls is not base and name not in _LEFT_OUT
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)
