"""The methods of a blend that look at rows and change nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmlclf.classifiers._neighbors import Blend, row_blocks
from skmlclf.classifiers._predictions import DEFAULT_K, check_topk_response, checked_k
from skmlclf.classifiers._targets import MultilabelTargets, Targets

# As the probabilities of the networks are kept from 0 and 1.
_LEAST, _MOST = np.float32(1e-37), np.float32(1.0 - 2.0**-24)


class NeighborPredictions:
    """Decisions, probabilities and the best labels of a blend, some rows at a time."""

    classes_: np.ndarray
    _targets_: Targets

    @property
    def _blend(self) -> Blend:
        raise NotImplementedError

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class, or the labels with a probability above one half.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or sparse
            In the dtype that `y` had in `fit`, but int64 if that was an integer or object dtype; in
            CSR format if it was sparse.
        """
        check_is_fitted(self, "_bank_")
        targets = self._targets_
        if not isinstance(targets, MultilabelTargets):
            best = self._by_block(X, lambda block: self._blend.probabilities(block).argmax(axis=1))
            return self.classes_[np.concatenate(best)]

        def decide(block: Any) -> sparse.csr_matrix:
            return sparse.csr_matrix(self._blend.probabilities(block) > 0.5, dtype=np.uint8)

        return targets.decode(sparse.vstack(self._by_block(X, decide), format="csr"))

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the blended probability of every class or label.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Several labels have independent probabilities, each strictly between 0 and 1; those of
            classes sum to one.
        """
        check_is_fitted(self, "_bank_")
        blocks = self._by_block(X, self._blend.probabilities)
        return self._kept_from_ends(np.concatenate(blocks))

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the logarithm of the blended probability of every class or label.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
        """
        return np.asarray(np.log(self.predict_proba(X)))

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the logit of the blended probability.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) where binary, float32
            For more than two classes, the logarithms of their probabilities.
        """
        probabilities = self.predict_proba(X)
        if isinstance(self._targets_, MultilabelTargets):
            return _logit(probabilities)
        if len(self.classes_) == 2:
            # As exact near 1 as near 0.
            return np.asarray(np.log(probabilities[:, 1]) - np.log(probabilities[:, 0]))
        return np.asarray(np.log(probabilities))

    def predict_topk(
        self, X: ArrayLike, k: int = DEFAULT_K, *, response_method: str = "predict_proba"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` most probable labels of each row, without a matrix of all scores.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        k : int, default=20
            Number of labels per row, at most the number of classes. Where there are fewer than 20
            classes, the default stands for all of them.
        response_method : {"predict_proba", "decision_function"}, default="predict_proba"
            Whether the scores are probabilities or their logits.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Entries of `classes_`, the most probable first; of equal probabilities the lower class
            comes first.
        scores : ndarray of shape (n_samples, k), float32
            Their blended probabilities, the `k` largest ones of `predict_proba`, or the logits of
            these.

        Raises
        ------
        ValueError
            If `k` is not between 1 and the number of classes, or `response_method` is unknown.
        """
        check_is_fitted(self, "_bank_")
        k = checked_k(k, len(self.classes_), "classes")
        check_topk_response(response_method)
        blocks = self._by_block(X, lambda block: self._blend.topk(block, k))
        labels, scores = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        scores = self._kept_from_ends(scores)
        if response_method == "decision_function":
            scores = _logit(np.minimum(scores, _MOST))
        return self.classes_[labels], scores

    def score(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the fraction of rows whose class, or whose labels all, are predicted correctly.

        Parameters
        ----------
        X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Targets, in any form that `fit` takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            The same as `sklearn.metrics.accuracy_score`.
        """
        y_pred, targets = self.predict(X), self._targets_
        y_true = targets.encode(y)
        check_consistent_length(X, y_true, sample_weight)
        right = targets.score(y_true, targets.encode(y_pred))
        weights = None if sample_weight is None else np.asarray(sample_weight)
        return float(np.average(right, weights=weights))

    def _by_block(self, X: Any, function: Callable[[Any], Any]) -> list[Any]:
        return [function(block) for _, block in row_blocks(X)]

    def _kept_from_ends(self, probabilities: np.ndarray) -> np.ndarray:
        most = _MOST if isinstance(self._targets_, MultilabelTargets) else np.float32(1.0)
        return np.asarray(np.clip(probabilities, _LEAST, most))


def _logit(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(probabilities) - np.log1p(-probabilities))
