"""A fit as one value: prepared and validated first, then run."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from sklearn.utils import check_random_state

from skmlclf._compat import _safe_indexing
from skmlclf.classifiers._agreement import (
    describe_versions,
    measured_by_chief,
    prepared_together,
    refuse_differences,
)
from skmlclf.classifiers._callbacks import FitCallbacks, make_callbacks
from skmlclf.classifiers._checkpointing import NoCheckpoints, Training, checkpoints_of
from skmlclf.classifiers._defaults import resolve_batch_size, resolve_epochs
from skmlclf.classifiers._description import (
    Description,
    describe_data,
    describe_parameters,
    describe_start,
)
from skmlclf.classifiers._held_out import HeldOut, hold_out
from skmlclf.classifiers._history import HistoryRecorder
from skmlclf.classifiers._parameters import check_optimization
from skmlclf.classifiers._rows import Rows, read_rows
from skmlclf.classifiers._sklearn_tasks import SklearnTasks
from skmlclf.classifiers._state import snapshot
from skmlclf.classifiers._targets import Targets
from skmlclf.classifiers._weights import LossWeights
from skmlclf.networks import Network, set_output_bias
from skmlclf.training import (
    DivergedError,
    Position,
    Predictor,
    RowBatches,
    WeightAverages,
    Workers,
    check_process,
    devices_of,
    make_schedule,
    resolve_precision,
    take_share_of_cores,
    train,
)


@dataclass(frozen=True)
class FitData:
    """What `fit` was given."""

    X: Any
    y: Any
    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None

    def taker(self, rows: Rows) -> Any:
        """Return a function that selects these rows from the training data as they were given."""
        return lambda: (_safe_indexing(self.X, rows.index), _safe_indexing(self.y, rows.index))


@dataclass(frozen=True)
class Plan:
    """How long a fit trains, and its learning-rate schedule.

    Attributes
    ----------
    epochs : int or "auto"
        Passes over the rows.
    schedule : str
        Name of the learning-rate schedule.
    warmup_epochs : float
        Epochs over which the learning rate rises to its value.
    resumes : bool
        Whether the fit starts from the weights that the estimator has.
    accumulates : bool, default=False
        Whether the rows are new ones beside those of earlier calls.
    """

    epochs: int | str
    schedule: str
    warmup_epochs: float
    resumes: bool
    accumulates: bool = False


@dataclass(frozen=True)
class Fit:
    """A fit whose inputs are validated; the estimator changes only when it runs.

    Attributes
    ----------
    data : FitData
        What `fit` was given, for callbacks and scorers that ask for it.
    plan : Plan
        How long it trains.
    targets : Targets
        How `y` is read and predictions are written.
    network : Network
        Structure of the model.
    model : keras.Model
        New, or the estimator's where the fit resumes.
    rows : Rows
        What is trained on.
    weights : LossWeights
        Factors of their losses.
    held_out : tuple of HeldOut
        What is measured after each epoch.
    callbacks : FitCallbacks
        What is called in between.
    rng : RandomState
        Shuffles the epochs.
    split_start : RandomState
        State from which held-out rows are drawn: a resumed fit holds out the same ones.
    checkpoints : NoCheckpoints
        Where the fit is written to and resumed from, if anywhere.
    bias_shift : ndarray of shape (n_outputs,) or None
        What rows of later calls add to the output bias.
    workers : Workers or None
        That train together, each a part of every batch; None where this process has all rows.
    """

    data: FitData
    plan: Plan
    targets: Targets
    network: Network
    model: keras.Model = field(repr=False)
    rows: Rows = field(repr=False)
    weights: LossWeights = field(repr=False)
    held_out: tuple[HeldOut, ...] = field(repr=False)
    callbacks: FitCallbacks = field(repr=False)
    rng: np.random.RandomState
    split_start: np.random.RandomState
    checkpoints: NoCheckpoints = field(repr=False)
    bias_shift: np.ndarray | None = field(default=None, repr=False)
    workers: Workers | None = field(default=None, repr=False)

    @classmethod
    def prepare(
        cls,
        estimator: Any,
        data: FitData,
        targets: Callable[[], Targets],
        plan: Plan,
        workers: Workers | None = None,
    ) -> "Fit":
        """Validate the input and the parameters of a fit; the estimator is not changed.

        Parameters
        ----------
        estimator : classifier
            Its parameters, and where the fit resumes its state, decide the fit.
        data : FitData
            Rows, targets and weights.
        targets : callable
            Returns how the targets are to be read.
        plan : Plan
            How long to train.
        workers : Workers or None, default=None
            That train together.

        Returns
        -------
        Fit

        Raises
        ------
        ValueError, TypeError
            If a parameter, the features, the targets or the weights are not as described, or the
            folder for checkpoints has one of another fit; or if workers differ in any of these.
        WorkersError
            If another worker has raised an error.
        """
        with _undrawn_if_refused(estimator.random_state):
            parameters: Description = {}
            if workers is not None:
                parameters = {**describe_parameters(estimator), **describe_versions()}
            inputs, told = prepared_together(
                workers,
                lambda: _read_inputs(estimator, data, targets(), plan, workers),
                lambda inputs: [parameters, _plain_state(inputs.rng)],
            )
            if workers is not None:
                refuse_differences(workers, [each for each, _ in told])
                # Without a random_state every process would have its own.
                inputs.rng.set_state(tuple(told[0][1]))
            (fit, _), told = prepared_together(
                workers,
                lambda: cls._prepare(estimator, data, inputs, plan, workers),
                lambda prepared: prepared[1],
            )
            if workers is not None:
                refuse_differences(workers, told)
            return fit

    @classmethod
    def _prepare(
        cls, estimator: Any, data: FitData, inputs: "_Inputs", plan: Plan, workers: Workers | None
    ) -> "tuple[Fit, Description]":
        """Return the fit, and what tells its data from others where workers compare them."""
        targets, given, rng = inputs.targets, inputs.rows, inputs.rng
        callbacks, checkpoints = inputs.callbacks, inputs.checkpoints
        factors = targets.class_factors(estimator.class_weight)
        split_start = estimator._split_generator if plan.resumes else copy.deepcopy(rng)
        split_rng = copy.deepcopy(split_start) if plan.resumes else rng
        requests = callbacks.requests(estimator.scoring)
        rows, held_out = hold_out(estimator, data, given, requests, targets, split_rng)
        seen = estimator._counts if plan.resumes and plan.accumulates else None
        weights = targets.loss_weights(rows, factors, seen)
        # Before TensorFlow starts its threads.
        take_share_of_cores()
        network = inputs.network
        if plan.resumes:
            model = estimator.model_
        else:
            model, network = estimator._new_model(network, rng.randint(2**31 - 1))
            set_output_bias(network, model, weights.bias)
        shift = None
        if seen is not None:
            # Only the part that follows from the counts is updated; what training added is kept.
            shift = weights.bias - targets.starting_bias(seen, factors)

        @cache
        def describe() -> Description:
            return {
                **describe_data(data, given, targets, held_out),
                **describe_start(model, network, estimator.history_ if plan.resumes else {}),
            }

        # Reads data, so only for those who compare it.
        description = {} if workers is None else {**describe(), **checkpoints.description()}
        checkpoints.check(describe)
        fit = cls(
            data, plan, targets, network, model, rows, weights, tuple(held_out), callbacks,
            rng, split_start, checkpoints, shift, workers,
        )  # fmt: skip
        return fit, description

    def run(self, estimator: Any) -> None:
        """Train, and set the results on the estimator.

        Interrupted, the estimator keeps the last epoch that was completed, or where there was none
        what it had before. After a fit that diverged there is nothing left to predict with.

        Parameters
        ----------
        estimator : classifier
            That the fit was prepared for.
        """
        undo = snapshot(estimator, variables=self.plan.resumes)
        recorder = HistoryRecorder(estimator, self.evaluate)
        try:
            with self.checkpoints.opened():
                estimator._adopt(self)
                self._train(estimator, recorder)
        except DivergedError:
            estimator._forget()
            raise
        except BaseException:
            if not recorder.restore():
                undo()
            raise

    def _train(self, estimator: Any, recorder: HistoryRecorder) -> None:
        first = len(estimator.history_.get("loss", ()))
        n_rows = len(self.rows.index)
        batch_size = resolve_batch_size(estimator.batch_size, n_rows)
        n_epochs = resolve_epochs(self.plan.epochs, n_rows, batch_size, estimator._min_epochs)
        devices = devices_of(estimator.distribute)
        batches = RowBatches(
            self.rows.X,
            self.rows.positives,
            self.weights.rows,
            batch_size,
            self.rows.indices,
            self.weights.entries,
            part=(0, 1) if self.workers is None else (self.workers.index, self.workers.size),
            n_devices=max(1, len(devices)),
        )
        best_epoch = self.callbacks.best_epoch
        averages = None
        # One call among many is too short for averages, as it is for a schedule.
        if estimator.ema_momentum > 0 and not self.plan.accumulates:
            averages = WeightAverages(self.model, estimator.ema_momentum)
        training = Training(self.model, self.split_start, recorder, best_epoch, averages)
        start = self.checkpoints.resume(training, first)
        if start is not None and start.finished:
            self.rng.set_state(start.rng.get_state())
            return
        if best_epoch is not None and self.plan.resumes and start is None:
            best_epoch.start_from(self.evaluate()[best_epoch.monitor])
        shows = self.workers is None or self.workers.is_chief
        callbacks = self.callbacks if shows else self.callbacks.silent
        # Set on the estimator itself, or on a pipeline or a search around it.
        watched = hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
        tasks = [SklearnTasks(estimator, self.data)] if watched and shows else []
        train(
            self.network,
            self.model,
            batches,
            epochs=range(first, first + n_epochs),
            rng=self.rng,
            label_weights=self.weights.labels,
            weight_decay=estimator.weight_decay,
            # The settings of an optimizer object are meant for the gradients that Keras gives it.
            label_reduction="sum" if isinstance(estimator.optimizer, str) else "mean",
            schedule=make_schedule(
                self.plan.schedule,
                n_epochs * batches.n_batches,
                round(self.plan.warmup_epochs * batches.n_batches),
            ),
            averages=averages,
            evaluate=recorder.measure,
            callbacks=[*callbacks.in_order, recorder, *tasks],
            params=callbacks.params(prints=shows),
            start=start,
            save=partial(self.checkpoints.save, training),
            save_every=self.checkpoints.save_every,
            workers=self.workers,
            devices=devices,
        )
        self.checkpoints.save(training, Position(estimator.n_iter_, self.rng, finished=True))

    def evaluate(self) -> dict[str, float]:
        """Measure all held-out rows with the weights that the model has now."""
        if self.workers is not None:
            return measured_by_chief(self.workers, self.model, self._measure)
        return self._measure()

    def _measure(self) -> dict[str, float]:
        predictor = Predictor(self.network, self.model)
        return {
            name: value
            for held_out in self.held_out
            for name, value in held_out.evaluate(predictor).items()
        }


def _plain_state(rng: np.random.RandomState) -> list[Any]:
    name, words, *rest = rng.get_state(legacy=True)
    return [name, np.asarray(words).tolist(), *rest]


@dataclass(frozen=True)
class _Inputs:
    """What `fit` was given, read and validated."""

    targets: Targets
    callbacks: FitCallbacks
    checkpoints: NoCheckpoints
    rows: Rows
    network: Network
    rng: np.random.RandomState


def _read_inputs(
    estimator: Any, data: FitData, targets: Targets, plan: Plan, workers: Workers | None
) -> _Inputs:
    check_process()
    resolve_precision(estimator.precision)
    check_optimization(estimator)
    callbacks = callbacks_of(estimator)
    if callbacks.checkpoint is not None and plan.accumulates:
        raise ValueError(
            "partial_fit runs one epoch and has nothing to resume: leave Checkpoint out of"
            " callbacks, and call save(path, with_optimizer=True) after it."
        )
    checkpoints = checkpoints_of(
        callbacks.checkpoint, estimator, writes=workers is None or workers.is_chief
    )
    rows = read_rows(data.X, data.y, data.sample_weight, targets, estimator, fitted=plan.resumes)
    network = estimator._network(rows.n_features, targets.n_outputs, targets.output)
    if plan.resumes:
        network = estimator._check_same(network)
        rng = copy.deepcopy(estimator._generator)
    else:
        rng = checkpoints.new_generator(estimator)
    return _Inputs(targets, callbacks, checkpoints, rows, network, rng)


@contextlib.contextmanager
def _undrawn_if_refused(random_state: Any) -> Iterator[None]:
    """Give a RandomState of the caller's its state back where an error is raised inside."""
    rng = check_random_state(random_state)
    before = rng.get_state()
    try:
        yield
    except BaseException:
        rng.set_state(before)
        raise


def callbacks_of(estimator: Any) -> FitCallbacks:
    """Return the callbacks that the parameters of an estimator ask for."""
    return make_callbacks(
        estimator.callbacks,
        verbose=estimator.verbose,
        early_stopping=estimator.early_stopping,
        scoring=estimator.scoring,
        patience=estimator.n_iter_no_change,
        tol=estimator.tol,
    )
