"""Layers that Keras lacks."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from itertools import accumulate
from typing import Any

import keras

_uniform: ContextVar[Callable[..., Any]] = ContextVar("uniform", default=keras.random.uniform)


@contextlib.contextmanager
def drawing_with(uniform: Callable[..., Any]) -> Iterator[None]:
    """Let the dropouts that are traced inside draw their numbers from another function.

    Parameters
    ----------
    uniform : callable
        As ``keras.random.uniform``: of a shape, a dtype and a generator of seeds.
    """
    token = _uniform.set(uniform)
    try:
        yield
    finally:
        _uniform.reset(token)


@keras.saving.register_keras_serializable(package="skmlclf")
class VariableDropout(keras.layers.Layer):
    """Inverted dropout whose rate is a non-trainable weight.

    ``keras.layers.Dropout`` writes its rate into the traced graph, so every rate of a grid search
    pays for a trace of its own. Here the rate is an input of the graph like any other weight.

    Parameters
    ----------
    rate : float
        Fraction of the units set to zero during training, in [0, 1).
    seed : int
        Seed of the layer's own generator.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, rate: float, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial_rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.rate = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.initial_rate),
            trainable=False,
            autocast=False,
            dtype="float32",
            name="rate",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        # One draw of 32 bits decides each unit: a float32 uniform compared with the rate.
        uniform = _uniform.get()(keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        kept = keras.ops.cast(uniform >= self.rate, inputs.dtype)
        scale = keras.ops.cast(1.0 / (1.0 - self.rate), inputs.dtype)
        return inputs * kept * scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.initial_rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="skmlclf")
class GroupRMSNormalization(keras.layers.Layer):
    r"""Division of each group of features by the root mean square of the row in it.

    A group :math:`x_g` of width `d` becomes :math:`\sqrt{d}\, x_g / \lVert x_g \rVert`: its
    direction is kept and its scale is not. A group of zeros is not changed. The layer has no
    weights.

    Parameters
    ----------
    widths : sequence of int
        Widths of the groups, which lie next to each other and cover all features.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, widths: Sequence[int], **kwargs: Any) -> None:
        # Squares of features of any scale are added up in single precision.
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(int(width) for width in widths)

    def call(self, inputs: Any) -> Any:
        bounds = list(accumulate(self.widths))[:-1]
        groups = keras.ops.split(inputs, bounds, axis=-1) if bounds else [inputs]
        scaled = [
            group * keras.ops.rsqrt(keras.ops.mean(group * group, axis=-1, keepdims=True) + 1e-12)
            for group in groups
        ]
        return keras.ops.cast(keras.ops.concatenate(scaled, axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "widths": list(self.widths)}


@keras.saving.register_keras_serializable(package="skmlclf")
class RootProbabilities(keras.layers.Layer):
    """Square roots of the probabilities that logits stand for.

    They are the square roots of numbers that are tiny for most of thousands of labels, which makes
    differences among rare labels visible to the next layer. Taken from logarithms, their gradients
    are finite for logits of any size.

    Parameters
    ----------
    output : {"sigmoid", "softmax"}
        What makes probabilities of the logits.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, output: str, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.output_activation = output

    def call(self, inputs: Any) -> Any:
        logits = keras.ops.cast(inputs, "float32")
        if self.output_activation == "sigmoid":
            logarithms = keras.ops.log_sigmoid(logits)
        else:
            logarithms = keras.ops.log_softmax(logits)
        return keras.ops.cast(keras.ops.exp(0.5 * logarithms), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "output": self.output_activation}
