"""A fitted classifier as plain values, and back.

This is the one description of what a fit leaves: pickles, skops and the files of
`skmlclf.persistence` all hold it. It consists of None, numbers, texts, arrays, lists and
dictionaries, apart from the function of a network of the user's own.
"""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import keras
import numpy as np

from skmlclf.classifiers._targets import targets_from_plain, targets_to_plain
from skmlclf.classifiers._weights import Counts
from skmlclf.networks import ACTIVATIONS, FunctionNetwork, MLPNetwork, Network
from skmlclf.persistence import (
    check_array,
    check_fields,
    random_state_from_plain,
    random_state_to_plain,
)
from skmlclf.training import check_optimizer, optimizer_from_plain, optimizer_to_plain

FITTED = (
    "classes_", "label_names_", "history_", "n_iter_", "best_epoch_", "n_features_in_",
    "feature_names_in_", "model_", "_targets_", "_network_", "_optimizer_", "_keeps_optimizer",
    "_generator", "_split_generator", "_counts",
)  # fmt: skip
"""What a fit sets on the estimator, all of it told by the state."""

# Of an MLPNetwork.
_WIDTHS = ("hidden_units", "feature_groups", "label_units")

_FIELDS = {
    "targets": dict,
    "n_features": int,
    "feature_names": (np.ndarray, None),
    "network": dict,
    "weights": dict,
    "optimizer": object,
    "keeps_optimizer": bool,
    "optimizer_state": (list, None),
    "history": dict,
    "n_iter": (int, None),
    "best_epoch": (int, None),
    "generator": dict,
    "split_generator": dict,
    "counts": dict,
}


def snapshot(estimator: Any, *, variables: bool = True) -> Callable[[], None]:
    """Return a function that restores what an estimator has learnt so far.

    Parameters
    ----------
    estimator : classifier
        Fitted or not.
    variables : bool, default=True
        Whether the network's variables are going to change, and those of the optimizer where it is
        kept from one call to the next. They are copied then.

    Returns
    -------
    callable
        Its parameters are left alone.
    """
    attributes = {name: vars(estimator)[name] for name in FITTED if name in vars(estimator)}
    changing = []
    if variables and "model_" in attributes:
        model = attributes["model_"]
        changing = model_variables(model)
        if attributes["_keeps_optimizer"]:
            changing += model.optimizer.variables
    values = [keras.ops.convert_to_numpy(variable) for variable in changing]
    generator = attributes.get("_generator")
    drawn = None if generator is None else generator.get_state()

    def restore() -> None:
        for name in FITTED:
            vars(estimator).pop(name, None)
        vars(estimator).update(attributes)
        for variable, value in zip(changing, values, strict=True):
            variable.assign(value)
        if generator is not None:
            generator.set_state(drawn)

    return restore


def fitted_state(estimator: Any, *, with_optimizer: bool) -> dict[str, Any] | None:
    """Return what an estimator has learnt.

    Parameters
    ----------
    estimator : classifier
        Fitted or not.
    with_optimizer : bool
        Whether the optimizer's state is part of it. Where the next call of `fit` or `partial_fit`
        makes that anew, it is not in any case.

    Returns
    -------
    dict of str to plain values, or None
        None where it is not fitted.
    """
    model = getattr(estimator, "model_", None)
    if model is None:
        return None
    keeps = with_optimizer and estimator._keeps_optimizer
    arrays = [keras.ops.convert_to_numpy(variable) for variable in model_variables(model)]
    names = _variable_names(estimator._network_, len(arrays))
    return {
        "targets": targets_to_plain(estimator._targets_),
        "n_features": estimator.n_features_in_,
        "feature_names": getattr(estimator, "feature_names_in_", None),
        "network": _network_to_plain(estimator._network_),
        "weights": dict(zip(names, arrays, strict=True)),
        "optimizer": optimizer_to_plain(estimator._optimizer_),
        "keeps_optimizer": keeps,
        "optimizer_state": [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables]
        if keeps
        else None,
        "history": estimator.history_,
        "n_iter": getattr(estimator, "n_iter_", None),
        "best_epoch": getattr(estimator, "best_epoch_", None),
        "generator": random_state_to_plain(estimator._generator),
        "split_generator": random_state_to_plain(estimator._split_generator),
        "counts": estimator._counts._asdict(),
    }


