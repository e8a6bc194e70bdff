"""Compiled functions of a network, shared by every estimator whose network is equal.

A program owns no weights: its functions take the variables they work on. A second fit of the same
structure therefore runs what the first one compiled, whatever its seed, rates and class weights,
and fits in several threads share one program safely.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import keras
import tensorflow as tf

from skmlclf.networks import MLPNetwork, logits_of
from skmlclf.training._best_columns import best_columns
from skmlclf.training._gradients import FAST_GRADIENTS
from skmlclf.training._losses import sigmoid_cross_entropy, softmax_cross_entropy
from skmlclf.training._optimizers import apply_gradients

Program = TypeVar("Program")

TINY = 1e-37
HALF_ULP = 2.0**-24
_MAX_PROGRAMS = 64
_programs: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.RLock()


def cached_program(key: Hashable, make: Callable[[], Program]) -> Program:
    """Return the program of a key, making it if it is not among the last ones used.

    Parameters
    ----------
    key : hashable
        All that decides what is compiled.
    make : callable
        Makes the program.

    Returns
    -------
    program
    """
    with _lock:
        if key not in _programs:
            _programs[key] = make()
            if len(_programs) > _MAX_PROGRAMS:
                _programs.popitem(last=False)
        _programs.move_to_end(key)
        return _programs[key]


def clear_programs() -> None:
    """Forget every compiled program."""
    with _lock:
        _programs.clear()


def make_step(
    network: MLPNetwork,
    model: keras.Model,
    *,
    weighted_rows: bool,
    weighted_labels: bool,
    decay: bool,
) -> Callable[..., Any]:
    """Compile the training of a network: several steps an execution, any batch size.

    Parameters
    ----------
    network : MLPNetwork
        Structure of the model.
    model : keras.Model
        Compiled model of that structure. It lends its layers and its optimizer's rule while the
        function is traced and is not kept.
    weighted_rows : bool
        Whether the rows carry weights of their own.
    weighted_labels : bool
        Whether the labels' terms carry weights of their own.
    decay : bool
        Whether the kernels decay.

    Returns
    -------
    callable
        ``step(trainable, non_trainable, state, x, rows, cols, offsets, row_weight, rate_scale,
        batch_size, label_weights, weight_decay)`` returning the sum of the weighted losses; the
        variables are updated in place. `offsets` says where the positives of each batch start.
    """
    stateless = keras.Model(model.inputs, logits_of(model))
    optimizer = model.optimizer
    terms_a_row = _terms_a_row(network)
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
            logits, updated = stateless.stateless_call(weights, others, x, training=True)
        logits = tf.cast(logits, tf.float32)
        # The slope is that of a row's log-likelihood, the sum over its labels. A mean over
        # thousands of labels would bring the gradients down to Adam's epsilon, which then slows
        # the rare labels most.
        n_rows = tf.cast(tf.shape(x)[0], tf.float32)
        weight = (row_weight if weighted_rows else 1.0) / n_rows
        total, slope = _cross_entropy(network.output, logits, rows, cols, weight, label_weights)
        gradients = tf.gradients(logits, weights, grad_ys=slope)
        apply_gradients(optimizer, trainable, state, gradients, rate_scale, weight_decay)
        for variable, old, new in zip(non_trainable, others, updated, strict=True):
            if new is not old:
                variable.assign(new)
        return total * n_rows / terms_a_row

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
    compiled = tf.function(steps, autograph=False)
    compiled.get_concrete_function(
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
    # Traced once for every size: what the trace read is let go, or the first model's weights would
    # live as long as the program.
    stateless = optimizer = None
    return compiled


def make_forward(network: MLPNetwork, model: keras.Model, kind: str) -> Callable[..., Any]:
    """Compile a forward pass of a network, for any number of rows.

    Parameters
    ----------
    network : MLPNetwork
        Structure of the model.
    model : keras.Model
        Any model of that structure; it lends its layers while the function is traced.
    kind : {"logits", "probabilities", "decisions", "best", "evaluate"}
        What the function returns.

        - ``"logits"``, ``"probabilities"``: ``f(trainable, non_trainable, x)``, an array of shape
          ``(n_rows, n_outputs)``.
        - ``"decisions"``: ``f(trainable, non_trainable, x)``, the pairs (row, output) whose
          probability is above one half, in row-major order.
        - ``"best"``: ``f(trainable, non_trainable, x, k)``, outputs and probabilities of the `k`
          best, each ``(n_rows, k)``, ties of logits to the lower output.
        - ``"evaluate"``: ``f(trainable, non_trainable, x, k, rows, cols, row_weight)``, the
          weighted sum of the losses, and what ``"decisions"`` and ``"best"`` return.

    Returns
    -------
    callable
    """
    run = cached_program(("forward", network), lambda: _make_logits(network, model))

    def logits(*args: Any) -> Any:
        return run(*args)

    def probabilities(*args: Any) -> Any:
        return _to_probabilities(network.output, run(*args))

    def decisions(*args: Any) -> Any:
        return _decide(network.output, run(*args))

    def best(trainable: Any, non_trainable: Any, x: Any, k: Any) -> Any:
        return _best(network.output, run(trainable, non_trainable, x), k)

    def evaluate(
        trainable: Any, non_trainable: Any, x: Any, k: Any, rows: Any, cols: Any, row_weight: Any
    ) -> Any:
        z = run(trainable, non_trainable, x)
        total, _ = _cross_entropy(network.output, z, rows, cols, row_weight, None)
        return (
            total / _terms_a_row(network),
            *_best(network.output, z, k),
            _decide(network.output, z),
        )

    ids = tf.TensorSpec([None], tf.int32)
    more = {
        "best": [tf.TensorSpec([], tf.int32)],
        "evaluate": [tf.TensorSpec([], tf.int32), ids, ids, tf.TensorSpec([None])],
    }
    functions = (logits, probabilities, decisions, best, evaluate)
    compiled = tf.function({f.__name__: f for f in functions}[kind], autograph=False)
    trainable, non_trainable, _ = variables_of(model)
    compiled.get_concrete_function(
        trainable, non_trainable, tf.TensorSpec([None, network.n_features]), *more.get(kind, ())
    )
    return compiled


def variables_of(
    model: keras.Model,
) -> tuple[list[tf.Variable], list[tf.Variable], list[tf.Variable]]:
    """Return the TensorFlow variables that the compiled functions take.

    Parameters
    ----------
    model : keras.Model
        Compiled or not.

    Returns
    -------
    trainable, non_trainable, state : lists of tf.Variable
        Weights, statistics and seeds, and the optimizer's state.
    """
    state = model.optimizer.variables if model.compiled else []
    return (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
        [v.value for v in state],
    )


def _cross_entropy(
    output: str, logits: Any, rows: Any, cols: Any, row_weight: Any, label_weights: Any
) -> tuple[Any, Any]:
    """Sum the losses of independent labels or of exclusive classes, and their slope."""
    if output == "softmax":
        return softmax_cross_entropy(logits, rows, cols, row_weight)
    return sigmoid_cross_entropy(logits, rows, cols, row_weight, *(label_weights or ()))


def _terms_a_row(network: MLPNetwork) -> int:
    """Return how many terms a row's loss is the mean of, the independent labels."""
    return network.n_outputs if network.output == "sigmoid" else 1


