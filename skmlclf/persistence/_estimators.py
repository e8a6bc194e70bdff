"""Estimators as plain values, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from skmlclf.persistence._checks import check_array, check_fields
from skmlclf.persistence._random_state import random_state_from_plain, random_state_to_plain
from skmlclf.persistence._tables import (
    ESTIMATORS,
    FUNCTIONS,
    INDICES,
    TRANSFORMER,
    Attributes,
    Options,
    name_of,
    resolve,
)
from skmlclf.persistence._values import Decoder, Encoder

_ROOT = ("model",)
_SET_OUTPUT = ("default", "pandas", "polars")


def estimator_to_document(
    estimator: Any, *, with_optimizer: bool
) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the document of an estimator, and its tensors.

    Parameters
    ----------
    estimator : estimator
        Of a class of the table; pipelines hold others.
    with_optimizer : bool
        Whether the state of the optimizers is written.

    Returns
    -------
    document : JSON value
    tensors : dict of str to ndarray

    Raises
    ------
    ValueError
        If it is of another class, or something about it cannot be written.
    """

    def encode_object(value: Any) -> tuple[str, Any] | None:
        if isinstance(value, np.random.RandomState):
            return "$random_state", random_state_to_plain(value)
        name = name_of(value)
        if name is None:
            if hasattr(value, "get_params") and not isinstance(value, type):
                raise ValueError(_unknown_class(value))
            return None
        return "$estimator", _to_plain(value, name, with_optimizer)

    encoder = Encoder(encode_object, {resolve(name): name for name in FUNCTIONS})
    if name_of(estimator) is None:
        raise ValueError(_unknown_class(estimator))
    return encoder.encode(estimator, _ROOT), encoder.tensors


def estimator_from_document(
    document: Any, tensors: Mapping[str, np.ndarray], custom_objects: Mapping[str, Any]
) -> Any:
    """Return the estimator of a document.

    Parameters
    ----------
    document : JSON value
        As `estimator_to_document` returns it.
    tensors : mapping of str to ndarray
        Its tensors.
    custom_objects : mapping of str to callable
        The functions that it names.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        If the document is not as described.
    """

    def decode_object(tag: str, fields: Any) -> Any:
        if tag == "$random_state":
            return random_state_from_plain(fields)
        if tag == "$estimator":
            return _from_plain(fields)
        raise ValueError(f"its document has the unknown kind of value {tag!r:.60}")

    known = {**custom_objects, **{name: resolve(name) for name in FUNCTIONS}}
    decoder = Decoder(tensors, known, decode_object)
    estimator = decoder.decode(document, _ROOT)
    decoder.finish()
    if name_of(estimator) is None:
        raise ValueError("its document describes no estimator")
    return estimator


def _to_plain(estimator: Any, name: str, with_optimizer: bool) -> dict[str, Any]:
    spec = ESTIMATORS[name]
    if spec is None:
        params, fitted = estimator._to_state(with_optimizer=with_optimizer)
    else:
        params = estimator.get_params(deep=False)
        fitted = _attributes(estimator, spec)
    # A file that could not be loaded is not written.
    estimator._validate_params()
    config = getattr(estimator, "_sklearn_output_config", {})
    return {
        "class": name,
        "params": params,
        "fitted": fitted,
        "set_output": config.get("transform"),
    }


def _from_plain(fields: Any) -> Any:
    expected = {"class": str, "params": dict, "fitted": (dict, None), "set_output": (str, None)}
    check_fields(fields, expected, "an estimator")
    name, params, fitted = fields["class"], fields["params"], fields["fitted"]
    if name not in ESTIMATORS:
        raise ValueError(f"{name!r:.100} is none of the estimators that files can hold")
    cls, spec = resolve(name), ESTIMATORS[name]
    where = cls.__name__
    if spec is None:
        estimator = cls._from_state(params, fitted)
    else:
        estimator = _constructed(cls, params)
        if fitted is not None:
            _check_attributes(fitted, spec, where, params)
            vars(estimator).update(fitted)
    if fields["set_output"] is not None:
        if fields["set_output"] not in _SET_OUTPUT:
            raise ValueError(f"{where}.set_output is {fields['set_output']!r:.60}")
        estimator.set_output(transform=fields["set_output"])
    return estimator


