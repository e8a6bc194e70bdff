"""One estimator of a comparison: what it can be fitted with, and the fit."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from skmlclf.callbacks import EpochMetrics
from skmlclf.classifiers import NeighborBlendClassifier


class Candidate:
    """A clone of an estimator, about to be fitted.

    Parameters
    ----------
    name : str
    estimator : estimator
        Cloned.

    Attributes
    ----------
    name : str
    estimator : estimator
        The clone.
    params : dict
        Parameters that decide the fit, those of every step where there are several.
    trains_by_epoch : bool
        Whether the fit takes held-out rows, and callbacks that measure them after each epoch.
    takes_sparse_targets : bool
        Classifiers of this package and `OneVsRestClassifier` do, alone or in a pipeline or
        a search. Others get an array: some refuse a sparse `y`, some misread it.
    """

    def __init__(self, name: str, estimator: Any) -> None:
        self.name = name
        self.estimator = clone(estimator)
        self.params = _settings(self.estimator)
        self._classifier = _last_step(self.estimator)
        # What takes held-out rows and what calls callbacks: a blend passes the rows on.
        self._network = _network_of(self._classifier)
        self.trains_by_epoch = self._network is not None
        inner = _innermost(self.estimator)
        ours = type(inner).__module__.partition(".")[0] == __name__.partition(".")[0]
        self.takes_sparse_targets = (
            ours or _network_of(inner) is not None or isinstance(inner, OneVsRestClassifier)
        )

    def check(self) -> None:
        """Refuse what could not be fitted with any data.

        Raises
        ------
        TypeError
            If it is no classifier, or none that takes several labels.
        ValueError
            If a parameter is not as its class describes it.
        """
        if not is_classifier(self.estimator):
            raise TypeError(f"{self.name}: expected a classifier, got {self.estimator!r}.")
        tags = get_tags(self.estimator)
        if not (tags.classifier_tags.multi_label or tags.target_tags.multi_output):
            raise TypeError(
                f"{self.name}: {type(self._classifier).__name__} takes one label per row. For"
                " several, wrap it in sklearn.multiclass.OneVsRestClassifier or"
                " sklearn.multioutput.MultiOutputClassifier."
            )
        check = getattr(self._classifier, "_check_parameters", None) or getattr(
            self._classifier, "_validate_params", None
        )
        try:
            if check is not None:
                check()
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def targets(self, y: sparse.csr_matrix) -> Any:
        """Return targets in the form that the estimator takes."""
        # scikit-learn's searches and OneVsRestClassifier refuse a single sparse column.
        if self.takes_sparse_targets and (y.shape[1] > 1 or self.trains_by_epoch):
            return y
        return y.toarray().astype(np.int64)

    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any, after_each_epoch: EpochMetrics) -> None:
        """Fit the clone; held-out rows are measured after each epoch where there are epochs."""
        if not self.trains_by_epoch:
            with warnings.catch_warnings():
                # One label is one column to a comparison, and 1-d to scikit-learn's classifiers.
                warnings.simplefilter("ignore", DataConversionWarning)
                self.estimator.fit(X, y)
            return
        classifier, network = self._classifier, self._network
        network.set_params(callbacks=[*(network.callbacks or ()), after_each_epoch])
        # Only with routing does a pipeline take held-out rows through its transformers.
        with config_context(enable_metadata_routing=True):
            if classifier is not self.estimator:
                self.estimator.set_params(transform_input=["X_val"])
                classifier.set_fit_request(X_val=True, y_val=True)
            self.estimator.fit(X, y, X_val=X_val, y_val=y_val)

    @property
    def label_names(self) -> Any:
        """Names of the labels that the classifier was given; None where it has none."""
        names = getattr(_innermost(self.estimator), "label_names", None)
        return None if names is None else np.asarray(names, dtype=object)

    @property
    def n_parameters(self) -> int | None:
        """Number of trained weights; None where the fitted classifier is no network."""
        model = getattr(_innermost(self.estimator), "model_", None)
        if model is None:
            return None
        return sum(int(np.prod(v.shape)) for v in model.trainable_variables)

    @property
    def history(self) -> dict[str, list[float]]:
        """Losses and metrics by epoch; empty where there are no epochs."""
        return dict(getattr(_innermost(self.estimator), "history_", {}))

    @property
    def best_epoch(self) -> int | None:
        """Index of the epoch whose weights were kept."""
        return getattr(_innermost(self.estimator), "best_epoch_", None)


def make_candidates(estimators: Any) -> list[Candidate]:
    """Return the candidates of a comparison, every one of them checked.

    Parameters
    ----------
    estimators : mapping of str to estimator

    Returns
    -------
    list of Candidate

    Raises
    ------
    TypeError
        If `estimators` is not a mapping, or holds anything but multilabel classifiers.
    ValueError
        If there are none, two names are equal as strings, or a parameter is not as described.
    """
    if not isinstance(estimators, Mapping):
        raise TypeError(f"estimators must be a mapping from names to them, got {estimators!r}.")
    if not estimators:
        raise ValueError("estimators must hold at least one estimator, got none.")
    by_name: dict[str, Any] = {}
    for key in estimators:
        if str(key) in by_name:
            raise ValueError(
                f"The names {by_name[str(key)]!r} and {key!r} are both written {str(key)!r}, so"
                " that one would hide the other: rename one."
            )
        by_name[str(key)] = key
    candidates = [Candidate(name, estimators[key]) for name, key in by_name.items()]
    for candidate in candidates:
        candidate.check()
    return candidates


def _last_step(estimator: Any) -> Any:
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _innermost(estimator: Any) -> Any:
    """Return the classifier inside pipelines and searches, fitted or not."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif isinstance(estimator, NeighborBlendClassifier):
            estimator = getattr(estimator, "estimator_", estimator.estimator)
        elif hasattr(estimator, "refit") and hasattr(estimator, "estimator"):
            # A search or a tuned classifier, whatever its class.
            fitted = getattr(estimator, "estimator_", estimator.estimator)
            estimator = getattr(estimator, "best_estimator_", fitted)
        else:
            return estimator


def _network_of(classifier: Any) -> Any:
    """Return the classifier that trains by epoch: this one, the one in a blend, or None."""
    if isinstance(classifier, NeighborBlendClassifier):
        classifier = _last_step(classifier.estimator)
    trains = has_fit_parameter(classifier, "X_val") and hasattr(classifier, "callbacks")
    return classifier if trains else None


def _settings(estimator: Any) -> dict[str, Any]:
    if not isinstance(estimator, Pipeline):
        params = estimator.get_params()
        return {k: v for k, v in params.items() if k.rpartition("__")[2] != "callbacks"}
    return {
        f"{step}__{name}": value
        for step, part in estimator.steps
        if hasattr(part, "get_params")
        for name, value in _settings(part).items()
    }
