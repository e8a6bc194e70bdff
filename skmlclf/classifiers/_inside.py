"""What a meta-estimator passes on from the inner classifier."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skmlclf._compat import available_if
from skmlclf.classifiers._topk import predict_topk
from skmlclf.thresholds import with_temperature


def _estimator_has(name: str) -> Any:
    """Say whether the inner classifier has a method."""

    def check(self: Any) -> bool:
        # Raises the AttributeError of the inner classifier.
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class ResponsesOfInside:
    """Classes and scores of ``estimator_``, its probabilities calibrated where asked for."""

    calibrate: bool
    estimator: Any
    estimator_: Any
    temperature_: float

    @property
    def classes_(self) -> Any:
        """Classes of the inner classifier."""
        return self.estimator_.classes_

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Any:
        """Return the probabilities of the inner classifier.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or what the inner classifier returns
            As they are, or at ``temperature_`` with ``calibrate=True``.
        """
        check_is_fitted(self, "estimator_")
        return self._calibrated(self.estimator_.predict_proba(X))

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Return the logarithms of the probabilities.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or what the inner classifier returns
            Of those that `predict_proba` returns.
        """
        check_is_fitted(self, "estimator_")
        if not self.calibrate:
            return self.estimator_.predict_log_proba(X)
        probabilities = self.predict_proba(X)
        if isinstance(probabilities, list):
            return [np.log(each) for each in probabilities]
        return np.log(probabilities)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> Any:
        """Return the decision values of the inner classifier, as they are.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples,)
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    def predict_topk(
        self,
        X: ArrayLike,
        k: int = 20,
        *,
        label_weight: ArrayLike | None = None,
        response_method: str = "predict_proba",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best labels of each row and their scores, whatever is decided.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows.
        k : int, default=20
            Number of labels per row, at most the number of all labels.
        label_weight : array-like of shape (n_labels,), default=None
            Factors of the probabilities, as for `skmlclf.predict_topk`.
        response_method : {"predict_proba", "decision_function"}, default="predict_proba"
            Which scores.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Column indices of the labels, best first.
        scores : ndarray of shape (n_samples, k)
            Their scores.

        Raises
        ------
        ValueError
            If `k` or `label_weight` is not as described.
        """
        check_is_fitted(self, "estimator_")
        if label_weight is not None:
            return predict_topk(
                self, X, k, label_weight=label_weight, response_method=response_method
            )
        labels, scores = predict_topk(self.estimator_, X, k, response_method=response_method)
        if response_method == "predict_proba":
            scores = self._calibrated(scores)
        return labels, scores

    def _calibrated(self, probabilities: Any) -> Any:
        if not self.calibrate:
            return probabilities
        if isinstance(probabilities, list):
            return [self._calibrated(each) for each in probabilities]
        return with_temperature(probabilities, self.temperature_)
