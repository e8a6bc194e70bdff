"""The compiled forward passes of a network."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from skmlclf.networks import Network, hidden_layer_of, logits_of
from skmlclf.training._best_columns import best_columns
from skmlclf.training._programs import cached_program, compile_once, variables_of
from skmlclf.training.losses import LOSSES

TINY = 1e-37
HALF_ULP = 2.0**-24


def program_key(network: Network, model: keras.Model) -> tuple[Network, tuple[bool, ...]]:
    """Return all that decides what a forward pass is compiled to.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        Layers of it may have been frozen.

    Returns
    -------
    tuple
        Hashable.
    """
    return network, tuple(variable.trainable for variable in model.variables)


def make_forward(
    network: Network, model: keras.Model, kind: str, layers: Callable[[], keras.Model]
) -> Callable[..., Any]:
    """Compile a forward pass of a network, for any number of rows.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
        Any model of that structure, whose variables the function can take.
    kind : {"logits", "probabilities", "decisions", "best", "best and chosen", "evaluate", \
"evaluate entries"}
        What the function returns.

        - ``"logits"``, ``"probabilities"``: ``f(trainable, non_trainable, x)``, an array of shape
          ``(n_rows, n_outputs)``.
        - ``"decisions"``: ``f(trainable, non_trainable, x)``, the pairs (row, output) whose
          probability is above one half, in row-major order.
        - ``"best"``: ``f(trainable, non_trainable, x, k)``, outputs, logits and probabilities of
          the `k` best, each ``(n_rows, k)``, equal logits in the order of the outputs.
        - ``"best and chosen"``: ``f(trainable, non_trainable, x, k, columns)``, what ``"best"``
          returns, and the probabilities of some columns of each row, of the shape of `columns`.
        - ``"evaluate"``: ``f(trainable, non_trainable, x, k, rows, cols, row_weight,
          entry_weight)``, the weighted sum of the losses, the sum of the layers' regularisation
          losses, and what ``"best"`` and ``"decisions"`` return. The last argument is None, or
          for ``"evaluate entries"`` a matrix.
    layers : callable
        Returns the model that lends its layers while the function is traced.

    Returns
    -------
    callable
    """
    run = cached_program(
        ("forward", *program_key(network, model)), lambda: _make_logits(network, model, layers())
    )
    loss = LOSSES[network.output]

    def logits(*args: Any) -> Any:
        return run(*args)[0]

    def probabilities(*args: Any) -> Any:
        return _clipped(loss.probabilities(run(*args)[0]))

    def decisions(*args: Any) -> Any:
        return decide(run(*args)[0])

    def best(trainable: Any, non_trainable: Any, x: Any, k: Any) -> Any:
        return select(run(trainable, non_trainable, x)[0], k)

    def best_and_chosen(
        trainable: Any, non_trainable: Any, x: Any, k: Any, columns: Any
    ) -> tuple[Any, Any, Any, Any]:
        z = run(trainable, non_trainable, x)[0]
        if network.output == "sigmoid":
            chosen = loss.probabilities(tf.gather(z, columns, batch_dims=1))
        else:
            chosen = tf.gather(loss.probabilities(z), columns, batch_dims=1)
        return *select(z, k), _clipped(chosen)

    def evaluate(
        trainable: Any,
        non_trainable: Any,
        x: Any,
        k: Any,
        rows: Any,
        cols: Any,
        row_weight: Any,
        entry_weight: Any,
    ) -> Any:
        z, penalty = run(trainable, non_trainable, x)
        total, _ = loss.value_and_gradient(z, rows, cols, row_weight, None, entry_weight)
        return total / loss.terms_per_row(network.n_outputs), penalty, *select(z, k), decide(z)

    def decide(z: Any) -> Any:
        return tf.cast(tf.where(loss.probabilities(z) > 0.5), tf.int32)

    def select(z: Any, k: Any) -> tuple[Any, Any, Any]:
        values, labels = best_columns(z, k)
        if network.output == "sigmoid":
            chosen = loss.probabilities(values)
        else:
            chosen = tf.gather(loss.probabilities(z), labels, batch_dims=1)
        return labels, values, _clipped(chosen)

    ids = tf.TensorSpec([None], tf.int32)
    k, row_weight = tf.TensorSpec([], tf.int32), tf.TensorSpec([None])
    more = {
        "best": [k],
        "best and chosen": [k, tf.TensorSpec([None, None], tf.int32)],
        "evaluate": [k, ids, ids, row_weight, None],
        "evaluate entries": [
            *(k, ids, ids, row_weight),
            tf.TensorSpec([None, network.n_outputs]),
        ],
    }
    functions = {
        "logits": logits,
        "probabilities": probabilities,
        "decisions": decisions,
        "best": best,
        "best and chosen": best_and_chosen,
        "evaluate": evaluate,
        "evaluate entries": evaluate,
    }
    return compile_once(
        functions[kind],
        *variables_of(model)[:2],
        tf.TensorSpec([None, network.n_features]),
        *more.get(kind, ()),
    )


def _make_logits(network: Network, model: keras.Model, layers: keras.Model) -> Callable[..., Any]:
    """Compile what all forward passes of a network have in common, for one trace of its layers."""
    stateless = keras.Model(layers.inputs, logits_of(layers))

    def run(
        trainable: list[tf.Variable], non_trainable: list[tf.Variable], x: Any
    ) -> tuple[Any, Any]:
        logits, _, penalties = stateless.stateless_call(
            [v.read_value() for v in trainable],
            [v.read_value() for v in non_trainable],
            x,
            training=False,
            return_losses=True,
        )
        penalty = tf.add_n([tf.cast(p, tf.float32) for p in penalties]) if penalties else 0.0
        return tf.cast(logits, tf.float32), tf.convert_to_tensor(penalty)

    try:
        return compile_once(
            run, *variables_of(model)[:2], tf.TensorSpec([None, network.n_features])
        )
    finally:
        stateless = None  # as in make_step


def make_hidden(
    network: Network, model: keras.Model, layers: Callable[[], keras.Model]
) -> Callable[..., Any]:
    """Compile the forward pass up to the last hidden layer.

    Parameters
    ----------
    network : Network
        Structure of the model.
    model : keras.Model
    layers : callable
        As `make_forward` takes them.

    Returns
    -------
    callable
        ``f(trainable, non_trainable, x)``, an array of shape ``(n_rows, n_hidden)``.

    Raises
    ------
    ValueError
        If the network cannot tell which layer that is.
    """
    lent = layers()
    hidden: Any = keras.Model(lent.inputs, hidden_layer_of(network, lent))
    weights, others = lent.trainable_variables, lent.non_trainable_variables

    def run(trainable: list[tf.Variable], non_trainable: list[tf.Variable], x: Any) -> Any:
        values = [v.read_value() for v in [*trainable, *non_trainable]]
        # By identity: a part of the model has its variables in an order of its own.
        with keras.StatelessScope(zip([*weights, *others], values, strict=True)):
            return tf.cast(hidden(x, training=False), tf.float32)

    try:
        return compile_once(
            run, *variables_of(model)[:2], tf.TensorSpec([None, network.n_features])
        )
    finally:
        hidden = weights = others = None  # as in make_step


def _clipped(probabilities: Any) -> Any:
    # Single precision rounds a sure sigmoid to 0 or 1, and a logarithm of that is infinite.
    return tf.clip_by_value(probabilities, TINY, 1.0 - HALF_ULP)
