"""Epochs over batches: the one loop behind every fit."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from skmlclf.networks import MLPNetwork
from skmlclf.training._batches import Chunk
from skmlclf.training._programs import cached_program, make_step, variables_of


class Batches(Protocol):
    """Where the rows of an epoch come from: arrays now, any other source with these members."""

    batch_size: int
    n_batches: int
    weighted: bool

    def epoch(self, rng: np.random.RandomState | None = None) -> Iterator[Chunk]:
        """Yield the chunks of one pass, shuffled by `rng`."""


def train(
    network: MLPNetwork,
    model: keras.Model,
    batches: Batches,
    *,
    epochs: range,
    rng: np.random.RandomState,
    label_weights: tuple[np.ndarray, np.ndarray] | None = None,
    weight_decay: float = 0.0,
    schedule: Callable[[np.ndarray], np.ndarray] | None = None,
    evaluate: Callable[[], dict[str, float]] = dict,
    callbacks: Sequence[Any] = (),
) -> None:
    """Train a compiled model in place.

    Parameters
    ----------
    network : MLPNetwork
        Structure of the model.
    model : keras.Model
        Compiled; its weights and its optimizer's state are updated.
    batches : Batches
        Source of the rows.
    epochs : range
        Numbers of the epochs to run.
    rng : RandomState
        Shuffles each epoch.
    label_weights : tuple of ndarrays of shape (n_outputs,), or None
        Weights of each label's absence and presence in the loss.
    weight_decay : float, default=0.0
        Decoupled decay of the kernels, per unit of learning rate.
    schedule : callable or None
        From the numbers of steps, counted from the first epoch's start, to factors of the learning
        rate.
    evaluate : callable, default=dict
        Called after each epoch; what it returns joins the epoch's logs.
    callbacks : sequence of keras.callbacks.Callback
        Each is handed the same dictionary of logs after an epoch, so that it can add to it. The
        fit stops when one sets ``model.stop_training``.
    """
    choices = {
        "weighted_rows": batches.weighted,
        "weighted_labels": label_weights is not None,
        "decay": weight_decay > 0,
    }
    step = cached_program(
        ("step", network, model.optimizer.name, *choices.values()),
        lambda: make_step(network, model, **choices),
    )
    variables = variables_of(model)
    batch_size = tf.constant(batches.batch_size)
    labels = None if label_weights is None else tuple(map(_float_tensor, label_weights))
    decay = _float_tensor(weight_decay) if weight_decay > 0 else None

    def run(chunk: Chunk, first_step: int) -> float:
        numbers = first_step + np.arange(len(chunk.offsets) - 1)
        scale = np.ones(len(numbers)) if schedule is None else schedule(numbers)
        arrays = map(tf.constant, chunk)
        return float(step(*variables, *arrays, _float_tensor(scale), batch_size, labels, decay))

    model.stop_training = False
    for callback in callbacks:
        callback.set_params(
            {
                "epochs": epochs.stop,
                "n_epochs": len(epochs),
                "steps": batches.n_batches,
                "verbose": 0,
            }
        )
        callback.set_model(model)
    try:
        _notify(callbacks, "on_train_begin", {})
        logs: dict[str, float] = {}
        for epoch in epochs:
            _notify(callbacks, "on_epoch_begin", epoch, {})
            first_step = (epoch - epochs.start) * batches.n_batches
            logs = {"loss": _run_epoch(run, batches, first_step, rng, callbacks)}
            if not np.isfinite(logs["loss"]):
                raise ValueError(
                    f"Training diverged: the loss of epoch {epoch + 1} is {logs['loss']}. Lower"
                    " learning_rate, or scale the features."
                )
            logs.update(evaluate())
            _notify(callbacks, "on_epoch_end", epoch, logs)
            if model.stop_training:
                break
        _notify(callbacks, "on_train_end", logs)
    except BaseException:
        # Keras has no event for it; ours close what they have opened.
        for callback in callbacks:
            getattr(callback, "on_train_abort", lambda: None)()
        raise


def _run_epoch(
    run: Callable[[Chunk, int], float],
    batches: Batches,
    first_step: int,
    rng: np.random.RandomState,
    callbacks: Sequence[Any],
) -> float:
    total, weight, done = 0.0, 0.0, 0
    for chunk in batches.epoch(rng):
        _notify(callbacks, "on_train_batch_begin", done, {})
        total += run(chunk, first_step + done)
        weight += float(chunk.row_weight.sum(dtype=np.float64))
        done += len(chunk.offsets) - 1
        _notify(callbacks, "on_train_batch_end", done - 1, {"loss": total / weight})
    return total / weight


def _notify(callbacks: Sequence[Any], event: str, *args: Any) -> None:
    for callback in callbacks:
        getattr(callback, event)(*args)


def _float_tensor(value: Any) -> Any:
    return tf.constant(np.asarray(value, dtype=np.float32))
