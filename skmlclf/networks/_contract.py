"""What the package asks of a network, and how its logits become a Keras model's probabilities."""

from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np


@runtime_checkable
class Network(Protocol):
    """The structure of a network: everything that is compiled, without the weights.

    A network is hashable. Fits whose networks are equal share one compiled step, so what a grid
    search can vary without another compilation (learning rate, weights, seeds) does not belong to
    it.

    Eight hooks are optional:

    - ``set_output_bias(model, bias)`` sets the bias of the output units before the first step, and
      ``shift_output_bias(model, shift)`` adds to it when rows of a later call have changed the
      frequencies of the labels.
    - ``auxiliary_logits(model)`` returns the symbolic logits of further heads inside the model:
      each gets the loss that the output units get, while the model is trained.
    - ``hidden_layer(model)`` returns the symbolic output of the last hidden layer, as it is without
      dropout.
    - ``set_dropout(model, rate, input_rate)`` sets the rates of the dropouts after hidden layers
      and before the first.
    - ``describing(model)`` returns the network together with what is known of its structure only
      once it is built.
    - ``with_precision(precision)`` returns a network with the same variables whose products are of
      another data type.
    - ``variables()`` yields name and shape of the variables of a model without building it, so that
      a file can be compared with the structure first.
    """

    @property
    def n_features(self) -> int:
        """Width of the input."""

    @property
    def n_outputs(self) -> int:
        """Number of output units."""

    @property
    def output(self) -> str:
        """Output activation: "sigmoid" for independent labels, "softmax" for exclusive classes."""

    @property
    def precision(self) -> str:
        """What the matrix products compute in, "float32" or "bfloat16"; weights are float32."""

    def build(self, seed: int = 0) -> keras.Model:
        """Build the uncompiled model, which ends in logits.

        Parameters
        ----------
        seed : int, default=0
            Decides the initial weights and every random draw of the layers.

        Returns
        -------
        keras.Model
            From float32 of shape ``(n, n_features)`` to logits of shape ``(n, n_outputs)``.
        """

    def __hash__(self) -> int: ...


def build_model(network: Network, seed: int = 0) -> keras.Model:
    """Build the uncompiled model of a network, with probabilities as its outputs.

    This is the one place where the output activation is added.

    Parameters
    ----------
    network : Network
        Structure of the model.
    seed : int, default=0
        Decides the initial weights and every random draw of the layers.

    Returns
    -------
    keras.Model
        From float32 of shape ``(n, n_features)`` to float32 probabilities of shape
        ``(n, n_outputs)``.
    """
    model = network.build(seed)
    # `logits_of` finds the layer by this name.
    activation = keras.layers.Activation(network.output, dtype="float32", name="probabilities")
    return keras.Model(model.inputs, activation(model.outputs[0]))


def logits_of(model: keras.Model) -> Any:
    """Return the symbolic input of the output activation.

    Parameters
    ----------
    model : keras.Model
        As `build_model` builds it.

    Returns
    -------
    keras.KerasTensor
        Of shape ``(None, n_outputs)``.
    """
    return model.get_layer("probabilities").input


def hidden_layer_of(network: Network, model: keras.Model) -> Any:
    """Return the symbolic output of the last hidden layer.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        As `build_model` builds it.

    Returns
    -------
    keras.KerasTensor
        Of shape ``(None, n_hidden)``; where nothing is hidden, the features.

    Raises
    ------
    ValueError
        If the hidden layer of the network is not known.
    """
    hook = getattr(network, "hidden_layer", None)
    if hook is None:
        raise ValueError(f"{type(network).__name__} does not tell which layer is its last hidden.")
    return hook(model)


def auxiliary_logits_of(network: Network, model: keras.Model) -> list[Any]:
    """Return the logits of further heads, whose losses are added while training.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        As `build_model` builds it.

    Returns
    -------
    list of keras.KerasTensor
        Each of shape ``(None, n_outputs)``; empty where the network has one head.
    """
    hook = getattr(network, "auxiliary_logits", None)
    return [] if hook is None else hook(model)


def with_precision(network: Network, precision: str) -> Network:
    """Return a network with the same variables in another precision, if there is a hook for it.

    Parameters
    ----------
    network : Network
        Structure of the model.
    precision : {"float32", "bfloat16"}
        What the matrix products shall compute in.

    Returns
    -------
    Network
        Without the hook, or where nothing changes, the network itself.
    """
    hook = getattr(network, "with_precision", None)
    return network if hook is None or network.precision == precision else hook(precision)


def set_output_bias(network: Network, model: keras.Model, bias: np.ndarray) -> None:
    """Set the bias of the output units, if the network has a hook for it.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        As `build_model` builds it.
    bias : ndarray of shape (n_outputs,)
        The logits that the untrained network should centre on.
    """
    hook = getattr(network, "set_output_bias", None)
    if hook is not None:
        hook(model, bias)


def shift_output_bias(network: Network, model: keras.Model, shift: np.ndarray) -> None:
    """Add to the bias of the output units, if the network has a hook for it.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        As `build_model` builds it.
    shift : ndarray of shape (n_outputs,)
        What to add.
    """
    hook = getattr(network, "shift_output_bias", None)
    if hook is not None:
        hook(model, shift)


def set_dropout(network: Network, model: keras.Model, rate: float, input_rate: float = 0.0) -> None:
    """Set the rates of the dropouts, if the network has a hook for it.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        As `build_model` builds it.
    rate : float
        Fraction of the hidden units set to zero while training, in [0, 1).
    input_rate : float, default=0.0
        Fraction of the features set to zero while training, in [0, 1).
    """
    hook = getattr(network, "set_dropout", None)
    if hook is not None:
        hook(model, rate, input_rate)
