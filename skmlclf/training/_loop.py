"""The training loop: epochs over batches."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf

from skmlclf.networks import Network
from skmlclf.training._averages import WeightAverages
from skmlclf.training._batches import Chunk
from skmlclf.training._optimizers import optimizer_key
from skmlclf.training._programs import cached_program, variables_of
from skmlclf.training._step import make_step
from skmlclf.training._workers import Workers
from skmlclf.training.losses import LOSSES

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class DivergedError(ValueError):
    """Training diverged: the loss or the weights are not finite."""

    on_every_worker = True


class Batches(Protocol):
    """Where the rows of an epoch come from: arrays now, any other source with these members."""

    n_rows: int
    n_batches: int

    @property
    def weighted(self) -> bool:
        """Whether rows have factors of their own."""

    @property
    def entry_weights(self) -> str | None:
        """How single entries are weighted: "sparse", "dense", or not at all."""

    def epoch(
        self,
        rng: np.random.RandomState | None = None,
        *,
        single: bool = False,
        first: int = 0,
        cuts: Sequence[int] = (),
    ) -> Iterator[Chunk]:
        """Yield the chunks of one pass from a batch on, shuffled by `rng`.

        They are of one batch each where `single`, and never go across one of the `cuts`.
        """


class Position(NamedTuple):
    """How far a fit has come.

    Attributes
    ----------
    epoch : int
        Number of the epoch that runs, or that comes next.
    rng : RandomState
        The generator as it was before this epoch's order of rows was drawn.
    n_batches : int, default=0
        Batches of the epoch that are done.
    loss, weight : float, default=0.0
        Sums over these batches, of which the epoch's loss is the quotient.
    stops : bool, default=False
        Whether a callback has asked to stop.
    finished : bool, default=False
        Whether the fit has ended, so that there is nothing to resume.
    """

    epoch: int
    rng: np.random.RandomState
    n_batches: int = 0
    loss: float = 0.0
    weight: float = 0.0
    stops: bool = False
    finished: bool = False


def train(
    network: Network,
    model: keras.Model,
    batches: Batches,
    *,
    epochs: range,
    rng: np.random.RandomState,
    label_weights: tuple[np.ndarray, np.ndarray] | None = None,
    weight_decay: float = 0.0,
    label_reduction: str = "sum",
    schedule: Callable[[np.ndarray], np.ndarray] | None = None,
    averages: WeightAverages | None = None,
    evaluate: Callable[[], dict[str, float]] = dict,
    callbacks: Sequence[Any] = (),
    params: Mapping[str, Any] | None = None,
    start: Position | None = None,
    save: Callable[[Position], None] | None = None,
    save_every: int | None = None,
    workers: Workers | None = None,
    devices: Sequence[str] = (),
) -> None:
    """Train a compiled model in place.

    Parameters
    ----------
    network : Network
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
    label_reduction : {"sum", "mean"}, default="sum"
        What the gradient of a row is of: the sum of its terms, or as in Keras their mean. A mean
        over thousands of labels brings it down to Adam's epsilon, which then slows the rare labels
        most.
    schedule : callable or None
        From the numbers of steps, counted from the first epoch's start, to factors of the learning
        rate.
    averages : WeightAverages or None
        Averages of the model's weights, which the model has whenever an epoch has ended and its
        callbacks are called, and after the fit.
    evaluate : callable, default=dict
        Called after each epoch; what it returns joins the epoch's logs.
    callbacks : sequence of keras.callbacks.Callback
        Each is handed the same dictionary of logs after an epoch, so that it can add to it. The
        fit stops when one sets ``model.stop_training``. Where one overrides a hook of batches, the
        compiled step is called for one batch at a time, and the hook around each.
    params : mapping or None
        What joins the parameters that Keras tells callbacks of a fit.
    start : Position or None, default=None
        Where to resume a fit of these epochs whose variables the model has; None starts it.
    save : callable or None, default=None
        Called before the first step, and then every so often, with what `start` has to be for the
        fit to be resumed from the variables that the model, and the averages, have at that
        moment.
    save_every : int or None, default=None
        Steps between the calls of `save`; None stands for those of an epoch, after its callbacks.
    workers : Workers or None, default=None
        Who trains together, each on its share of `batches`; they stop when a callback on any of
        them asks for it.
    devices : sequence of str, default=()
        Devices of this process that train together, each on its part of `batches`.

    Raises
    ------
    ValueError
        If a layer cannot be compiled.
    DivergedError
        If the loss or the weights are no longer finite.
    """
    loss = LOSSES[network.output]
    choices: dict[str, Any] = {
        "weighted_rows": batches.weighted,
        "weighted_labels": label_weights is not None,
        "entry_weights": batches.entry_weights,
        "decay": weight_decay > 0,
        "mean_over_labels": label_reduction == "mean",
        "averages": averages is not None,
        "n_workers": 1 if workers is None else workers.size,
        "devices": tuple(devices),
    }
    step = cached_program(
        ("step", network, loss, optimizer_key(model.optimizer), *choices.values()),
        lambda: make_step(network, model, loss, **choices),
    )
    variables = variables_of(model)
    labels = None if label_weights is None else tuple(map(_float_tensor, label_weights))
    decay = _float_tensor(weight_decay) if weight_decay > 0 else None
    key = None if workers is None else tf.constant(workers.new_keys(), tf.int32)

    def run(chunk: Chunk, first_step: int) -> float:
        numbers = first_step + np.arange(chunk.n_batches)
        scale = np.ones(len(numbers)) if schedule is None else schedule(numbers)
        arrays = map(_tensors, chunk[:-3])
        moving: tuple[Any, Any] = (None, None)
        if averages is not None:
            moving = averages.variables, _float_tensor(averages.factors(numbers))
        return float(step(*variables, *arrays, _float_tensor(scale), labels, decay, *moving, key))

    if start is not None:
        rng.set_state(start.rng.get_state())
    position = start or Position(epochs.start, copy.deepcopy(rng))
    model.stop_training = position.stops
    for callback in callbacks:
        callback.set_params(
            {
                "epochs": epochs.stop,
                "n_epochs": epochs.stop - position.epoch,
                "steps": batches.n_batches,
                "rows": batches.n_rows,
                "verbose": 0,
                **(params or {}),
            }
        )
        callback.set_model(model)
    try:
        _notify(callbacks, "on_train_begin", {})
        if save is not None:
            save(position)
        logs: dict[str, float] = {}
        # A fit that was stopped between two batches still has to end that epoch.
        while position.epoch < epochs.stop and (position.n_batches or not position.stops):
            epoch = position.epoch
            _notify(callbacks, "on_epoch_begin", epoch, {})
            if averages is not None and position.n_batches == 0 and epoch > epochs.start:
                averages.swap()
            first_step = (epoch - epochs.start) * batches.n_batches
            logs = {
                "loss": _run_epoch(
                    run,
                    model,
                    batches,
                    first_step,
                    rng,
                    callbacks,
                    position,
                    save,
                    save_every,
                    workers,
                )
            }
            _check_finite(logs["loss"], variables[0], epoch)
            if averages is not None:
                averages.swap()
            logs.update(evaluate())
            _notify(callbacks, "on_epoch_end", epoch, logs)
            if workers is not None:
                model.stop_training = workers.any(model.stop_training)
            position = Position(epoch + 1, copy.deepcopy(rng), stops=bool(model.stop_training))
            if save is not None and save_every is None:
                save(position)
        # Without effect but for optimizers that average the weights.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        _notify(callbacks, "on_train_end", logs)
    except BaseException:
        # Keras has no event for it; callbacks of this package close what they have opened.
        _notify_ours(callbacks, "on_train_abort")
        raise


def _run_epoch(
    run: Callable[[Chunk, int], float],
    model: keras.Model,
    batches: Batches,
    first_step: int,
    rng: np.random.RandomState,
    callbacks: Sequence[Any],
    position: Position,
    save: Callable[[Position], None] | None,
    save_every: int | None,
    workers: Workers | None,
) -> float:
    by_batch = [callback for callback in callbacks if _watches_batches(callback)]
    done, total, weight = position.n_batches, position.loss, position.weight
    # Numbers of the batches before which a multiple of that many steps is done.
    cuts = range(0)
    if save is not None and save_every is not None:
        cuts = range(save_every - first_step % save_every, batches.n_batches + 1, save_every)
    for chunk in batches.epoch(rng, single=bool(by_batch), first=done, cuts=cuts):
        if position.stops:
            break
        _notify(by_batch, "on_train_batch_begin", done, {})
        total += run(chunk, first_step + done)
        weight += chunk.weight
        done += chunk.n_batches
        # Keras' logs of a batch are means over the epoch so far.
        _notify(by_batch, "on_train_batch_end", done - 1, {"loss": total / weight})
        _notify_ours(callbacks, "on_progress", done, {"loss": total / weight})
        stops = bool(model.stop_training)
        if workers is not None:
            # Every worker has to end with the same batch.
            stops = bool(by_batch) and workers.any(stops)
        if save is not None and done in cuts:
            save(position._replace(n_batches=done, loss=total, weight=weight, stops=stops))
        if stops:
            model.stop_training = True
            break
    return total / weight


def _check_finite(loss: float, weights: Sequence[tf.Variable], epoch: int) -> None:
    # The loss of a step is that of the weights before it, so the last step is not in it.
    if np.isfinite(loss) and all(tf.reduce_all(tf.math.is_finite(weight)) for weight in weights):
        return
    reason = f"its loss is {loss}" if not np.isfinite(loss) else "its weights are not finite"
    raise DivergedError(
        f"Training diverged in epoch {epoch + 1}: {reason}. Lower learning_rate, or scale the"
        " features."
    )


def _watches_batches(callback: Any) -> bool:
    """Say whether a callback overrides one of the hooks that Keras calls around each batch."""
    base = keras.callbacks.Callback
    if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch":
        return False
    return any(getattr(type(callback), h) is not getattr(base, h) for h in _BATCH_HOOKS)


def _notify(callbacks: Sequence[Any], event: str, *args: Any) -> None:
    for callback in callbacks:
        getattr(callback, event)(*args)


def _notify_ours(callbacks: Sequence[Any], event: str, *args: Any) -> None:
    """Call a hook that Keras does not know, of the callbacks that have it."""
    for callback in callbacks:
        hook = getattr(callback, event, None)
        if hook is not None:
            hook(*args)


def _tensors(value: Any) -> Any:
    """Return an array, or named arrays, as tensors; None stays None."""
    if isinstance(value, tuple):
        return type(value)(*map(_tensors, value))
    return None if value is None else tf.constant(value)


def _float_tensor(value: Any) -> Any:
    return tf.constant(np.asarray(value, dtype=np.float32))
