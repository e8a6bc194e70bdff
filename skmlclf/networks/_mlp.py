"""The one family of networks: dense layers, plain or in blocks, under one unit a label."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from skmlclf.networks._layers import VariableDropout


@dataclass(frozen=True)
class MLPNetwork:
    """The structure of a multilayer perceptron: all that decides what is compiled.

    Fits whose networks are equal share one compiled step, so nothing that a grid search varies
    (rates, weights, seeds) belongs here.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_outputs : int
        Number of output units.
    output : {"sigmoid", "softmax"}
        Whether the units are independent labels or exclusive classes.
    hidden_units : tuple of int
        Width of each hidden layer; empty for a linear model.
    activation : str, default="relu"
        Keras name of the hidden activation.
    normalize_inputs : bool, default=False
        Whether a batch normalisation stands before the first layer.
    batch_normalization : bool, default=False
        Whether a batch normalisation stands between each hidden layer and its activation.
    dropout : bool, default=False
        Whether a dropout follows each hidden layer.
    residual : bool, default=False
        Whether a hidden layer as wide as its input adds that input to its output.
    precision : {"float32", "bfloat16"}, default="float32"
        What the matrix products compute in; weights are float32 in any case.
    """

    n_features: int
    n_outputs: int
    output: str
    hidden_units: tuple[int, ...]
    activation: str = "relu"
    normalize_inputs: bool = False
    batch_normalization: bool = False
    dropout: bool = False
    residual: bool = False
    precision: str = "float32"

    def build(self, *, dropout: float = 0.0, seed: int = 0) -> keras.Model:
        """Build the uncompiled model, whose outputs are probabilities.

        Parameters
        ----------
        dropout : float, default=0.0
            Dropout rate of every hidden layer, in [0, 1). Without effect where the structure has
            no dropout.
        seed : int, default=0
            Decides the initial weights and the draws of the dropout. No global generator is read
            or set.

        Returns
        -------
        keras.Model
            From float32 of shape ``(n, n_features)`` to float32 probabilities of shape
            ``(n, n_outputs)``.
        """
        seeds = _seeds(seed)
        # A policy object, not the global policy: the caller's own models keep theirs.
        policy = keras.DTypePolicy("mixed_bfloat16" if self.precision == "bfloat16" else "float32")
        inputs = x = keras.Input((self.n_features,), name="embeddings")
        if self.normalize_inputs:
            x = self._norm(policy, "input_norm")(x)
        for i, units in enumerate(self.hidden_units, start=1):
            below = x
            x = self._dense(units, policy, seeds, name=f"dense_{i}")(x)
            if self.batch_normalization:
                x = self._norm(policy, f"norm_{i}")(x)
            x = keras.layers.Activation(self.activation, dtype=policy, name=f"activation_{i}")(x)
            if self.dropout:
                x = VariableDropout(dropout, next(seeds), dtype=policy, name=f"dropout_{i}")(x)
            if self.residual and below.shape[-1] == units and i > 1:
                x = keras.layers.Add(dtype=policy, name=f"residual_{i}")([x, below])
        x = self._dense(self.n_outputs, policy, seeds, name="logits")(x)
        outputs = keras.layers.Activation(self.output, dtype="float32", name="probabilities")(x)
        return keras.Model(inputs, outputs)

    def _norm(self, policy: Any, name: str) -> Any:
        # Keras' momentum of 0.99 takes hundreds of steps to forget the start, more than a short
        # fit has.
        return keras.layers.BatchNormalization(momentum=0.9, dtype=policy, name=name)

    def _dense(self, units: int, policy: Any, seeds: Iterator[int], name: str) -> Any:
        # A bias under a batch normalisation would be subtracted again with the mean.
        return keras.layers.Dense(
            units,
            use_bias=name == "logits" or not self.batch_normalization,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            dtype=policy,
            name=name,
        )


def logits_of(model: keras.Model) -> Any:
    """Return the symbolic output of the last dense layer, under the sigmoid or softmax.

    Parameters
    ----------
    model : keras.Model
        As built by `MLPNetwork.build`.

    Returns
    -------
    keras.KerasTensor
        Of shape ``(None, n_outputs)``.
    """
    return model.get_layer("logits").output


def set_output_bias(model: keras.Model, bias: np.ndarray) -> None:
    """Set the bias of the output units.

    Parameters
    ----------
    model : keras.Model
        As built by `MLPNetwork.build`.
    bias : ndarray of shape (n_outputs,)
        The logits that the untrained network should centre on.
    """
    model.get_layer("logits").bias.assign(bias)


def set_dropout(model: keras.Model, rate: float) -> None:
    """Set the rate of every dropout.

    Parameters
    ----------
    model : keras.Model
        As built by `MLPNetwork.build`.
    rate : float
        Share of the units set to zero while training, in [0, 1).
    """
    for layer in model.layers:
        if isinstance(layer, VariableDropout):
            layer.rate.assign(rate)


def _seeds(seed: int) -> Iterator[int]:
    generator = np.random.RandomState(seed)
    while True:
        yield int(generator.randint(2**31 - 1))
