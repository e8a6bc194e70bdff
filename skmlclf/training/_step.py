"""The compiled training step of a network."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from skmlclf.networks import Network, auxiliary_logits_of, logits_of
from skmlclf.training._averages import averaged, update_averages
from skmlclf.training._batches import Entries, Share, SparseWeights
from skmlclf.training._devices import DeviceExchange, Lockstep
from skmlclf.training._exchange import Exchange, WorkerExchange, with_whole_batches
from skmlclf.training._gradients import gradients_for
from skmlclf.training._optimizers import apply_gradients
from skmlclf.training._programs import compile_once, variables_of
from skmlclf.training.losses import Loss


class Part(NamedTuple):
    """The rows of a batch that are one device's, all of them where there is one.

    Attributes
    ----------
    x : tensor of shape (n_rows, n_features)
        Features.
    rows, cols : tensors of shape (n_entries,)
        Row and column of each label that is present.
    row_weight : tensor of shape (n_rows,)
        Factor of each row's loss.
    entry_weight : tensor of shape (n_rows, n_outputs) or None
        Factors of the single entries of the loss.
    exchange : Exchange or None
        With those that have the other rows.
    device : str or None
        Where it is computed; None leaves that to TensorFlow.
    """

    x: Any
    rows: Any
    cols: Any
    row_weight: Any
    entry_weight: Any
    exchange: Exchange | None
    device: str | None


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
    devices: Sequence[str] = (),
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
    devices : sequence of str, default=()
        Devices of this process that train together in the same way; empty where one has all rows.

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
    n_parts = max(1, len(devices))

    def forward(weights: list[Any], others: list[Any], part: Part) -> tuple[Any, Any, Any]:
        """Return the outputs of a part of the batch, the new statistics and the penalties."""
        if part.exchange is None:
            result: tuple[Any, Any, Any] = stateless.stateless_call(
                weights, others, part.x, training=True, return_losses=True
            )
            return result
        added = part.exchange.own_seeds(stateless, others)
        own = [v if more is None else v + more for v, more in zip(others, added, strict=True)]
        with tf.device(part.device), part.exchange.active():
            # Sent to the device once.
            weights = [tf.identity(weight) for weight in weights]
            outputs, updated, penalties = stateless.stateless_call(
                weights, own, part.x, training=True, return_losses=True
            )
        updated = [v if more is None else v - more for v, more in zip(updated, added, strict=True)]
        return outputs, updated, penalties

    def one_step(
        trainable: list[tf.Variable],
        non_trainable: list[tf.Variable],
        state: list[tf.Variable],
        parts: list[Part],
        lockstep: Lockstep | None,
        n_rows: Any,
        rate_scale: Any,
        label_weights: Any,
        weight_decay: Any,
        average_variables: Any,
        momentum: Any,
    ) -> Any:
        weights = [v.read_value() for v in trainable]
        others = [v.read_value() for v in non_trainable]
        calls = [partial(forward, weights, others, part) for part in parts]
        exchange = parts[0].exchange
        whole_batches: Any = contextlib.nullcontext()
        if exchange is not None:
            whole_batches = with_whole_batches(stateless)
        with tf.compat.v1.get_default_graph().gradient_override_map(gradients_of), whole_batches:
            results = [call() for call in calls] if lockstep is None else lockstep.run(calls)
        sums, upstream, total = [], [], 0.0
        for part, (outputs, _, penalties) in zip(parts, results, strict=True):
            with tf.device(part.device):
                outputs = [tf.cast(logits, tf.float32) for logits in tf.nest.flatten(outputs)]
                weight = (part.row_weight if weighted_rows else 1.0) / (n_rows * terms_per_gradient)
                losses = [
                    loss.value_and_gradient(
                        logits, part.rows, part.cols, weight, label_weights, part.entry_weight
                    )
                    for logits in outputs
                ]
                # Every head is trained; what is reported is comparable with the loss of held-out
                # rows.
                total += losses[0][0]
                sums += outputs
                upstream += [gradient for _, gradient in losses]
                if penalties:
                    # Keras adds them to the mean over the terms, and the gradient may be of their
                    # sum.
                    penalty = tf.add_n([tf.cast(each, tf.float32) for each in penalties])
                    penalty *= terms_per_row / terms_per_gradient
                    if part.exchange is not None:
                        # Of the weights they are the same everywhere, of the rows means over a
                        # share, which are no numbers where it is empty.
                        fraction = tf.cast(tf.shape(part.x)[0], tf.float32) / n_rows
                        penalty = tf.math.multiply_no_nan(penalty, fraction)
                    total += penalty
                    sums.append(penalty)
                    upstream.append(tf.ones([]))
        # On the devices of what they are the gradients of.
        gradients = tf.compat.v1.gradients(
            sums,
            weights,
            grad_ys=upstream,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
            colocate_gradients_with_ops=bool(devices),
        )
        if exchange is not None and lockstep is None:
            # In the shapes of the weights, which a gradient may not tell.
            gradients = [tf.reshape(g, v.shape) for g, v in zip(gradients, trainable, strict=True)]
            *gradients, total = exchange.sum_all([*gradients, total])
        apply_gradients(
            optimizer, keras_weights, trainable, state, gradients, rate_scale, weight_decay
        )
        # They are the same for every part, but for what layers of a user keep of the rows.
        for variable, old, new in zip(non_trainable, others, results[0][1], strict=True):
            if new is not old:
                variable.assign(new)
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
        def part_of_batch(i: Any, index: int, lockstep: Lockstep | None) -> Part:
            at = i * n_parts + index
            start, stop = starts[at], starts[at + 1]
            first, last = positives.offsets[at], positives.offsets[at + 1]
            exchange: Exchange | None = None
            if share is not None:
                exchange = WorkerExchange(n_workers, key, Share(share.first[i], share.n_rows[i]))
            elif lockstep is not None:
                own = Share(start - starts[i * n_parts], n_rows_of(i))
                exchange = DeviceExchange(lockstep, index, own)
            return Part(
                x[start:stop],
                positives.rows[first:last] - start,
                positives.cols[first:last],
                row_weight[start:stop],
                _of_batch(entry_weight, at, start, stop, network.n_outputs),
                exchange,
                devices[index] if devices else None,
            )

        def n_rows_of(i: Any) -> Any:
            if share is not None:
                return share.n_rows[i]
            return starts[(i + 1) * n_parts] - starts[i * n_parts]

        def body(i: Any, total: Any) -> tuple[Any, Any]:
            lockstep = Lockstep(n_parts) if devices else None
            total += one_step(
                trainable,
                non_trainable,
                state,
                [part_of_batch(i, index, lockstep) for index in range(n_parts)],
                lockstep,
                tf.cast(n_rows_of(i), tf.float32),
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
