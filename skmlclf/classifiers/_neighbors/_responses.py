"""What a blend asks of its inner classifier."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skmlclf.classifiers._base import BaseKerasClassifier
from skmlclf.metrics import EstimatorResponses


def last_step(estimator: Any) -> Any:
    """Return the classifier at the end of pipelines, out of a `FrozenEstimator` too."""
    while True:
        if is_frozen(estimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        else:
            return estimator


def is_frozen(estimator: Any) -> bool:
    """Say whether an estimator is fitted for good."""
    return isinstance(estimator, FrozenEstimator)


def check_estimator(estimator: Any) -> None:
    """Refuse an estimator that has no space to look for neighbours in, or no probabilities.

    Raises
    ------
    TypeError
        Saying what it lacks.
    """
    if is_frozen(estimator):
        estimator = estimator.estimator
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"estimator must be a classifier with predict_proba, got {estimator!r:.200}."
        )
    if not hasattr(estimator, "transform") and not _has_steps_before(estimator):
        raise TypeError(
            "estimator must be a transformer too, as the classifiers of this package are, or a"
            " Pipeline whose steps before the classifier transform: neighbours are looked for in"
            f" that space. Got {estimator!r:.200}; put a transformer before it, as in"
            " make_pipeline(PCA(64), classifier)."
        )


def _has_steps_before(estimator: Any) -> bool:
    return isinstance(estimator, Pipeline) and len(estimator) > 1


class FittedClassifier:
    """A fitted classifier: its space, and its probabilities.

    Parameters
    ----------
    estimator : fitted classifier
        As `check_estimator` lets it pass.
    n_classes : int
        Number of its classes or labels.
    """

    def __init__(self, estimator: Any, n_classes: int) -> None:
        self._estimator = estimator.estimator if is_frozen(estimator) else estimator
        self._n_classes = n_classes

    def hidden(self, X: Any) -> np.ndarray:
        """Return what neighbours are looked for in, float32 ``(n_samples, n_hidden)``."""
        estimator = self._estimator
        if not hasattr(estimator, "transform"):
            estimator = estimator[:-1]
        hidden = estimator.transform(X)
        if sparse.issparse(hidden):
            hidden = hidden.toarray()
        return np.asarray(hidden, dtype=np.float32)

    def probabilities(self, X: Any) -> np.ndarray:
        """Return the probability of every class or label, float32 ``(n_samples, n_classes)``."""
        found = np.asarray(EstimatorResponses(self._estimator, X).probabilities(), np.float32)
        if found.ndim != 2 or found.shape[1] != self._n_classes:
            raise ValueError(
                f"The estimator gives probabilities of shape {found.shape}, and y has"
                f" {self._n_classes} classes or labels: fit it on a y of the same ones."
            )
        return found

    def best_and_chosen(
        self, X: Any, k: int, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the `k` best labels, their probabilities, and those of some labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of one block.
        k : int
            From 1 to the number of classes.
        columns : ndarray of shape (n_samples, n_chosen), int32
            Some labels of each row.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
        probabilities : ndarray of shape (n_samples, k), float32
        chosen : ndarray of shape (n_samples, n_chosen), float32
            The probabilities of `columns`.
        """
        classifier = last_step(self._estimator)
        if isinstance(classifier, BaseKerasClassifier) and classifier._targets_.n_outputs > 1:
            steps = self._estimator
            while isinstance(steps, Pipeline):
                X = X if len(steps) == 1 else steps[:-1].transform(X)
                steps = steps[-1]
            return classifier._best_and_chosen(X, k, columns)
        scores = self.probabilities(X)
        labels = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        return (
            labels,
            np.take_along_axis(scores, labels, axis=1),
            np.take_along_axis(scores, columns, axis=1),
        )
