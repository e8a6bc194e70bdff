"""Networks that a function of the user's builds."""

import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import keras
import numpy as np

from skmlclf._compat import operation_of
from skmlclf.networks._same_function import function_key

_lock = threading.Lock()
_LINKS = ("keras_history", "input_layers", "output_layers")
_PROBABILITIES = {"sigmoid", "hard_sigmoid", "softmax", "log_sigmoid", "log_softmax"}


@dataclass(frozen=True)
class FunctionNetwork:
    """A network that a function builds: ``build_network(n_features, n_outputs, **arguments)``.

    Parameters
    ----------
    build_network : callable
        Returns an uncompiled Keras model that ends in logits.
    arguments : tuple of (str, object)
        Its further arguments, by name.
    n_features, n_outputs : int
        Width of the input, and number of output units.
    output : {"sigmoid", "softmax"}
        Whether the units are independent labels or exclusive classes.
    precision : {"float32", "bfloat16"}, default="float32"
        What the matrix products compute in.
    init_output_bias : bool, default=True
        Whether a bias of the last layer that starts at zero is set to the log-odds of the labels.
    structure : str or None, default=None
        What a built model says of its layers, apart from names and seeds.
    """

    build_network: Callable[..., keras.Model]
    arguments: tuple[tuple[str, Any], ...]
    n_features: int
    n_outputs: int
    output: str
    precision: str = "float32"
    init_output_bias: bool = True
    structure: str | None = None

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionNetwork) and self._key == other._key

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return (
            function_key(self.build_network),
            tuple((name, _frozen(value)) for name, value in self.arguments),
            (self.structure, self.n_features, self.n_outputs, self.output, self.precision),
        )

    def build(self, seed: int = 0) -> keras.Model:
        """Build the uncompiled model, which ends in logits.

        Parameters
        ----------
        seed : int, default=0
            Decides every initial weight and random draw that the function leaves open.

        Returns
        -------
        keras.Model
            From float32 of shape ``(n, n_features)`` to logits of shape ``(n, n_outputs)``.

        Raises
        ------
        TypeError
            If the function returns no Keras model.
        ValueError
            If the model is not as described, or holds a layer that cannot be trained here.
        """
        with _defaults(seed, self.precision):
            model = self.build_network(self.n_features, self.n_outputs, **dict(self.arguments))
            if not isinstance(model, keras.Model):
                raise TypeError(
                    f"build_network must return a keras.Model, got {type(model).__name__}."
                )
            if model.compiled:
                raise ValueError(
                    "build_network returned a compiled model, expected an uncompiled one: the loss"
                    " follows from y, and the optimizer is a parameter of the classifier."
                )
            inputs = keras.Input((self.n_features,), dtype="float32", name="features")
            logits = self._call(model, inputs)
        self._check(model, logits)
        return keras.Model(inputs, logits)

    def describing(self, model: keras.Model) -> Self:
        """Return this network with the structure of a model that it built."""
        return replace(self, structure=_structure(model))

    def hidden_layer(self, model: keras.Model) -> Any:
        """Return the symbolic input of the last layer.

        Raises
        ------
        ValueError
            If the model is neither a functional nor a sequential Keras model, or the last layer
            takes anything but one row of numbers per row of features.
        """
        hidden = _input_of_last_layer(model.get_layer("probabilities").input)
        shape = getattr(hidden, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] is None:
            raise ValueError(
                "transform returns what the last layer of the network takes, of shape (None,"
                f" n_hidden), but the model of {self.build_network!r} has no such layer. Build it"
                " of keras.Input and layers, with a Dense layer at the end."
            )
        return hidden

    def set_output_bias(self, model: keras.Model, bias: np.ndarray) -> None:
        """Set the bias of the last layer, where it has one that starts at zero."""
        variable = self._output_bias(model)
        if variable is not None and not np.any(variable.numpy()):
            variable.assign(bias)

    def shift_output_bias(self, model: keras.Model, shift: np.ndarray) -> None:
        """Add to the bias of the last layer, where it has one."""
        variable = self._output_bias(model)
        if variable is not None:
            variable.assign(variable.numpy() + shift)

    def _output_bias(self, model: keras.Model) -> Any:
        variable = getattr(_last_layer(model.get_layer("probabilities").input), "bias", None)
        fits = variable is not None and tuple(variable.shape) == (self.n_outputs,)
        return variable if self.init_output_bias and fits else None

    def _call(self, model: keras.Model, inputs: Any) -> Any:
        try:
            return model(inputs)
        except Exception as error:
            raise ValueError(
                f"build_network returned a model that does not take features of shape"
                f" (None, {self.n_features}): {error}"
            ) from error

    def _check(self, model: keras.Model, logits: Any) -> None:
        shape = getattr(logits, "shape", None)
        if shape is None or tuple(shape) != (None, self.n_outputs):
            got = type(logits).__name__ if shape is None else f"shape {tuple(shape)}"
            raise ValueError(
                f"build_network must return a model with one output of shape (None,"
                f" {self.n_outputs}), the logits of n_outputs units, got {got}."
            )
        last = _last_layer(logits)
        activation = getattr(getattr(last, "activation", None), "__name__", None)
        if activation in _PROBABILITIES or isinstance(last, keras.layers.Softmax):
            raise ValueError(
                f"The last layer {last.name!r} applies a {activation or 'softmax'}, expected"
                " logits: leave the activation out, the classifier adds it."
            )
        for layer in _flat_layers(model):
            if getattr(layer, "stateful", False):
                raise ValueError(
                    f"The layer {layer.name!r} ({type(layer).__name__}) is stateful, which"
                    " shuffled batches cannot serve: set stateful=False."
                )
            for variable in layer.trainable_variables:
                if variable.dtype != "float32":
                    raise ValueError(
                        f"The layer {layer.name!r} ({type(layer).__name__}) has weights of dtype"
                        f" {variable.dtype}, expected float32: leave its dtype out, or use a mixed"
                        " policy such as 'mixed_bfloat16'."
                    )


