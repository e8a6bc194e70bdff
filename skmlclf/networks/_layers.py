"""Layers that Keras lacks."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="skmlclf")
class VariableDropout(keras.layers.Layer):
    """Inverted dropout whose rate is a non-trainable weight.

    ``keras.layers.Dropout`` writes its rate into the traced graph, so every rate of a grid search
    pays for a trace of its own. Here the rate is an input of the graph like any other weight.

    Parameters
    ----------
    rate : float
        Share of the units set to zero while training, in [0, 1).
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
        uniform = keras.random.uniform(
            keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator
        )
        kept = keras.ops.cast(uniform >= self.rate, inputs.dtype)
        scale = keras.ops.cast(1.0 / (1.0 - self.rate), inputs.dtype)
        return inputs * kept * scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.initial_rate, "seed": self.seed}