def restore(estimator: Any, state: dict[str, Any]) -> None:
    """Make an estimator one that has learnt what a state says.

    Parameters
    ----------
    estimator : classifier
        With its parameters.
    state : dict
        As `fitted_state` returns it.

    Raises
    ------
    ValueError
        If the state is no such one; the estimator is not changed, and nothing larger than the
        arrays of the state was allocated.
    """
    check_fields(state, _FIELDS, "the fitted state")
    targets = targets_from_plain(state["targets"])
    n_features, names = state["n_features"], state["feature_names"]
    if names is not None:
        check_array(names, (n_features,), "O", "feature_names")
    network = _network_from_plain(state["network"], n_features, targets.n_outputs, targets.output)
    optimizer = optimizer_from_plain(state["optimizer"])
    check_optimizer(optimizer)
    check_history(state)
    counts = _counts_from_plain(state["counts"], len(targets.classes))
    generators = [random_state_from_plain(state[name]) for name in ("generator", "split_generator")]
    _check_weights(state["weights"], network)
    if isinstance(network, FunctionNetwork):
        model, network = _built_by_function(estimator, network, optimizer)
    else:
        model = estimator._compiled(network, optimizer, seed=0)
    assign_arrays(model_variables(model), list(state["weights"].values()), "weights")
    if state["optimizer_state"] is not None:
        assign_arrays(model.optimizer.variables, state["optimizer_state"], "optimizer_state")
    estimator.model_, estimator._network_, estimator._targets_ = model, network, targets
    estimator.classes_, estimator.label_names_ = targets.classes, targets.label_names
    estimator.history_, estimator.n_features_in_ = state["history"], n_features
    if names is not None:
        estimator.feature_names_in_ = names
    for name in ("n_iter", "best_epoch"):
        if state[name] is not None:
            setattr(estimator, f"{name}_", state[name])
    estimator._optimizer_, estimator._keeps_optimizer = optimizer, state["keeps_optimizer"]
    estimator._generator, estimator._split_generator = generators
    estimator._counts = counts


def model_variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _variable_names(network: Network, n_variables: int) -> list[str]:
    """Return names of the weights; numbers where only a built model knows what there is."""
    known = getattr(network, "variables", None)
    return [name for name, _ in known()] if known else [str(i) for i in range(n_variables)]


def _network_to_plain(network: Network) -> dict[str, Any]:
    if isinstance(network, MLPNetwork):
        plain = {"kind": "mlp", **asdict(network)}
        for name in _WIDTHS:
            plain[name] = list(plain[name])
    else:
        assert isinstance(network, FunctionNetwork)
        plain = {
            "kind": "function",
            **{each.name: getattr(network, each.name) for each in fields(network)},
            "arguments": dict(network.arguments),
            "keras_version": keras.__version__,
        }
    # Said by the features and the targets.
    for name in ("n_features", "n_outputs", "output"):
        del plain[name]
    return plain


