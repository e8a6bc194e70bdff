"""What a fitted network answers."""

from numbers import Integral
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlclf.classifiers._rows import check_features
from skmlclf.classifiers._targets import Targets, both_classes
from skmlclf.networks import MLPNetwork
from skmlclf.training import Predictor


class Predictions:
    """The methods of a classifier that look at rows and change nothing."""

    classes_: np.ndarray
    model_: keras.Model
    _network_: MLPNetwork
    _targets_: Targets

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) where binary, float32
            Outputs before the sigmoid or the softmax.
        """
        X = self._check_X(X)
        logits = self._predictor.logits(X)
        return logits[:, 0] if self._targets_.kind == "binary" else logits

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of every class or label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Strictly between 0 and 1, but for a single class. The labels of a multilabel fit are
            independent; classes sum to one.
        """
        X = self._check_X(X)
        if len(self.classes_) == 1 and self._targets_.kind != "multilabel":
            return np.ones((len(X), 1), dtype=np.float32)
        probabilities = self._predictor.probabilities(X)
        if self._targets_.kind == "binary":
            return both_classes(probabilities)
        return probabilities

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class, or the labels with a probability above one half.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or sparse
            With the dtype of the `y` of the fit, and sparse in CSR format where that was sparse.
        """
        X = self._check_X(X)
        targets = self._targets_
        if targets.kind == "multilabel":
            return targets.decode(self._predictor.decisions(X))
        if targets.kind == "binary":
            return targets.classes[(self._predictor.probabilities(X)[:, 0] > 0.5).astype(int)]
        return targets.classes[self._predictor.best(X, 1)[0][:, 0]]

    def predict_topk(self, X: ArrayLike, k: int = 20) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` most probable labels of each row, without a matrix of all scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.
        k : int, default=20
            How many, at most the number of classes.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Entries of `classes_`, best first by their logits; of equal ones the lower comes first.
        scores : ndarray of shape (n_samples, k), float32
            Their probabilities.

        Raises
        ------
        ValueError
            If `k` is not between 1 and the number of classes.
        """
        X = self._check_X(X)
        n_classes = len(self.classes_)
        if not (isinstance(k, Integral) and 1 <= k <= n_classes):
            raise ValueError(f"k must be an int from 1 to the {n_classes} classes, got {k!r}.")
        if self._targets_.kind != "multilabel" and n_classes <= 2:
            probabilities = self.predict_proba(X)
            places = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
            return self.classes_[places], np.take_along_axis(probabilities, places, axis=1)
        places, scores = self._predictor.best(X, int(k))
        return self.classes_[places], scores

    @property
    def _predictor(self) -> Predictor:
        return Predictor(self._network_, self.model_)

    def _check_X(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "model_")
        checked = check_features(X, self)
        validate_data(self, X, reset=False, skip_check_array=True)
        return checked
