"""scikit-learn's contract over a Keras network."""

import copy
from typing import Any, ClassVar, Self

import keras
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import validate_data

from skmlclf._compat import CallbackSupportMixin, _fit_context, keras_wrapper, with_callbacks
from skmlclf.callbacks._best_epoch import BestEpoch
from skmlclf.callbacks._epoch_line import HistoryRecorder
from skmlclf.callbacks._sklearn_tasks import SklearnTasks
from skmlclf.classifiers._callbacks import make_callbacks
from skmlclf.classifiers._held_out import hold_out
from skmlclf.classifiers._parameters import CONSTRAINTS
from skmlclf.classifiers._predictions import Predictions
from skmlclf.classifiers._rows import check_rows
from skmlclf.classifiers._targets import Targets, is_multilabel
from skmlclf.classifiers._weights import class_factors, loss_weights
from skmlclf.networks import MLPNetwork, set_dropout, set_output_bias
from skmlclf.training import (
    ArrayBatches,
    check_precision,
    collect_dropped_models,
    make_optimizer,
    make_schedule,
    take_share_of_cores,
    train,
)


class BaseKerasClassifier(Predictions, CallbackSupportMixin, ClassifierMixin, keras_wrapper()):  # type: ignore[misc]
    """Everything but the network: the subclasses say what to build.

    scikeras builds and holds the Keras model. What it does otherwise (targets, weights, seeds,
    parameters, predictions) does not meet scikit-learn's contract or costs too much with thousands
    of labels, so it is done here.
    """

    # What scikeras looks up besides the parameters.
    model = None
    build_fn = None
    _random_state = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    _network_: MLPNetwork
    _targets_: Targets
    _optimizer_: str
    _generator: np.random.RandomState
    _split_generator: np.random.RandomState
    history_: dict[str, list[float]]
    n_iter_: int
    best_epoch_: int
    model_: keras.Model

    # scikeras reads the parameters off the instance's dictionary and prints them in its own way.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    set_params = BaseEstimator.set_params
    __repr__ = BaseEstimator.__repr__

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _network(self, n_features: int, n_outputs: int, output: str) -> MLPNetwork:
        """Return the structure that the parameters ask for."""
        raise NotImplementedError

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings of any numeric dtype. float32 in C order, a memory map included, is used as
            it is; anything else is converted batch by batch.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Classes; or a 0/1 indicator of labels, dense of any dtype or in any sparse format.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. Rows with weight zero are left out.
        X_val, y_val : array-like, default=None
            Held-out rows, of the same form. They are never trained on, and take the place of the
            split that early stopping would make.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the held-out rows.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the features, the targets or the weights are not as described; nothing
            is changed then.
        """
        fresh = not (self.warm_start and hasattr(self, "model_"))
        _require(y, self)
        targets = Targets.of(y) if fresh else self._targets_
        return self._train(
            X,
            y,
            sample_weight,
            (X_val, y_val, sample_weight_val),
            targets=targets,
            epochs=self.epochs,
            schedule=self.learning_rate_schedule,
            warmup_epochs=self.warmup_epochs,
            fresh=fresh,
        )

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch on the given rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Targets of the kind that the first call had.
        classes : array-like of shape (n_classes,), default=None
            Every class that any call will bring. Needed by the first call where `y` is 1-d; the
            width of an indicator says as much.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : estimator
            The trained estimator.

        Raises
        ------
        ValueError
            If the first call lacks `classes`, a later one contradicts it, early stopping is asked
            for, or as `fit` does.
        """
        _require(y, self)
        if self.early_stopping:
            raise ValueError(
                "partial_fit runs one epoch and has nothing to stop: set early_stopping=False, or"
                " call fit."
            )
        fresh = not hasattr(self, "model_")
        if fresh:
            if classes is None and not is_multilabel(y):
                raise ValueError("classes must be passed on the first call to partial_fit.")
            targets = Targets.of(y, classes)
        else:
            targets = self._targets_
            if classes is not None and not np.array_equal(np.unique(classes), targets.classes):
                raise ValueError(
                    f"classes={np.asarray(classes).tolist()[:10]} is not the same as on the last"
                    f" call to partial_fit, was: {targets.classes.tolist()[:10]}."
                )
        # Nobody knows how many calls will come, so there is nothing to schedule over.
        return self._train(
            X,
            y,
            sample_weight,
            (None, None, None),
            targets=targets,
            epochs=1,
            schedule="constant",
            warmup_epochs=0.0,
            fresh=fresh,
        )

    def _train(
        self,
        X: ArrayLike,
        y: Any,
        sample_weight: ArrayLike | None,
        validation: tuple[Any, Any, Any],
        *,
        targets: Targets,
        epochs: int,
        schedule: str,
        warmup_epochs: float,
        fresh: bool,
    ) -> Self:
        check_precision(self.precision)
        rows = check_rows(X, y, sample_weight, targets, self)
        if not fresh:
            validate_data(self, X, reset=False, skip_check_array=True)
        network = self._network(rows.X.shape[1], targets.n_outputs, targets.output)
        if not fresh:
            self._check_same(network)
        factors = class_factors(self.class_weight, targets)
        callbacks = make_callbacks(self)
        rng = self._new_generator() if fresh else copy.deepcopy(self._generator)
        # A fit that goes on holds out what the first one held out.
        split_start = copy.deepcopy(rng) if fresh else self._split_generator
        split_rng = rng if fresh else copy.deepcopy(split_start)
        rows, held_out = hold_out(self, X, rows, validation, targets, callbacks, split_rng)
        weights = loss_weights(targets, rows.positives, rows.weight, factors)
        # All that can be wrong with the input has been looked at; from here on things change, and
        # only once the new network is there.
        take_share_of_cores()
        if fresh:
            model = self._new_model(network, self.optimizer, rng.randint(2**31 - 1))
            set_output_bias(model, weights.bias)
            validate_data(self, X, reset=True, skip_check_array=True)
            self.classes_, self.history_, self.model_ = targets.classes, {}, model
            self._targets_, self._network_, self._optimizer_ = targets, network, self.optimizer
        self._generator, self._split_generator = rng, split_start
        self.model_.optimizer.learning_rate.assign(self.learning_rate)
        set_dropout(self.model_, self.dropout)
        predictor = self._predictor
        # Set on the estimator itself, or on a pipeline or a search around it.
        watched = hasattr(self, "_skl_callbacks") or hasattr(self, "_parent_callback_ctx")
        tasks = [SklearnTasks(self, X, y, sample_weight)] if watched else []
        first = len(self.history_.get("loss", ()))
        batch_size = self._resolved_batch_size(len(rows.index))
        batches = ArrayBatches(rows.X, rows.positives, weights.rows, batch_size, rows.index)
        train(
            network,
            self.model_,
            batches,
            epochs=range(first, first + epochs),
            rng=rng,
            label_weights=weights.labels,
            weight_decay=self.weight_decay,
            schedule=make_schedule(
                schedule, epochs * batches.n_batches, round(warmup_epochs * batches.n_batches)
            ),
            evaluate=lambda: {
                name: value for each in held_out for name, value in each.evaluate(predictor).items()
            },
            callbacks=[*callbacks, HistoryRecorder(self), *tasks],
        )
        for callback in callbacks:
            if isinstance(callback, BestEpoch):
                self.best_epoch_ = callback.best_epoch
        return self

    def _check_parameters(self) -> None:
        """Refuse parameters that no data could make right.

        Raises
        ------
        ValueError
            If one is not as the class describes it.
        TypeError
            If ``callbacks`` holds anything but Keras callbacks.
        """
        self._validate_params()
        check_precision(self.precision)
        self._network(1, 1, "sigmoid")
        make_callbacks(self)

    def _check_same(self, network: MLPNetwork) -> None:
        before, now = (self._network_, self._optimizer_), (network, self.optimizer)
        if before != now:
            raise ValueError(
                f"Training goes on with {before[0]} and {before[1]!r}, but the parameters now ask"
                f" for {now[0]} and {now[1]!r}. Restore them, or fit with warm_start=False."
            )

    def _new_model(self, network: MLPNetwork, optimizer: str, seed: int) -> keras.Model:
        # scikeras builds through a method without arguments.
        self._blueprint = network, optimizer, seed
        try:
            return self._build_keras_model()
        finally:
            del self._blueprint

    def _keras_build_fn(self) -> keras.Model:
        """Build and compile the network; scikeras calls it."""
        network, optimizer, seed = self._blueprint
        model = network.build(dropout=self.dropout, seed=seed)
        model.compile(
            optimizer=make_optimizer(
                optimizer, float(self.learning_rate), model.trainable_variables
            ),
            loss="categorical_crossentropy"
            if network.output == "softmax"
            else "binary_crossentropy",
            # Gradients in single precision need no scaling, whatever Keras' global policy is.
            auto_scale_loss=False,
        )
        collect_dropped_models(model)
        return model

    def _new_generator(self) -> np.random.RandomState:
        # A generator of the estimator's own: the caller's is asked for one number.
        return np.random.RandomState(check_random_state(self.random_state).randint(2**31 - 1))

    def _resolved_batch_size(self, n_rows: int) -> int:
        if self.batch_size != "auto":
            return min(int(self.batch_size), n_rows)
        # Smaller steps learn more in a few epochs. Where rows are few, 128 a step take two thirds
        # of the time of 64 and rank as well after twenty epochs.
        wanted = max(n_rows // 100, min(n_rows // 6, 128))
        return min(n_rows, int(np.clip(wanted, 64, 256)))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        model = state.pop("model_", None)
        if model is not None:
            # Arrays outlive Keras' own formats, and a fitted estimator's callbacks have done their
            # work: they may hold data and the live model.
            state["callbacks"] = None
            state["_arrays"] = [np.asarray(v.value) for v in _all_variables(model)]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = state.pop("_arrays", None)
        super().__setstate__(state)
        if arrays is not None:
            self.model_ = self._new_model(self._network_, self._optimizer_, seed=0)
            for variable, array in zip(_all_variables(self.model_), arrays, strict=True):
                variable.assign(array)


def _all_variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _require(y: Any, estimator: Any) -> None:
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
