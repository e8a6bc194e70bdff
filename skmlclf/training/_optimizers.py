"""One optimizer step on variables that are handed in, so that a compiled step owns none."""

import contextlib
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from skmlclf._compat import adam_moments, learning_rate_variable, sgd_momentums, variable_value

OPTIMIZERS = ("adam", "sgd")


def make_optimizer(
    optimizer: Any, learning_rate: float | None, variables: Sequence[Any]
) -> keras.optimizers.Optimizer:
    """Return a new Keras optimizer with its state built for the variables.

    Parameters
    ----------
    optimizer : {"adam", "sgd"} or keras.optimizers.Optimizer
        Adam with Keras' constants, Nesterov's momentum of 0.9, as scikit-learn's networks have, or
        an optimizer whose settings are copied; its own state is left alone.
    learning_rate : float or None
        Initial learning rate; None keeps that of an optimizer object.
    variables : sequence of keras.Variable
        What it will train.

    Returns
    -------
    keras.optimizers.Optimizer
    """
    if optimizer == "adam":
        built = keras.optimizers.Adam(name="adam")
    elif optimizer == "sgd":
        built = keras.optimizers.SGD(momentum=0.9, nesterov=True, name="sgd")
    else:
        built = copy_optimizer(optimizer)
    if learning_rate is not None:
        built.learning_rate = learning_rate
    built.build(variables)
    return built


def copy_optimizer(optimizer: Any) -> Any:
    """Return another optimizer of the same settings, without the state.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        A name stays a name.

    Returns
    -------
    str or keras.optimizers.Optimizer
    """
    if isinstance(optimizer, str):
        return optimizer
    # Keras copies and pickles only optimizers that are registered with it.
    return type(optimizer).from_config(optimizer.get_config())


def reset_optimizer(model: keras.Model, optimizer: Any) -> None:
    """Give the optimizer of a model the state that a new one has.

    Parameters
    ----------
    model : keras.Model
        Compiled with `make_optimizer`.
    optimizer : {"adam", "sgd"} or keras.optimizers.Optimizer
        What its optimizer was made of.
    """
    new = make_optimizer(optimizer, None, model.trainable_variables)
    for variable, fresh in zip(model.optimizer.variables, new.variables, strict=True):
        variable.assign(fresh.value)


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimizer, or one that cannot say how to make another like it.

    Parameters
    ----------
    optimizer : object
        As `make_optimizer` takes it.

    Raises
    ------
    ValueError
        If it is neither a known name nor a Keras optimizer with a complete configuration.
    """
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ValueError(
            f"optimizer must be one of {', '.join(map(repr, OPTIMIZERS))} or an instance of"
            f" keras.optimizers.Optimizer, got {optimizer!r}."
        )
    if optimizer.loss_scale_factor or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            f"The optimizer {type(optimizer).__name__} scales the loss, which gradients in single"
            " precision do not need: leave loss_scale_factor out, and any LossScaleOptimizer."
        )
    try:
        type(optimizer).from_config(optimizer.get_config())
    except Exception as error:
        raise ValueError(
            f"The optimizer {type(optimizer).__name__} cannot be made anew from its get_config(),"
            f" which every fit does: {error}"
        ) from error


def optimizer_key(optimizer: keras.optimizers.Optimizer) -> Hashable:
    """Return what an optimizer adds to a compiled step: its type and its settings.

    The learning rate is a variable, so it does not belong to them unless it is a Keras schedule.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Any.

    Returns
    -------
    hashable
    """
    config = optimizer.get_config()
    del config["name"]
    if learning_rate_variable(optimizer) is not None:
        config.pop("learning_rate", None)
    return type(optimizer), json.dumps(config, default=repr, sort_keys=True)


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    weights: Sequence[keras.Variable],
    trainable: Sequence[tf.Variable],
    state: Sequence[tf.Variable],
    gradients: Sequence[Any],
    rate_scale: Any,
    weight_decay: Any,
) -> None:
    """Update the variables and the optimizer's state in place.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Says which rule and which constants; its own variables are not touched.
    weights : sequence of keras.Variable
        The weights that it was built for.
    trainable : sequence of tf.Variable
        What to update in their place.
    state : sequence of tf.Variable
        Variables in the order of ``optimizer.variables``.
    gradients : sequence of tensor
        One per weight.
    rate_scale : scalar tensor
        Factor of the learning rate in this step.
    weight_decay : scalar tensor or None
        Decoupled decay of the kernels [1]_; biases and normalisations are left alone.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2019). Decoupled Weight Decay Regularization. ICLR.
    """
    variable = learning_rate_variable(optimizer)
    rate = None
    if variable is not None:
        rate = state[_index(optimizer.variables, variable)].read_value() * rate_scale
    if weight_decay is not None:
        for weight in trainable:
            if weight.shape.rank > 1:
                weight.assign(weight * (1.0 - rate * weight_decay))
    rule = _FUSED.get(type(optimizer))
    if rule is None or rate is None or not _is_plain(optimizer, weights):
        learning_rate = {} if variable is None else {id(variable): rate}
        with _standing_for([*weights, *optimizer.variables], [*trainable, *state], learning_rate):
            optimizer.apply(list(gradients), list(weights))
        return
    rule(optimizer, trainable, state, gradients, rate)
    state[_index(optimizer.variables, optimizer.iterations)].assign_add(1)


def _is_plain(optimizer: keras.optimizers.Optimizer, weights: Sequence[keras.Variable]) -> bool:
    """Say whether nothing is asked for but the rule itself."""
    extras = (
        *("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "amsgrad"),
        *("loss_scale_factor", "gradient_accumulation_steps"),
    )
    return not (
        any(getattr(optimizer, name, None) for name in extras)
        or any(weight.constraint is not None for weight in weights)
    )


@contextlib.contextmanager
def _standing_for(
    variables: Sequence[keras.Variable], values: Sequence[Any], others: Mapping[int, Any]
) -> Iterator[None]:
    """Let Keras' variables stand for those that the compiled function was given.

    Keras' rules have no stateless form on TensorFlow: they update the variables that the optimizer
    holds. While a step is traced, these are the ones that the step is called with. `others` are
    values by the identity of their variable.
    """
    with contextlib.ExitStack() as stack:
        for variable, value in zip(variables, values, strict=True):
            stack.enter_context(variable_value(variable, others.get(id(variable), value)))
        yield


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
    if not optimizer.momentum:
        for variable, gradient in zip(trainable, gradients, strict=True):
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
        return
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


_FUSED = {keras.optimizers.Adam: _adam, keras.optimizers.SGD: _sgd}


def _index(variables: Sequence[Any], wanted: Any) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