def _network_from_plain(
    plain: dict[str, Any], n_features: int, n_outputs: int, output: str
) -> Network:
    """Return the network of a description, if it is one."""
    described = {name: value for name, value in plain.items() if name != "kind"}
    if n_features < 1:
        raise ValueError(f"n_features must be positive, got {n_features}")
    if plain.get("precision") not in ("float32", "bfloat16"):
        raise ValueError(f"network.precision is {plain.get('precision')!r:.60}")
    if plain.get("kind") == "mlp":
        # Files of earlier versions have none of these.
        described = {"feature_groups": [], "input_dropout": False, "label_units": [], **described}
        types: dict[str, Any] = {"activation": str, "precision": str}
        flags = ("normalize_inputs", "batch_normalization", "dropout", "residual", "input_dropout")
        types |= {**dict.fromkeys(_WIDTHS, list), **dict.fromkeys(flags, bool)}
        check_fields(described, types, "network")
        for name in _WIDTHS:
            if not all(type(width) is int and width > 0 for width in described[name]):
                raise ValueError(f"network.{name} must be positive ints")
            described[name] = tuple(described[name])
        if described["feature_groups"] and sum(described["feature_groups"]) != n_features:
            raise ValueError(f"network.feature_groups must cover {n_features} features")
        if described["activation"] not in ACTIVATIONS:
            raise ValueError(f"network.activation is {described['activation']!r:.60}")
        return MLPNetwork(n_features, n_outputs, output, **described)
    if plain.get("kind") == "function":
        types = {"arguments": dict, "precision": str, "init_output_bias": bool}
        more: dict[str, Any] = {"structure": (str, None), "keras_version": str}
        build = described.pop("build_network", None)
        check_fields(described, {**types, **more}, "network")
        if described.pop("keras_version") != keras.__version__:
            # Another version describes the same layers otherwise.
            described["structure"] = None
        arguments = tuple(sorted(described.pop("arguments").items()))
        return FunctionNetwork(build, arguments, n_features, n_outputs, output, **described)
    raise ValueError(f"network.kind is {plain.get('kind')!r:.60}")


def _built_by_function(
    estimator: Any, network: FunctionNetwork, optimizer: Any
) -> tuple[keras.Model, FunctionNetwork]:
    """Build what a function of the user's describes, if it is the network that was trained."""
    name = getattr(network.build_network, "__name__", network.build_network)
    try:
        model = estimator._compiled(network, optimizer, seed=0)
    except Exception as error:
        raise ValueError(f"{name}, passed as build_network, failed: {error}") from error
    built = network.describing(model)
    if network.structure is not None and built.structure != network.structure:
        raise ValueError(
            f"{name} builds another network than the one that was trained: pass the function as it"
            " was then"
        )
    return model, built


def _counts_from_plain(plain: dict[str, Any], n_classes: int) -> Counts:
    check_fields(plain, {"present": np.ndarray, "total": np.ndarray}, "counts")
    for name, values in plain.items():
        check_array(values, (n_classes,), "f", f"counts.{name}")
    return Counts(**plain)


def check_history(state: dict[str, Any]) -> None:
    """Check ``history``, ``n_iter`` and ``best_epoch`` of a state against each other."""
    history = state["history"]
    for name, values in history.items():
        if not (isinstance(values, list) and all(type(value) is float for value in values)):
            raise ValueError(f"history.{name} must be a list of float")
    n_epochs = len(history.get("loss", ()))
    if state["n_iter"] not in (None, n_epochs):
        raise ValueError(f"n_iter must be {n_epochs}, as the history says, got {state['n_iter']}")
    if state["best_epoch"] is not None and not 0 <= state["best_epoch"] < max(1, n_epochs):
        raise ValueError(f"best_epoch must be less than {n_epochs}, got {state['best_epoch']}")


def _check_weights(weights: dict[str, Any], network: Network) -> None:
    """Compare arrays with the structure before anything is built of it."""
    known = getattr(network, "variables", None)
    if known is None:
        return
    shapes = dict(known())
    if list(weights) != list(shapes):
        raise ValueError("the weights are not those of the network's layers")
    for name, shape in shapes.items():
        check_array(weights[name], shape, "fi", f"weights.{name}")


def assign_arrays(variables: list[Any], arrays: list[Any], where: str) -> None:
    """Set variables to arrays of their shapes and dtypes."""
    if len(variables) != len(arrays):
        raise ValueError(f"{where} must be {len(variables)} arrays, got {len(arrays)}")
    for i, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
        check_array(array, tuple(variable.shape), "fiu", f"{where}.{i}")
        if array.dtype.name != variable.dtype:
            raise ValueError(f"{where}.{i} must be {variable.dtype}, got {array.dtype}")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
