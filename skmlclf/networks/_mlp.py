"""The networks of the package's own classifiers: dense layers, plain or in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import keras
import numpy as np

from skmlclf.networks._dropout import DropoutDense, Dropping, VariableDropout
from skmlclf.networks._layers import GroupRMSNormalization, RootProbabilities

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
        Whether the layer after each hidden layer drops inputs.
    residual : bool, default=False
        Whether a hidden layer as wide as its input adds that input to its output.
    input_dropout : bool, default=False
        Whether a dropout stands before the first hidden layer.
    label_units : tuple of int, default=()
        Widths of layers that correct the logits of a first head one after the other: each takes the
        square roots of the probabilities so far, and what follows from it is added to their
        logits. All of these logits are trained, the last ones are the output.
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
    label_units: tuple[int, ...] = ()
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
        x = self._dense(self.n_outputs, policy, seeds, name=self._stages[0])(x)
        for i, (units, name) in enumerate(zip(self.label_units, self._stages[1:], strict=True), 1):
            roots = RootProbabilities(self.output, dtype=policy, name=f"roots_{i}")(x)
            labels = self._block(roots, units, policy, seeds, f"labels_{i}")
            correction = self._dense(self.n_outputs, policy, seeds, name=f"correction_{i}")(labels)
            x = keras.layers.Add(dtype=policy, name=name)([x, correction])
        return keras.Model(inputs, x)

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

        width = self.n_features
        if self.normalize_inputs:
            norm("input_norm", width)
        if self.input_dropout:
            dropout("input_dropout")
        for i, units in enumerate(self.hidden_units, start=1):
            block(width, units, str(i))
            width = units
        trainable.append((f"{self._stages[0]}.kernel", (width, self.n_outputs)))
        trainable.append((f"{self._stages[0]}.bias", (self.n_outputs,)))
        for i, units in enumerate(self.label_units, start=1):
            block(self.n_outputs, units, f"labels_{i}")
            trainable.append((f"correction_{i}.kernel", (units, self.n_outputs)))
        yield from trainable
        yield from others

    def with_precision(self, precision: str) -> Self:
        """Return a network with the same variables whose products are of another data type."""
        return replace(self, precision=precision)

    def hidden_layer(self, model: keras.Model) -> Any:
        """Return the symbolic output of the last hidden layer; the features where there is none."""
        return model.get_layer(self._stages[0]).input

    def auxiliary_logits(self, model: keras.Model) -> list[Any]:
        """Return the symbolic logits before the last correction, where there is one."""
        return [model.get_layer(name).output for name in self._stages[:-1]]

    def set_output_bias(self, model: keras.Model, bias: np.ndarray) -> None:
        """Set the bias of the output units."""
        model.get_layer(self._stages[0]).bias.assign(bias)

    def shift_output_bias(self, model: keras.Model, shift: np.ndarray) -> None:
        """Add to the bias of the output units."""
        bias = model.get_layer(self._stages[0]).bias
        bias.assign(bias.numpy() + shift)

    def set_dropout(self, model: keras.Model, rate: float, input_rate: float) -> None:
        """Set the rates of the dropouts after hidden layers, and before the first."""
        for layer in model.layers:
            if isinstance(layer, Dropping):
                layer.rate.assign(input_rate if layer.name == "input_dropout" else rate)

    @property
    def _stages(self) -> list[str]:
        """Names of the layers that end in logits, first the one that the hidden layer goes into."""
        return [*(f"logits_{i}" for i in range(len(self.label_units))), "logits"]

    def _block(self, x: Any, units: int, policy: Any, seeds: Iterator[int], name: str) -> Any:
        """Return a hidden layer of what comes before it."""
        x = self._dense(units, policy, seeds, name=f"dense_{name}")(x)
        if self.batch_normalization:
            x = self._norm(policy, f"norm_{name}")(x)
        x = keras.layers.Activation(self.activation, dtype=policy, name=f"activation_{name}")(x)
        return x

    def _norm(self, policy: Any, name: str) -> Any:
        # Keras' momentum of 0.99 takes hundreds of steps to forget the start, more than a short
        # fit has.
        return keras.layers.BatchNormalization(momentum=0.9, dtype=policy, name=name)

    def _dense(self, units: int, policy: Any, seeds: Iterator[int], name: str) -> Any:
        options = {
            # A bias under a batch normalisation would be subtracted again with the mean, and what
            # corrects logits is added to others that have one.
            "use_bias": name == self._stages[0]
            or not (self.batch_normalization or name.startswith("correction")),
            "kernel_initializer": keras.initializers.GlorotUniform(next(seeds)),
            "dtype": policy,
            "name": name,
        }
        if self._drops_inputs_of(name):
            return DropoutDense(units, seed=next(seeds), **options)
        return keras.layers.Dense(units, **options)

    def _drops_inputs_of(self, name: str) -> bool:
        """Say whether the inputs of a dense layer are hidden units that are dropped."""
        first = "dense_1" if self.hidden_units else self._stages[0]
        # All probabilities of the labels go into a correction.
        return self.dropout and name != first and not name.startswith("dense_labels")


def _seeds(seed: int) -> Iterator[int]:
    generator = np.random.RandomState(seed)
    while True:
        yield int(generator.randint(2**31 - 1))
