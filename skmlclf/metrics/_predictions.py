"""What a classifier answers, in the one shape that metrics take: a column for each label.

scikit-learn's classifiers answer multilabel questions in several ways: one array of probabilities,
a list of one array a label, decision values, and for one-dimensional targets one column a class.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

TopKMethod = Callable[..., tuple[NDArray[Any], NDArray[Any]]]


def as_indicator(y_true: Any, estimator: Any) -> tuple[Any, NDArray[Any] | None]:
    """Return ``y_true`` with one column a label, and the classes where it had none.

    One-dimensional targets become one label a row out of the classes of the estimator.
    """
    if sp.issparse(y_true) or np.ndim(y_true) != 1:
        return y_true, None
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list):
        raise ValueError(
            "y is one-dimensional, but the estimator has no classes_ that would say which label "
            "is which column. Give y as a 0/1 matrix of one column a label."
        )
    return one_hot(y_true, np.asarray(classes)), np.asarray(classes)


def one_hot(y: Any, classes: NDArray[Any]) -> sp.csr_array:
    y = np.asarray(y)
    known = np.isin(y, classes)
    if not known.all():
        raise ValueError(
            f"y holds {y[~known][0]!r}, which is not among the classes that the estimator was "
            f"fitted on. Make sure that every class is in every training set."
        )
    columns = np.searchsorted(classes, y)
    rows = np.arange(len(y) + 1)
    return sp.csr_array((np.ones(len(y)), columns, rows), shape=(len(y), len(classes)))


def topk_method(estimator: Any) -> TopKMethod | None:
    """Find ``predict_topk`` of an estimator, also inside a fitted search or pipeline."""
    if hasattr(estimator, "predict_topk"):
        return estimator.predict_topk
    if hasattr(estimator, "best_estimator_"):
        return topk_method(estimator.best_estimator_)
    if not isinstance(estimator, Pipeline):
        return None
    last = topk_method(estimator[-1])
    if last is None or len(estimator) == 1:
        return last
    return lambda X, k: last(estimator[:-1].transform(X), k=k)


class Predictions:
    """The answers of an estimator on X, each asked for at most once.

    Parameters
    ----------
    estimator : fitted classifier
    X : array-like of shape (n_samples, n_features)
    shared : dict or None
        Answers that outlive this object, for the scorers of one multi-metric call.
    """

    def __init__(self, estimator: Any, X: Any, shared: dict[Any, Any] | None = None) -> None:
        self._estimator = estimator
        self._X = X
        self._answers = {} if shared is None else shared

    def _once(self, name: str, ask: Callable[[], Any]) -> Any:
        # Apart from scikit-learn's own entries, which are already reshaped.
        key = ("skmlclf", name)
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]

    def decisions(self, classes: NDArray[Any] | None = None) -> Any:
        y_pred = self._once("predict", lambda: self._estimator.predict(self._X))
        return y_pred if classes is None else one_hot(y_pred, classes)

    def top_k(self, method: TopKMethod, k: int) -> tuple[NDArray[Any], NDArray[Any]]:
        labels, scores = self._once("topk", lambda: method(self._X, k=k))
        if labels.shape[1] < k:
            self._answers.pop(("skmlclf", "topk"))
            return self.top_k(method, k)
        return labels, scores

    def scores(self, classes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Scores of every label, probabilities if the estimator has them."""
        for name in ("predict_proba", "decision_function"):
            method = getattr(self._estimator, name, None)
            if method is None:
                continue
            scores = self._once(name, partial(method, self._X))
            if isinstance(scores, list):
                return _column_of_each(scores, getattr(self._estimator, "classes_", None))
            if classes is not None and np.ndim(scores) == 1:
                return np.stack([-scores, scores], axis=1)
            return scores
        raise AttributeError(
            f"{type(self._estimator).__name__} has none of predict_topk, predict_proba and "
            "decision_function, so it gives no ranking of the labels. Use a metric of decisions, "
            "such as f1_samples, or a classifier with scores."
        )


def _column_of_each(probabilities: list[NDArray[Any]], classes: Any) -> NDArray[Any]:
    """Probability of 1 for each label, out of one array of shape (n_samples, n_classes) a label.

    A label that was always, or never, there in training has a single column, and only its class
    tells which of the two it is.
    """
    if not isinstance(classes, list):
        classes = [np.arange(p.shape[1]) if p.shape[1] == 2 else None for p in probabilities]
    if any(c is None for c in classes):
        raise ValueError(
            "predict_proba returned a list with an array of one column, and the estimator has no "
            "list classes_ to say whether that column stands for 0 or for 1."
        )
    scores = np.zeros((len(probabilities[0]), len(probabilities)))
    for label, (probability, label_classes) in enumerate(zip(probabilities, classes, strict=True)):
        one = np.flatnonzero(np.asarray(label_classes) == 1)
        if len(one):
            scores[:, label] = probability[:, one[0]]
    return scores
