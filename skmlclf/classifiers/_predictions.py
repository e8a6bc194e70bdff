"""The methods of a classifier that look at rows and change nothing."""

from numbers import Integral
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmlclf.classifiers._rows import read_features, read_row_weights
from skmlclf.classifiers._targets import Targets
from skmlclf.networks import Network
from skmlclf.training import Predictor, check_process

DEFAULT_K = 20
TOPK_RESPONSES = ("predict_proba", "decision_function")


def checked_k(k: Any, n_classes: int, unit: str) -> int:
    """Return how many of the best to give; the default is all where they are fewer.

    Raises
    ------
    ValueError
        If it is no int from 1 to the number of classes, which an error calls by their unit.
    """
    if isinstance(k, Integral) and not isinstance(k, bool):
        wanted = min(int(k), n_classes) if k == DEFAULT_K else int(k)
        if 1 <= wanted <= n_classes:
            return wanted
    raise ValueError(f"k must be an int from 1 to the {n_classes} {unit}, got {k!r}.")


def check_topk_response(response_method: Any) -> None:
    """Raise a ValueError for what is none of `TOPK_RESPONSES`."""
    if response_method not in TOPK_RESPONSES:
        raise ValueError(
            f"response_method must be one of {', '.join(map(repr, TOPK_RESPONSES))}, got"
            f" {response_method!r}."
        )


class Predictions:
    """Decisions, probabilities, logits and the best labels of a fitted network."""

    classes_: np.ndarray
    model_: keras.Model
    verbose: int
    _network_: Network
    _targets_: Targets

    @property
    def precision_(self) -> str:
        """Data type of the matrix products: "float32" or "bfloat16"."""
        return self._network_.precision

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the logits.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) where binary, float32
            Outputs before the sigmoid or the softmax.
        """
        X = self._features(X)
        return self._targets_.decision_function(self._predictor, X)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of every class or label.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Strictly between 0 and 1, except for a single class. Several labels have independent
            probabilities; those of classes sum to one.
        """
        X = self._features(X)
        return self._targets_.predict_proba(self._predictor, X)

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the logarithm of the probability of every class or label.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Computed from the logits, so that a probability that float32 rounds to one still has a
            logarithm below zero.
        """
        X = self._features(X)
        return self._targets_.predict_log_proba(self._predictor, X)

    def score(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the fraction of rows whose class, or whose labels all, are predicted correctly.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Targets, in any form that `fit` takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            The same as `sklearn.metrics.accuracy_score`.
        """
        features, targets = self._features(X), self._targets_
        y_true = targets.encode(y)
        check_consistent_length(features, y_true)
        weights = None if sample_weight is None else read_row_weights(sample_weight, features)
        right = targets.score(y_true, targets.encode(targets.predict(self._predictor, features)))
        return float(np.average(right, weights=weights))

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class, or the labels with a probability above one half.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or sparse
            In the dtype that `y` had in `fit`, but int64 if that was an integer or object dtype; in
            CSR format if it was sparse.
        """
        X = self._features(X)
        return self._targets_.predict(self._predictor, X)

    def predict_topk(
        self, X: ArrayLike, k: int = DEFAULT_K, *, response_method: str = "predict_proba"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` most probable labels of each row, without a matrix of all scores.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.
        k : int, default=20
            Number of labels per row, at most the number of classes. Where there are fewer than 20
            classes, the default stands for all of them.
        response_method : {"predict_proba", "decision_function"}, default="predict_proba"
            Whether the scores are probabilities or logits. Near 0 and 1 many probabilities are
            equal in single precision although their logits differ, which matters to rankings of
            several rows together.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Entries of `classes_`, the largest logit first; of equal logits the lower class comes
            first.
        scores : ndarray of shape (n_samples, k), float32
            Their probabilities or logits, in descending order in each row.

        Raises
        ------
        ValueError
            If `k` is not between 1 and the number of classes, or `response_method` is unknown.
        """
        features, targets = self._features(X), self._targets_
        k = checked_k(k, len(self.classes_), "classes")
        check_topk_response(response_method)
        best = targets.best(self._predictor, features, k)
        scores = best.probabilities if response_method == "predict_proba" else best.logits
        return self.classes_[best.outputs], scores

    def _best_and_chosen(
        self, X: ArrayLike, k: int, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the `k` best columns, their probabilities, and those of some columns."""
        best, chosen = self._predictor.best_and_chosen(self._features(X), k, columns)
        return best.outputs, best.probabilities, chosen

    @property
    def _predictor(self) -> Predictor:
        check_process()
        return Predictor(self._network_, self.model_, self.verbose)

    def _features(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "model_")
        features: np.ndarray = read_features(X, self, fitted=True)
        return features
