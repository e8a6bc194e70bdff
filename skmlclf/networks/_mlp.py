"""The networks of the package's own classifiers: dense layers, plain or in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from skmlclf.networks._layers import VariableDropout

ACTIVATIONS = ("relu", "gelu", "silu", "elu", "selu", "tanh", "sigmoid")


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

    def build(self, seed: int = 0) -> keras.Model:
        """Build the uncompiled model, which ends in logits.

        Parameters
        ----------
        seed : int, default=0
            Decides the initial weights and the draws of the dropout. No global generator is read
            or set.

        Returns
        -------
        keras.Model
            From float32 of shape ``(n, n_features)`` to logits of shape ``(n, n_outputs)``. The
            dropout rates are zero until `set_dropout` sets them.
        """
        seeds = _seeds(seed)
        # A policy object, not the global policy: the caller's own models keep theirs.
        policy = keras.DTypePolicy("mixed_bfloat16" if self.precision == "bfloat16" else "float32")
        inputs = x = keras.Input((self.n_features,), dtype="float32", name="embeddings")
        if self.normalize_inputs:
            x = self._norm(policy, "input_norm")(x)
        for i, units in enumerate(self.hidden_units, start=1):
            below = x
            x = self._dense(units, policy, seeds, name=f"dense_{i}")(x)
            if self.batch_normalization:
                x = self._norm(policy, f"norm_{i}")(x)
            x = keras.layers.Activation(self.activation, dtype=policy, name=f"activation_{i}")(x)
            if self.dropout:
                x = VariableDropout(0.0, next(seeds), dtype=policy, name=f"dropout_{i}")(x)
            if self.residual and below.shape[-1] == units and i > 1:
                x = keras.layers.Add(dtype=policy, name=f"residual_{i}")([x, below])
        return keras.Model(inputs, self._dense(self.n_outputs, policy, seeds, name="logits")(x))

    def variables(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of every variable that a built model has, without building one.

        Yields
        ------
        name : str
            Of the layer and of the variable.
        shape : tuple of int
            In the order of the trainable variables of the model, and then the others.
        """
        trainable: list[tuple[str, tuple[int, ...]]] = []
        others: list[tuple[str, tuple[int, ...]]] = []

        def norm(name: str, width: int) -> None:
            trainable.extend((f"{name}.{each}", (width,)) for each in ("gamma", "beta"))
            others.extend(
                (f"{name}.{each}", (width,)) for each in ("moving_mean", "moving_variance")
            )

        width = self.n_features
        if self.normalize_inputs:
            norm("input_norm", width)
        for i, units in enumerate(self.hidden_units, start=1):
            trainable.append((f"dense_{i}.kernel", (width, units)))
            if self.batch_normalization:
                norm(f"norm_{i}", units)
            else:
                trainable.append((f"dense_{i}.bias", (units,)))
            if self.dropout:
                others += [(f"dropout_{i}.rate", ()), (f"dropout_{i}.seed", (2,))]
            width = units
        trainable += [
            ("logits.kernel", (width, self.n_outputs)),
            ("logits.bias", (self.n_outputs,)),
        ]
        yield from trainable
        yield from others

    def hidden_layer(self, model: keras.Model) -> Any:
        """Return the symbolic output of the last hidden layer; the features where there is none."""
        return model.get_layer("logits").input

    def set_output_bias(self, model: keras.Model, bias: np.ndarray) -> None:
        """Set the bias of the output units."""
        model.get_layer("logits").bias.assign(bias)

    def shift_output_bias(self, model: keras.Model, shift: np.ndarray) -> None:
        """Add to the bias of the output units."""
        bias = model.get_layer("logits").bias
        bias.assign(bias.numpy() + shift)

    def set_dropout(self, model: keras.Model, rate: float) -> None:
        """Set the rate of every dropout."""
        for layer in model.layers:
            if isinstance(layer, VariableDropout):
                layer.rate.assign(rate)

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


def _seeds(seed: int) -> Iterator[int]:
    generator = np.random.RandomState(seed)
    while True:
        yield int(generator.randint(2**31 - 1))
