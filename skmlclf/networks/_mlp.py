"""The networks of the package's own classifiers: dense layers, plain or in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from skmlclf.networks._layers import GroupRMSNormalization, RootProbabilities, VariableDropout

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
    feature_groups : tuple of int, default=()
        Widths of the groups of features that are each divided by their root mean square first;
        empty for none.
    normalize_inputs : bool, default=False
        Whether a batch normalisation stands before the first layer.
    batch_normalization : bool, default=False
        Whether a batch normalisation stands between each hidden layer and its activation.
    dropout : bool, default=False
        Whether a dropout follows each hidden layer.
    residual : bool, default=False
        Whether a hidden layer as wide as its input adds that input to its output.
    input_dropout : bool, default=False
        Whether a dropout stands before the first hidden layer.
    label_units : int, default=0
        Units of a layer that takes the square roots of the probabilities of a first head, and
        gives them to a second one beside the last hidden layer. The second is the output; both are
        trained. Zero leaves one head.
    precision : {"float32", "bfloat16"}, default="float32"
        What the matrix products compute in; weights are float32 in any case.
    """

    n_features: int
    n_outputs: int
    output: str
    hidden_units: tuple[int, ...]
    activation: str = "relu"
    feature_groups: tuple[int, ...] = ()
    normalize_inputs: bool = False
    batch_normalization: bool = False
    dropout: bool = False
    residual: bool = False
    input_dropout: bool = False
    label_units: int = 0
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
        if self.feature_groups:
            x = GroupRMSNormalization(self.feature_groups, dtype=policy, name="input_scaling")(x)
        if self.normalize_inputs:
            x = self._norm(policy, "input_norm")(x)
        if self.input_dropout:
            x = VariableDropout(0.0, next(seeds), dtype=policy, name="input_dropout")(x)
        for i, units in enumerate(self.hidden_units, start=1):
            below = x
            x = self._block(x, units, policy, seeds, str(i))
            if self.residual and below.shape[-1] == units and i > 1:
                x = keras.layers.Add(dtype=policy, name=f"residual_{i}")([x, below])
        if self.label_units:
            first = self._dense(self.n_outputs, policy, seeds, name="first_logits")(x)
            labels = RootProbabilities(self.output, dtype=policy, name="first_probabilities")(first)
            labels = self._block(labels, self.label_units, policy, seeds, "labels")
            x = keras.layers.Concatenate(dtype=policy, name="hidden_and_labels")([x, labels])
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

        def dropout(name: str) -> None:
            others.extend([(f"{name}.rate", ()), (f"{name}.seed", (2,))])

        def block(width: int, units: int, name: str) -> None:
            trainable.append((f"dense_{name}.kernel", (width, units)))
            if self.batch_normalization:
                norm(f"norm_{name}", units)
            else:
                trainable.append((f"dense_{name}.bias", (units,)))
            if self.dropout:
                dropout(f"dropout_{name}")

        def head(width: int, name: str) -> None:
            trainable.append((f"{name}.kernel", (width, self.n_outputs)))
            trainable.append((f"{name}.bias", (self.n_outputs,)))

        width = self.n_features
        if self.normalize_inputs:
            norm("input_norm", width)
        if self.input_dropout:
            dropout("input_dropout")
        for i, units in enumerate(self.hidden_units, start=1):
            block(width, units, str(i))
            width = units
        if self.label_units:
            head(width, "first_logits")
            block(self.n_outputs, self.label_units, "labels")
            width += self.label_units
        head(width, "logits")
        yield from trainable
        yield from others

    def hidden_layer(self, model: keras.Model) -> Any:
        """Return the symbolic output of the last hidden layer; the features where there is none."""
        return self._heads(model)[-1].input

    def auxiliary_logits(self, model: keras.Model) -> list[Any]:
        """Return the symbolic logits of the first head, where there are two."""
        return [head.output for head in self._heads(model)[1:]]

    def set_output_bias(self, model: keras.Model, bias: np.ndarray) -> None:
        """Set the bias of the output units, in every head."""
        for head in self._heads(model):
            head.bias.assign(bias)

    def shift_output_bias(self, model: keras.Model, shift: np.ndarray) -> None:
        """Add to the bias of the output units, in every head."""
        for head in self._heads(model):
            head.bias.assign(head.bias.numpy() + shift)

    def set_dropout(self, model: keras.Model, rate: float, input_rate: float) -> None:
        """Set the rates of the dropouts after hidden layers, and before the first."""
        for layer in model.layers:
            if isinstance(layer, VariableDropout):
                layer.rate.assign(input_rate if layer.name == "input_dropout" else rate)

    def _heads(self, model: keras.Model) -> list[Any]:
        """Return the layers that compute logits, that of the output first."""
        names = ("logits", "first_logits") if self.label_units else ("logits",)
        return [model.get_layer(name) for name in names]

    def _block(self, x: Any, units: int, policy: Any, seeds: Iterator[int], name: str) -> Any:
        """Return a hidden layer of what comes before it."""
        x = self._dense(units, policy, seeds, name=f"dense_{name}")(x)
        if self.batch_normalization:
            x = self._norm(policy, f"norm_{name}")(x)
        x = keras.layers.Activation(self.activation, dtype=policy, name=f"activation_{name}")(x)
        if self.dropout:
            x = VariableDropout(0.0, next(seeds), dtype=policy, name=f"dropout_{name}")(x)
        return x

    def _norm(self, policy: Any, name: str) -> Any:
        # Keras' momentum of 0.99 takes hundreds of steps to forget the start, more than a short
        # fit has.
        return keras.layers.BatchNormalization(momentum=0.9, dtype=policy, name=name)

    def _dense(self, units: int, policy: Any, seeds: Iterator[int], name: str) -> Any:
        # A bias under a batch normalisation would be subtracted again with the mean.
        return keras.layers.Dense(
            units,
            use_bias=name in ("logits", "first_logits") or not self.batch_normalization,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            dtype=policy,
            name=name,
        )


def _seeds(seed: int) -> Iterator[int]:
    generator = np.random.RandomState(seed)
    while True:
        yield int(generator.randint(2**31 - 1))
