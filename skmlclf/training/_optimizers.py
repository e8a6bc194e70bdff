"""One optimizer step on variables that are handed in, so that a compiled step owns none."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from skmlclf._compat import adam_moments, sgd_momentums

OPTIMIZERS = ("adam", "sgd")


def make_optimizer(name: str, learning_rate: float, variables: Sequence[Any]) -> Any:
    """Return a Keras optimizer with its state built for the variables.

    Parameters
    ----------
    name : {"adam", "sgd"}
        Adam with Keras' constants, or Nesterov's momentum of 0.9, as scikit-learn's networks have.
    learning_rate : float
        Initial learning rate.
    variables : sequence of keras.Variable
        What it will train.

    Returns
    -------
    keras.Optimizer
    """
    optimizer = (
        keras.optimizers.Adam(learning_rate, name=name)
        if name == "adam"
        else keras.optimizers.SGD(learning_rate, momentum=0.9, nesterov=True, name=name)
    )
    optimizer.build(variables)
    return optimizer


def apply_gradients(
    optimizer: Any,
    trainable: Sequence[tf.Variable],
    state: Sequence[tf.Variable],
    gradients: Sequence[Any],
    rate_scale: Any,
    weight_decay: Any,
) -> None:
    """Update the variables and the optimizer's state in place.

    Parameters
    ----------
    optimizer : keras.Optimizer
        Says which rule and which constants; its own variables are not touched.
    trainable : sequence of tf.Variable
        The weights.
    state : sequence of tf.Variable
        Variables in the order of ``optimizer.variables``.
    gradients : sequence of tensor
        One a weight.
    rate_scale : scalar tensor
        Factor of the learning rate in this step.
    weight_decay : scalar tensor or None
        Decoupled decay of the kernels [1]_; biases and normalisations are left alone.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2019). Decoupled Weight Decay Regularization. ICLR.
    """
    rate_at = _index(optimizer.variables, optimizer.learning_rate)
    rate = state[rate_at].read_value() * rate_scale
    if weight_decay is not None:
        for variable in trainable:
            if variable.shape.rank > 1:
                variable.assign(variable * (1.0 - rate * weight_decay))
    _RULES[optimizer.name](optimizer, trainable, state, gradients, rate)
    iterations = state[_index(optimizer.variables, optimizer.iterations)]
    iterations.assign_add(1)


# The rules below are single fused passes over weight, slots and gradient. Keras' own updates make
# up to a dozen, which for thousands of labels take as long as a third of the matrix products.


def _adam(
    optimizer: Any,
    trainable: Sequence[tf.Variable],
    state: Sequence[tf.Variable],
    gradients: Sequence[Any],
    rate: Any,
) -> None:
    iterations = state[_index(optimizer.variables, optimizer.iterations)]
    step = tf.cast(iterations.read_value() + 1, tf.float32)
    for variable, moments, gradient in zip(
        trainable, adam_moments(optimizer), gradients, strict=True
    ):
        first, second = (state[_index(optimizer.variables, m)] for m in moments)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=tf.pow(optimizer.beta_1, step),
            beta2_power=tf.pow(optimizer.beta_2, step),
            lr=rate,
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )


def _sgd(
    optimizer: Any,
    trainable: Sequence[tf.Variable],
    state: Sequence[tf.Variable],
    gradients: Sequence[Any],
    rate: Any,
) -> None:
    for variable, momentum, gradient in zip(
        trainable, sgd_momentums(optimizer), gradients, strict=True
    ):
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=state[_index(optimizer.variables, momentum)].handle,
            lr=rate,
            grad=gradient,
            momentum=optimizer.momentum,
            use_nesterov=optimizer.nesterov,
        )


_RULES = {"adam": _adam, "sgd": _sgd}


def _index(variables: Sequence[Any], wanted: Any) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
