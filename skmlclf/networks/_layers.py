"""Layers that Keras lacks."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import keras
import numpy as np

_SMALLEST = float(np.finfo(np.float32).tiny)


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
    differences among rare labels visible to the next layer. Their gradients are finite for logits
    of any size.

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
            # The root of zero has no gradient. The logarithm of a sigmoid would be slower.
            probabilities = keras.ops.maximum(keras.ops.sigmoid(logits), _SMALLEST)
            roots = keras.ops.sqrt(probabilities)
        else:
            roots = keras.ops.exp(0.5 * keras.ops.log_softmax(logits))
        return keras.ops.cast(roots, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "output": self.output_activation}