def _make_logits(network: MLPNetwork, model: keras.Model) -> Callable[..., Any]:
    """Compile what all forward passes of a network have in common, for one trace of its layers."""
    stateless = keras.Model(model.inputs, logits_of(model))

    def run(trainable: list[tf.Variable], non_trainable: list[tf.Variable], x: Any) -> Any:
        logits, _ = stateless.stateless_call(
            [v.read_value() for v in trainable],
            [v.read_value() for v in non_trainable],
            x,
            training=False,
        )
        return tf.cast(logits, tf.float32)

    compiled = tf.function(run, autograph=False)
    compiled.get_concrete_function(
        *variables_of(model)[:2], tf.TensorSpec([None, network.n_features])
    )
    stateless = None  # as in make_step
    return compiled


def _to_probabilities(output: str, logits: Any) -> Any:
    # Single precision rounds a sure sigmoid to 0 or 1, and a logarithm of that is infinite.
    return tf.clip_by_value(_LINKS[output](logits), TINY, 1.0 - HALF_ULP)


def _best(output: str, logits: Any, k: Any) -> tuple[Any, Any]:
    values, labels = best_columns(logits, k)
    if output == "sigmoid":
        return labels, _to_probabilities(output, values)
    return labels, tf.gather(_to_probabilities(output, logits), labels, batch_dims=1)


def _decide(output: str, logits: Any) -> Any:
    return tf.cast(tf.where(_LINKS[output](logits) > 0.5), tf.int32)


_LINKS = {"sigmoid": tf.sigmoid, "softmax": tf.nn.softmax}