def _constructed(cls: Any, params: dict[str, Any]) -> Any:
    """Return an estimator of parameters, if they are ones of its class."""
    if set(params) - set(cls._get_param_names()):
        raise ValueError(f"{cls.__name__} has no parameters {sorted(params)}")
    estimator = cls(**params)
    estimator._validate_params()
    if isinstance(estimator, Pipeline):
        estimator._validate_steps()
    return estimator


_COMMON = ("n_features_in_", "feature_names_in_")


def _attributes(estimator: Any, spec: Attributes) -> dict[str, Any] | None:
    """Return the attributes of the table that an estimator has; None where it is not fitted."""
    if isinstance(estimator, Pipeline):
        return None
    found = {
        name: getattr(estimator, name)
        for name in (*_COMMON, *spec.attributes)
        if name in vars(estimator)
    }
    return found or None


def _check_attributes(
    fitted: dict[str, Any], spec: Attributes, where: str, params: dict[str, Any]
) -> None:
    """Check that attributes are those of the table, and fit each other."""
    # IncrementalPCA, for one, gets its features counted where there are names alone.
    n_features = fitted.get("n_features_in_")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(f"{where}.n_features_in_ must be a positive int, got {n_features!r:.60}")
    for name in fitted:
        if name not in _COMMON and name not in spec.attributes:
            raise ValueError(f"{where} has the unknown attribute {name!r:.60}")
    for name in spec.attributes:
        if name not in fitted and name not in spec.optional:
            raise ValueError(f"{where} lacks the attribute {name!r}")
    if "feature_names_in_" in fitted:
        check_array(fitted["feature_names_in_"], (n_features,), "O", f"{where}.feature_names_in_")
    lengths = {"f": n_features}
    for name, options in spec.attributes.items():
        if options == TRANSFORMER:
            _check_transformer(fitted[name], params.get(TRANSFORMER), n_features, f"{where}.{name}")
        elif name in fitted:
            _check_attribute(fitted[name], options, lengths, f"{where}.{name}")


def _check_transformer(value: Any, unfitted: Any, n_features: int, where: str) -> None:
    """Check that a value is the transformer of a parameter, fitted on so many features."""
    if type(value) is not type(unfitted) or name_of(value) is None:
        raise ValueError(f"{where} is no {type(unfitted).__name__}: {value!r:.60}")
    # A pipeline has the features of its first step, if that has any.
    default = n_features if isinstance(value, Pipeline) else None
    if getattr(value, "n_features_in_", default) != n_features:
        raise ValueError(f"{where} must have been fitted on {n_features} features")


def _check_attribute(value: Any, options: Options, lengths: dict[str, int], where: str) -> None:
    several = options if isinstance(options, tuple) else (options,)
    if not any(_fits(value, option, lengths) for option in several):
        raise ValueError(f"{where} does not fit the other attributes: {value!r:.60}")


def _fits(value: Any, option: Any, lengths: dict[str, int]) -> bool:
    if option is None:
        return value is None
    if isinstance(option, type):
        kinds = {int: (int, np.integer), float: (float, np.floating)}[option]
        return isinstance(value, kinds) and not isinstance(value, bool)
    if not isinstance(value, np.ndarray):
        return False
    if option == INDICES:
        inside = value.ndim == 1 and value.dtype.kind == "i" and len(value) > 0
        return inside and 0 <= value.min() <= value.max() < lengths["f"]
    if len(option) != value.ndim or value.dtype.kind not in "biuf":
        return False
    pairs = zip(option, value.shape, strict=True)
    return all(lengths.setdefault(letter, n) == n for letter, n in pairs)


def _unknown_class(value: Any) -> str:
    advice = "pickle or skops can hold it"
    if hasattr(value, "best_estimator_"):
        advice = "save its best_estimator_"
    known = ", ".join(name.rpartition(".")[2] for name in ESTIMATORS)
    return (
        f"{type(value).__name__} is none of the estimators that a file can hold ({known}):"
        f" {advice}."
    )
