"""Moving averages of the weights over the steps of a fit."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skmlclf.training._programs import variables_of


class WeightAverages:
    r"""Exponential moving averages of the weights, which stand in for them when a fit is measured.

    After step `t`, counted from 0, the average :math:`a` moves towards the weights :math:`w` by

    .. math:: a \leftarrow m_t a + (1 - m_t) w, \quad m_t = \min(m, (1 + t) / (10 + t)),

    so that short fits are not held back by the weights they start from [1]_. The statistics of
    batch normalisations are averaged in the same way.

    Parameters
    ----------
    model : keras.Model
        The averages start at the weights that it has.
    momentum : float
        The limit `m`, in (0, 1).

    References
    ----------
    .. [1] ``num_updates`` of ``tf.train.ExponentialMovingAverage``.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self.momentum = momentum
        self._model = model
        self.variables = [tf.Variable(v.read_value()) for v in self._weights()]

    def factors(self, steps: np.ndarray) -> np.ndarray:
        """Return the momentum of steps, by their numbers from the start of the fit."""
        return np.asarray(np.minimum(self.momentum, (1 + steps) / (10 + steps)))

    def swap(self) -> None:
        """Exchange the averages with the weights of the model."""
        for average, weight in zip(self.variables, self._weights(), strict=True):
            value = weight.numpy()
            weight.assign(average)
            average.assign(value)

    def _weights(self) -> list[Any]:
        return averaged(*variables_of(self._model)[:2])


def averaged(trainable: Sequence[Any], non_trainable: Sequence[Any]) -> list[Any]:
    """Return those variables of a model that averages are kept of.

    Parameters
    ----------
    trainable, non_trainable : sequences of tf.Variable
        All that the model has.

    Returns
    -------
    list of tf.Variable
        Weights and statistics, without seeds and rates.
    """
    statistics = [v for v in non_trainable if v.dtype.is_floating and v.shape.rank]
    return [*trainable, *statistics]


def update_averages(averages: Sequence[Any], weights: Sequence[Any], momentum: Any) -> None:
    """Move averages towards the weights, in place.

    Parameters
    ----------
    averages, weights : sequences of tf.Variable
        As `averaged` orders them.
    momentum : scalar tensor
        Of this step.
    """
    for average, weight in zip(averages, weights, strict=True):
        # One fused pass: a -= (1 - m) (a - w).
        tf.raw_ops.ResourceApplyGradientDescent(
            var=average.handle, alpha=1.0 - momentum, delta=average - weight
        )
