"""The compiled training step of a network."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from skmlclf.networks import Network, auxiliary_logits_of, logits_of
from skmlclf.training._averages import averaged, update_averages
from skmlclf.training._batches import Entries, Share, SparseWeights
from skmlclf.training._exchange import Exchange
from skmlclf.training._gradients import gradients_for
from skmlclf.training._optimizers import apply_gradients
from skmlclf.training._programs import compile_once, variables_of
from skmlclf.training.losses import Loss


def make_step(
    network: Network,
    model: keras.Model,
    loss: Loss,
    *,
    weighted_rows: bool,
    weighted_labels: bool,
    entry_weights: str | None,
    decay: bool,
    mean_over_labels: bool,
    averages: bool,
    n_workers: int = 1,
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
    entry_weights : {"sparse", "dense"} or None
        How single entries of the loss are weighted.
    decay : bool
        Whether the kernels decay.
    mean_over_labels : bool
        Whether the gradient is that of the mean over rows and labels, instead of the mean over
        rows of the sum over labels.
    averages : bool
        Whether averages of the weights are kept.
    n_workers : int, default=1
        How many workers train together, each on its share of every batch. The gradients, the loss
        and the statistics of batch normalisations are those of the whole batch, so that the
        variables stay equal everywhere.

    Returns
    -------
    callable
        ``step(trainable, non_trainable, state, x, positives, starts, row_weight, entry_weight,
        share, rate_scale, label_weights, weight_decay, averages, momentum, key)`` returning the
        sum of the weighted losses of the output units; the variables are updated in place. The
        arrays are those of a `Chunk`, `key` is that of an `Exchange`.

    Raises
    ------
    ValueError
        If a layer cannot be compiled.
    """
    heads = [logits_of(model), *auxiliary_logits_of(network, model)]
    stateless = keras.Model(model.inputs, heads)
    optimizer, keras_weights = model.optimizer, model.trainable_variables
    terms_per_row = loss.terms_per_row(network.n_outputs)
    terms_per_gradient = terms_per_row if mean_over_labels else 1
    gradients_of = gradients_for(network.precision)

    def one_step(
        trainable: list[tf.Variable],
        non_trainable: list[tf.Variable],
        state: list[tf.Variable],
        x: Any,
        rows: Any,
        cols: Any,
        row_weight: Any,
        entry_weight: Any,
        exchange: Exchange | None,
        rate_scale: Any,
        label_weights: Any,
        weight_decay: Any,
        average_variables: Any,
        momentum: Any,
    ) -> Any:
        weights = [v.read_value() for v in trainable]
        others = [v.read_value() for v in non_trainable]
        whole_batch: Any = contextlib.nullcontext()
        added = [None] * len(others)
        if exchange is not None:
            whole_batch = exchange.applied_to(stateless)
            added = exchange.own_seeds(stateless, non_trainable)
            others = [
                v if more is None else v + more for v, more in zip(others, added, strict=True)
            ]
        with tf.compat.v1.get_default_graph().gradient_override_map(gradients_of), whole_batch:
            outputs, updated, penalties = stateless.stateless_call(
                weights, others, x, training=True, return_losses=True
            )
        outputs = [tf.cast(logits, tf.float32) for logits in tf.nest.flatten(outputs)]
        n_rows = n_rows_here = tf.cast(tf.shape(x)[0], tf.float32)
        if exchange is not None:
            n_rows = tf.cast(exchange.share.n_rows, tf.float32)
        weight = (row_weight if weighted_rows else 1.0) / (n_rows * terms_per_gradient)
        losses = [
            loss.value_and_gradient(logits, rows, cols, weight, label_weights, entry_weight)
            for logits in outputs
        ]
        # Every head is trained; what is reported is comparable with the loss of held-out rows.
        total = losses[0][0]
        upstream = [gradient for _, gradient in losses]
        if penalties:
            # Keras adds them to the mean over the terms, and the gradient may be of their sum.
            penalty = tf.add_n([tf.cast(each, tf.float32) for each in penalties])
            penalty *= terms_per_row / terms_per_gradient
            if exchange is not None:
                # Of the weights they are the same everywhere, of the rows means over a share.
                penalty *= n_rows_here / n_rows
            outputs.append(penalty)
            upstream.append(tf.ones([]))
            total += penalty
        gradients = tf.gradients(
            outputs, weights, grad_ys=upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        if exchange is not None:
            # In the shapes of the weights, which a gradient may not tell.
            gradients = [tf.reshape(g, v.shape) for g, v in zip(gradients, trainable, strict=True)]
            *gradients, total = exchange.sum_all([*gradients, total])
        apply_gradients(
            optimizer, keras_weights, trainable, state, gradients, rate_scale, weight_decay
        )
        for variable, old, new, more in zip(non_trainable, others, updated, added, strict=True):
            if new is not old:
                variable.assign(new if more is None else new - more)
        if averages:
            update_averages(average_variables, averaged(trainable, non_trainable), momentum)
        return total * n_rows * (terms_per_gradient / terms_per_row)

    def steps(
        trainable: list[tf.Variable],
        non_trainable: list[tf.Variable],
        state: list[tf.Variable],
        x: Any,
        positives: Entries,
        starts: Any,
        row_weight: Any,
        entry_weight: Any,
        share: Share | None,
        rate_scale: Any,
        label_weights: Any,
        weight_decay: Any,
        average_variables: Any,
        momentum: Any,
        key: Any,
    ) -> Any:
        def body(i: Any, total: Any) -> tuple[Any, Any]:
            exchange = None
            if share is not None:
                exchange = Exchange(n_workers, key, Share(share.first[i], share.n_rows[i]))
            start, stop = starts[i], starts[i + 1]
            first, last = positives.offsets[i], positives.offsets[i + 1]
            total += one_step(
                trainable,
                non_trainable,
                state,
                x[start:stop],
                positives.rows[first:last] - start,
                positives.cols[first:last],
                row_weight[start:stop],
                _of_batch(entry_weight, i, start, stop, network.n_outputs),
                exchange,
                rate_scale[i],
                label_weights,
                weight_decay,
                average_variables,
                momentum[i] if averages else None,
            )
            return i + 1, total

        n_steps = tf.shape(rate_scale)[0]
        return tf.while_loop(lambda i, _: i < n_steps, body, (0, 0.0), parallel_iterations=1)[1]

    vector, ids = tf.TensorSpec([None]), tf.TensorSpec([None], tf.int32)
    labels = tf.TensorSpec([network.n_outputs])
    stored = Entries(ids, ids, ids)
    entries = {
        None: None,
        "sparse": SparseWeights(stored, vector, tf.TensorSpec([])),
        "dense": tf.TensorSpec([None, network.n_outputs]),
    }[entry_weights]
    variables = variables_of(model)
    weights = averaged(*variables[:2])
    try:
        return compile_once(
            steps,
            *variables,
            tf.TensorSpec([None, network.n_features]),
            stored,
            ids,
            vector,
            entries,
            Share(ids, ids) if n_workers > 1 else None,
            vector,
            (labels, labels) if weighted_labels else None,
            tf.TensorSpec([]) if decay else None,
            [tf.Variable(v) for v in weights] if averages else None,
            vector if averages else None,
            tf.TensorSpec([], tf.int32) if n_workers > 1 else None,
        )
    finally:
        # Traced once for every size: what the trace read is let go, or the first model's weights
        # would live as long as the program.
        stateless = optimizer = keras_weights = None


def _of_batch(entry_weight: Any, i: Any, start: Any, stop: Any, n_outputs: int) -> Any:
    """Return the weights of a batch's entries as a matrix; None where there are none."""
    if entry_weight is None:
        return None
    if not isinstance(entry_weight, SparseWeights):
        return entry_weight[start:stop]
    entries, values, default = entry_weight
    first, last = entries.offsets[i], entries.offsets[i + 1]
    pairs = tf.stack([entries.rows[first:last] - start, entries.cols[first:last]], axis=1)
    return tf.tensor_scatter_nd_update(
        tf.fill([stop - start, n_outputs], default), pairs, values[first:last]
    )