@contextlib.contextmanager
def _defaults(seed: int, precision: str) -> Iterator[None]:
    """Let layers that are made inside take their seeds and dtypes from here.

    Keras draws the seeds that a layer is not given from Python's generator, which gets its state
    back. The dtype policy belongs to the thread.
    """
    policy = keras.config.dtype_policy()
    with _lock:
        state = random.getstate()
        random.seed(seed)
        keras.config.set_dtype_policy(
            "mixed_bfloat16" if precision == "bfloat16" else "float32",
        )
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)
            random.setstate(state)


def _structure(model: keras.Model) -> str:
    """Write down the layers of a model and how they are joined, without names and seeds."""
    try:
        config = model.get_config()
    except NotImplementedError:
        # A layer without a configuration is known by its type and its variables.
        config = {
            "layers": [type(layer).__qualname__ for layer in _flat_layers(model)],
            "variables": [[list(v.shape), v.dtype, v.trainable] for v in model.variables],
        }
    names: dict[str, str] = {}
    return json.dumps(_without_names(config, names), default=repr, sort_keys=True)


def _without_names(value: Any, names: dict[str, str], *, is_link: bool = False) -> Any:
    """Copy a configuration with names replaced by numbers, in the order in which they appear.

    Layers are linked by their names; other strings, such as activations, stay what they are.
    """
    if isinstance(value, Mapping):
        return {
            key: _number(each, names)
            if key == "name"
            else _without_names(each, names, is_link=is_link or key in _LINKS)
            for key, each in value.items()
            if key != "seed"
        }
    if isinstance(value, list | tuple):
        return [_without_names(each, names, is_link=is_link) for each in value]
    return _number(value, names) if is_link and isinstance(value, str) else value


def _number(name: Any, names: dict[str, str]) -> str:
    return names.setdefault(str(name), f"name {len(names)}")


def _flat_layers(model: keras.Model) -> list[Any]:
    layers = []
    for layer in model.layers:
        layers.append(layer)
        if getattr(layer, "layers", None):
            layers.extend(_flat_layers(layer))
    return layers


def _last_layer(tensor: Any) -> Any:
    """Return the layer that a symbolic tensor comes from, inside nested models too."""
    operation = operation_of(tensor)
    while getattr(operation, "outputs", None) and getattr(operation, "layers", None):
        operation = operation_of(operation.outputs[0])
    return operation


def _input_of_last_layer(tensor: Any) -> Any:
    """Return what the last layer takes; None where it is not a layer of a functional model."""
    operation = operation_of(tensor)
    if not getattr(operation, "layers", None):
        # A model without symbolic layers is itself the last one: its input is the features.
        return None if isinstance(operation, keras.Model) else operation.input
    if not getattr(operation, "outputs", None):
        return None
    inside = _input_of_last_layer(operation.outputs[0])
    return None if inside is None else keras.Model(operation.inputs, inside)(operation.input)


def _frozen(value: Any) -> Any:
    """Return something hashable that is equal where arguments are."""
    if isinstance(value, Mapping):
        return tuple((k, _frozen(v)) for k, v in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
