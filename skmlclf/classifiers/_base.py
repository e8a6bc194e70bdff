"""scikit-learn's contract over a Keras network."""

import copy
from dataclasses import replace
from typing import Any, ClassVar, Self

import keras
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state

from skmlclf._compat import CallbackSupportMixin, _fit_context, with_callbacks
from skmlclf.classifiers._defaults import MIN_EPOCHS
from skmlclf.classifiers._fit import Fit, FitData, Plan, callbacks_of
from skmlclf.classifiers._hidden_layer import HiddenLayer
from skmlclf.classifiers._parameters import CONSTRAINTS, check_optimization, is_default
from skmlclf.classifiers._saving import Saving
from skmlclf.classifiers._scikeras import ModelBuilder
from skmlclf.classifiers._state import FITTED, fitted_state, restore
from skmlclf.classifiers._targets import Targets, is_multilabel, read_targets, sorted_classes
from skmlclf.networks import Network, build_model, set_dropout, shift_output_bias
from skmlclf.training import (
    LOSSES,
    collect_dropped_models,
    copy_optimizer,
    make_optimizer,
    optimizer_from_plain,
    optimizer_key,
    optimizer_to_plain,
    reset_optimizer,
    resolve_precision,
    take_share_of_cores,
    workers_of,
)

# Values of parameters that files of versions before these parameters do not have.
_BEFORE = {
    "distribute": None,
    "ema_momentum": 0.0,
    "feature_groups": None,
    "input_dropout": 0.0,
    "label_units": (),
    "residual": False,
}


