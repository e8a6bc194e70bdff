"""The compiled training step of a network."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from skmlclf.networks import Network, logits_of
from skmlclf.training._gradients import FAST_GRADIENTS
from skmlclf.training._optimizers import apply_gradients
from skmlclf.training._programs import compile_once, variables_of
from skmlclf.training._replicas import exchange_gradients
from skmlclf.training.losses import Loss


def make_step(
    network: Network,
    model: keras.Model,
    loss: Loss,
    *,
    weighted_rows: bool,
    weighted_labels: bool,
    decay: bool,
    mean_over_labels: bool,
) -> Callable[..., Any]:
    """Compile the training of a network: several steps per call, any batch size.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        Compiled model of that structure. It lends its layers and its optimizer's rule while the
        function is traced and is not kept.
    loss : Loss
        What is minimised.
    weighted_rows : bool
        Whether the rows carry weights of their own.
    weighted_labels : bool
        Whether the labels' terms carry weights of their own.
    decay : bool
        Whether the kernels decay.
    mean_over_labels : bool
        Whether the gradient is that of the mean over rows and labels, instead of the mean over
        rows of the sum over labels.

    Returns
    -------
    callable
        ``step(trainable, non_trainable, state, x, rows, cols, offsets, row_weight, rate_scale,
        batch_size, label_weights, weight_decay)`` returning the sum of the weighted losses; the
        variables are updated in place. `offsets` says where the positives of each batch start.

    Raises
    ------
    ValueError
        If a layer cannot be compiled.
    """
    stateless = keras.Model(model.inputs, logits_of(model))
    optimizer, keras_weights = model.optimizer, model.trainable_variables
    terms_per_row = loss.terms_per_row(network.n_outputs)
    terms_per_gradient = terms_per_row if mean_over_labels else 1
    gradients_of = FAST_GRADIENTS[network.precision]

    def one_step(
        trainable: list[tf.Variable],
        non_trainable: list[tf.Variable],
        state: list[tf.Variable],
        x: Any,
        rows: Any,
        cols: Any,
        row_weight: Any,
        rate_scale: Any,
        label_weights: Any,
        weight_decay: Any,
    ) -> Any:
        weights = [v.read_value() for v in trainable]
        others = [v.read_value() for v in non_trainable]
        with tf.compat.v1.get_default_graph().gradient_override_map(gradients_of):
            logits, updated, penalties = stateless.stateless_call(
                weights, others, x, training=True, return_losses=True
            )
        logits = tf.cast(logits, tf.float32)
        n_rows = tf.cast(tf.shape(x)[0], tf.float32)
        weight = (row_weight if weighted_rows else 1.0) / (n_rows * terms_per_gradient)
        total, gradient = loss.value_and_gradient(logits, rows, cols, weight, label_weights)
        outputs, upstream = [logits], [gradient]
        if penalties:
            # Keras adds them to the mean over the terms, and the gradient may be of their sum.
            penalty = tf.add_n([tf.cast(each, tf.float32) for each in penalties])
            penalty *= terms_per_row / terms_per_gradient
            outputs.append(penalty)
            upstream.append(tf.ones([]))
            total += penalty
        gradients = tf.gradients(
            outputs, weights, grad_ys=upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        gradients = exchange_gradients(gradients)
        apply_gradients(
            optimizer, keras_weights, trainable, state, gradients, rate_scale, weight_decay
        )
        for variable, old, new in zip(non_trainable, others, updated, strict=True):
            if new is not old:
                variable.assign(new)
        return total * n_rows * (terms_per_gradient / terms_per_row)

    def steps(
        trainable: list[tf.Variable],
        non_trainable: list[tf.Variable],
        state: list[tf.Variable],
        x: Any,
        rows: Any,
        cols: Any,
        offsets: Any,
        row_weight: Any,
        rate_scale: Any,
        batch_size: Any,
        label_weights: Any,
        weight_decay: Any,
    ) -> Any:
        n_rows = tf.shape(x)[0]

        def body(i: Any, total: Any) -> tuple[Any, Any]:
            start = i * batch_size
            stop = tf.minimum(start + batch_size, n_rows)
            first, last = offsets[i], offsets[i + 1]
            total += one_step(
                trainable,
                non_trainable,
                state,
                x[start:stop],
                rows[first:last] - start,
                cols[first:last],
                row_weight[start:stop],
                rate_scale[i],
                label_weights,
                weight_decay,
            )
            return i + 1, total

        n_steps = tf.shape(rate_scale)[0]
        return tf.while_loop(lambda i, _: i < n_steps, body, (0, 0.0), parallel_iterations=1)[1]

    vector, ids = tf.TensorSpec([None]), tf.TensorSpec([None], tf.int32)
    labels = tf.TensorSpec([network.n_outputs])
    try:
        return compile_once(
            steps,
            *variables_of(model),
            tf.TensorSpec([None, network.n_features]),
            ids,
            ids,
            ids,
            vector,
            vector,
            tf.TensorSpec([], tf.int32),
            (labels, labels) if weighted_labels else None,
            tf.TensorSpec([]) if decay else None,
        )
    finally:
        # Traced once for every size: what the trace read is let go, or the first model's weights
        # would live as long as the program.
        stateless = optimizer = keras_weights = None