class BaseKerasClassifier(
    HiddenLayer, Saving, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Base class of the classifiers: all but the network, which subclasses define."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    # Of "auto".
    _min_epochs: ClassVar[int] = MIN_EPOCHS

    _network_: Network
    _targets_: Targets
    _optimizer_: Any
    _keeps_optimizer: bool
    _generator: np.random.RandomState
    _split_generator: np.random.RandomState
    classes_: np.ndarray
    history_: dict[str, list[float]]
    n_iter_: int
    best_epoch_: int
    model_: keras.Model

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        # Hidden layers are float32, whatever the features are.
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _network(self, n_features: int, n_outputs: int, output: str) -> Network:
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
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings of any numeric dtype. float32 in C order, a memory map included, is used as
            it is; anything else is converted batch by batch, and a sparse matrix made dense batch
            by batch.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Classes; or a 0/1 indicator of several labels, dense of any dtype or in any sparse
            format. A 2-d `y` with a single column is read as classes. NaN and masked entries stand
            for unknown labels: they are left out of the loss, of the initial output bias and of the
            metrics of held-out rows.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse, \
default=None
            Weights of the rows, or of each label in each row, not negative. Rows with weight zero
            are left out. Entries that a sparse matrix does not store are zero.
        X_val, y_val : array-like, default=None
            Held-out rows and their targets, in the same form. They are not trained on, and are used
            instead of a split of the training rows.
        sample_weight_val : array-like, default=None
            Weights of the held-out rows, as for `sample_weight`.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the features, the targets or the weights are not as described; nothing
            is changed then. If training diverges; the classifier is not fitted then. With
            ``distribute="multi_worker"``, if ``TF_CONFIG`` cannot be used, or a worker has other
            parameters, data or versions than the first one.
        RuntimeError
            With ``distribute="multi_worker"``, if TensorFlow has already started without the other
            workers, or one of them is lost; the error names it.

        Notes
        -----
        A fit that is interrupted, by Ctrl-C or by an error of a callback in any of its hooks,
        leaves a classifier that can be used: with the weights, ``history_``, ``n_iter_`` and
        ``best_epoch_`` of the last epoch that was completed, callbacks included. Where no epoch was
        completed, the classifier is left as it was before the call. With ``warm_start=True``, the
        next `fit` resumes from there. Where early stopping has already restored the best weights,
        these are kept.
        """
        resumes = self.warm_start and hasattr(self, "model_")
        _require(y, self)
        data = FitData(X, y, sample_weight, X_val, y_val, sample_weight_val)
        plan = Plan(self.epochs, self.learning_rate_schedule, self.warmup_epochs, resumes)

        def targets() -> Targets:
            return self._targets_ if resumes else read_targets(y, label_names=self.label_names)

        with workers_of(self.distribute) as workers:
            Fit.prepare(self, data, targets, plan, workers).run(self)
        return self

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

        There is no learning-rate schedule, and weights are not averaged, since the number of calls
        is not known. The optimizer resumes where the call before was `partial_fit` too, or had
        ``warm_start=True``; after any other `fit` it starts anew. Its state is part of a pickle in
        the first case only, so that other pickles are no larger than the weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Targets of the same kind as in the first call. The columns of a DataFrame must be in the
            same order.
        classes : array-like of shape (n_classes,), default=None
            All classes that occur in any call. Required by the first call for a 1-d `y`; not needed
            for an indicator, whose columns are the labels.
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

        Notes
        -----
        A call that is interrupted, by Ctrl-C or by an error of a callback, leaves everything as it
        was before, including the state of the optimizer.
        """
        # scikit-learn validates parameters before the first call only.
        self._validate_params()
        _require(y, self)
        if self.early_stopping:
            raise ValueError(
                "partial_fit runs one epoch and has nothing to stop: set early_stopping=False, or"
                " call fit."
            )
        resumes = hasattr(self, "model_")
        # The number of calls is not known in advance, so there is no schedule.
        plan = Plan(
            epochs=1, schedule="constant", warmup_epochs=0.0, resumes=resumes, accumulates=True
        )

        def targets() -> Targets:
            if resumes:
                return self._check_classes(classes)
            if classes is None and not is_multilabel(y):
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return read_targets(y, classes, self.label_names)

        with workers_of(self.distribute) as workers:
            Fit.prepare(self, FitData(X, y, sample_weight), targets, plan, workers).run(self)
        return self

    def _check_classes(self, classes: ArrayLike | None) -> Targets:
        """Return the targets of earlier calls, if they have these classes."""
        if classes is not None:
            known, before = sorted_classes(classes, "classes"), self._targets_.classes
            if not np.array_equal(known, before):
                raise ValueError(
                    f"classes={known.tolist()[:10]} is not the same as on the last call to"
                    f" partial_fit, was: {before.tolist()[:10]}."
                )
        return self._targets_

    def _adopt(self, fit: Fit) -> None:
        """Take over what a fit starts from: from here on the estimator changes."""
        if not fit.plan.resumes:
            self.n_features_in_ = fit.rows.n_features
            if fit.rows.names is not None:
                self.feature_names_in_ = fit.rows.names
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            self.classes_, self.history_, self.model_ = fit.targets.classes, {}, fit.model
            self._targets_, self._network_ = fit.targets, fit.network
            self._optimizer_ = copy_optimizer(self.optimizer)
            self.label_names_ = fit.targets.label_names
        self._generator, self._split_generator = fit.rng, fit.split_start
        self._counts = fit.weights.counts
        if fit.plan.resumes and not self._keeps_optimizer:
            reset_optimizer(self.model_, self._optimizer_)
        self._keeps_optimizer = fit.plan.accumulates or self.warm_start
        if fit.bias_shift is not None:
            shift_output_bias(self._network_, self.model_, fit.bias_shift)
        rate = self._learning_rate()
        if rate is not None:
            self.model_.optimizer.learning_rate = rate
        if hasattr(self, "dropout"):
            input_rate = getattr(self, "input_dropout", 0.0)
            set_dropout(self._network_, self.model_, self.dropout, input_rate)

    def _forget(self) -> None:
        """Remove everything that a fit has set."""
        for name in FITTED:
            self.__dict__.pop(name, None)

    def _check_parameters(self) -> None:
        """Validate the parameters that do not depend on data.

        Raises
        ------
        ValueError
            If one is not as the class describes it.
        TypeError
            If ``callbacks`` holds anything but Keras callbacks.
        """
        self._validate_params()
        resolve_precision(self.precision)
        check_optimization(self)
        groups = getattr(self, "feature_groups", None)
        n_features = 1 if groups is None or isinstance(groups, str) else int(np.sum(groups))
        self._network(n_features, 1, "sigmoid")
        callbacks_of(self)

    def _check_same(self, network: Network) -> Network:
        """Return the network of the present weights, if the parameters still ask for it."""
        before = self._network_
        structure = getattr(before, "structure", None)
        if structure is not None:
            network = replace(network, structure=structure)  # type: ignore[type-var]  # a dataclass
        if self.precision == "auto":
            # A resumed fit keeps its data type, on whatever machine.
            network = replace(network, precision=before.precision)  # type: ignore[type-var]
        if (before, _settings(self._optimizer_)) != (network, _settings(self.optimizer)):
            raise ValueError(
                f"Training resumes with {before} and {self._optimizer_!r}, but the parameters now"
                f" ask for {network} and {self.optimizer!r}. Restore them, or fit with"
                " warm_start=False."
            )
        return before

    def _learning_rate(self) -> float | None:
        """Return the learning rate to set; None keeps that of an optimizer object."""
        if not isinstance(self.optimizer, str) and is_default(self, "learning_rate"):
            return None
        return float(self.learning_rate)

    def _new_model(self, network: Network, seed: int) -> tuple[keras.Model, Network]:
        """Build and compile the model of a network; return it with what it tells of itself."""
        model = ModelBuilder(lambda: self._compiled(network, self.optimizer, seed)).build()
        describing = getattr(network, "describing", None)
        return model, network if describing is None else describing(model)

    def _compiled(self, network: Network, optimizer: Any, seed: int) -> keras.Model:
        model = build_model(network, seed)
        model.compile(
            optimizer=make_optimizer(optimizer, self._learning_rate(), model.trainable_variables),
            loss=LOSSES[network.output].keras_name,
            # Gradients in single precision need no scaling, whatever Keras' global policy is.
            auto_scale_loss=False,
        )
        collect_dropped_models(model)
        return model

    def _new_generator(self) -> np.random.RandomState:
        # A generator of the estimator's own, seeded by one draw from the caller's.
        return np.random.RandomState(check_random_state(self.random_state).randint(2**31 - 1))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        for name in FITTED:
            state.pop(name, None)
        state["optimizer"] = optimizer_to_plain(self.optimizer)
        if self.callbacks is not None:
            state["callbacks"] = type(self.callbacks)(map(_detached, self.callbacks))
        return {**state, "_fitted": fitted_state(self, with_optimizer=True)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # The first variable, of an optimizer or of the network, starts TensorFlow's threads.
        take_share_of_cores()
        params = {name: value for name, value in state.items() if name != "_fitted"}
        params["optimizer"] = optimizer_from_plain(params["optimizer"])
        super().__setstate__(params)
        if state["_fitted"] is not None:
            restore(self, state["_fitted"])

    def _to_state(self, *, with_optimizer: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return parameters and fitted state as `skmlclf.persistence` writes them."""
        params = {**self.get_params(deep=False), "callbacks": None}
        params["optimizer"] = optimizer_to_plain(self.optimizer)
        return params, fitted_state(self, with_optimizer=with_optimizer)

    @classmethod
    def _from_state(cls, params: dict[str, Any], fitted: dict[str, Any] | None) -> Self:
        """Return the classifier of what `_to_state` returned, or raise a ValueError."""
        take_share_of_cores()
        known = set(cls._get_param_names())
        older = {name: value for name, value in _BEFORE.items() if name in known}
        params = {**older, **params, "optimizer": optimizer_from_plain(params.get("optimizer"))}
        try:
            classifier = cls(**params)
            classifier._validate_params()
        except TypeError as error:
            raise ValueError(f"{cls.__name__} cannot be made: {error}") from error
        if fitted is not None:
            restore(classifier, fitted)
        return classifier


def _settings(optimizer: Any) -> Any:
    """Return what makes two optimizers the same, but for the learning rate and the name."""
    return optimizer if isinstance(optimizer, str) else optimizer_key(optimizer)


def _detached(callback: Any) -> Any:
    """Return a callback without the live model that Keras gave it, the original left alone."""
    if getattr(callback, "_model", None) is None:
        return callback
    detached = copy.copy(callback)
    detached._model = None
    return detached


def _require(y: Any, estimator: Any) -> None:
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
