"""The responses of a classifier in the shape that metrics take: one column per label.

scikit-learn's classifiers respond to multilabel targets in several ways: one array of
probabilities, a list of one array per label, decision values, and for one-dimensional targets one
column per class.
"""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skmlclf.metrics._topk import top_k_of_block

TopK = tuple[NDArray[Any], NDArray[Any]]
TopKMethod = Callable[[Any, int], TopK]


@runtime_checkable
class Responses(Protocol):
    """Protocol of the responses of one classifier for the rows of one ``y_true``.

    A class with these four methods is all that :func:`evaluate_metrics` needs. Each is called at
    most once, and only where a metric needs it.

    .. versionadded:: 0.1

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.metrics import Responses, evaluate_metrics, top_k_of_scores
    >>> class Stored:
    ...     def __init__(self, probabilities):
    ...         self._probabilities = probabilities
    ...     def top_k(self, k):
    ...         return top_k_of_scores(self._probabilities, k)
    ...     def scores(self):
    ...         return self._probabilities
    ...     def probabilities(self):
    ...         return self._probabilities
    ...     def decisions(self):
    ...         return self._probabilities > 0.5
    >>> stored = Stored(np.array([[0.9, 0.2, 0.6], [0.1, 0.7, 0.3]]))
    >>> isinstance(stored, Responses)
    True
    >>> evaluate_metrics(["hit_at_1"], [[1, 0, 0], [0, 0, 1]], stored)
    {'hit_at_1': 0.5}
    """

    def top_k(self, k: int) -> TopK | None:
        """Return the ``k`` best labels of each row.

        Parameters
        ----------
        k : int
            At most the number of labels.

        Returns
        -------
        tuple of two arrays of shape (n_samples, k), or None
            Label indices and their scores, logits or probabilities, best first. None if the best
            labels are to be computed from :meth:`scores`.
        """

    def scores(self) -> Any:
        """Return scores, (n_samples, n_labels), of which only the order counts."""

    def probabilities(self) -> Any:
        """Return an array (n_samples, n_labels) of probabilities."""

    def decisions(self) -> Any:
        """Return a 0/1 matrix (n_samples, n_labels), dense or sparse."""


class EstimatorResponses:
    """The responses of a fitted estimator, each computed at most once.

    Rankings are taken from logits where the estimator offers both: near 0 and 1 many float32
    probabilities are equal although their logits differ.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : fitted classifier
        A classifier with scikit-learn's API, a pipeline or a search.
    X : array-like of shape (n_samples, n_features)
        The rows to predict.
    classes : ndarray of shape (n_classes,), default=None
        The classes of one-dimensional targets, as :func:`as_indicator` returns them.
    shared : dict, default=None
        Cache to share responses between several objects, such as the scorers of one multi-metric
        evaluation.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.metrics import EstimatorResponses, evaluate_metrics
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> knn = KNeighborsClassifier().fit(X[:80], y[:80])
    >>> responses = EstimatorResponses(knn, X[80:])
    >>> evaluate_metrics(["hit_at_1", "hamming"], y[80:], responses)
    {'hit_at_1': 0.641..., 'hamming': 0.3...}
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        *,
        classes: NDArray[Any] | None = None,
        shared: dict[Any, Any] | None = None,
    ) -> None:
        self._estimator = estimator
        self._X = X
        self._classes = classes
        self._responses = {} if shared is None else shared

    def top_k(self, k: int) -> TopK | None:
        """Return the ``k`` best labels of each row and their scores.

        Parameters
        ----------
        k : int
            At most the number of labels.

        Returns
        -------
        tuple of two arrays of shape (n_samples, k), or None
            None if the estimator has no ``predict_topk``, or targets are one-dimensional:
            ``predict_topk`` may then return classes instead of indices.
        """
        method = topk_method(self._estimator, response_method="decision_function")
        if method is None or self._classes is not None:
            return None
        labels, scores = self._once("predict_topk", lambda: method(self._X, k))
        if labels.shape[1] < k:
            self._responses.pop(("skmlclf", "predict_topk"))
            return self.top_k(k)
        return labels, scores

    def scores(self) -> Any:
        """Return scores of every label of which only the order counts.

        Returns
        -------
        ndarray of shape (n_samples, n_labels)

        Raises
        ------
        AttributeError
            If the estimator gives no scores.
        """
        names = ["predict_proba", "decision_function"]
        # Logits of a softmax are comparable inside a row only.
        exclusive = self._classes is not None and len(self._classes) > 2
        if not exclusive and _takes_response_method(getattr(self._estimator, "predict_topk", None)):
            names.reverse()
        for name in names:
            if hasattr(self._estimator, name):
                return self._of_all_labels(name)
        raise AttributeError(
            f"{type(self._estimator).__name__} has none of predict_topk, predict_proba and "
            "decision_function, so it gives no ranking of the labels. Use a metric of decisions, "
            "such as f1_samples, or a classifier with scores."
        )

    def probabilities(self) -> Any:
        """Return the probability of every label.

        Returns
        -------
        ndarray of shape (n_samples, n_labels)

        Raises
        ------
        AttributeError
            If the estimator has no ``predict_proba``.
        """
        if not hasattr(self._estimator, "predict_proba"):
            raise AttributeError(
                f"{type(self._estimator).__name__} has no predict_proba, so it gives no "
                "probabilities. Calibrate it, for instance with "
                "sklearn.calibration.CalibratedClassifierCV, or use a metric of rankings."
            )
        return self._of_all_labels("predict_proba")

    def decisions(self) -> Any:
        """Return the predicted labels.

        Returns
        -------
        ndarray or sparse of shape (n_samples, n_labels)
        """
        y_pred = self._once("predict", lambda: self._estimator.predict(self._X))
        return y_pred if self._classes is None else one_hot(y_pred, self._classes)

    def _once(self, name: str, ask: Callable[[], Any]) -> Any:
        # Apart from scikit-learn's own entries, which are already reshaped.
        key = ("skmlclf", name)
        if key not in self._responses:
            self._responses[key] = ask()
        return self._responses[key]

    def _of_all_labels(self, name: str) -> NDArray[Any]:
        response = self._once(name, partial(getattr(self._estimator, name), self._X))
        if isinstance(response, list):
            return _column_of_each(response, getattr(self._estimator, "classes_", None))
        scores: NDArray[Any] = response
        if self._classes is not None and np.ndim(scores) == 1:
            return np.stack([-scores, scores], axis=1)
        return scores


def as_indicator(y_true: Any, estimator: Any) -> tuple[Any, NDArray[Any] | None]:
    """Return targets with one column per label.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels) or (n_samples,)
        Targets. One-dimensional ones are converted to one label per row, one of the estimator's
        classes.
    estimator : fitted classifier
        Where the classes of one-dimensional targets are taken from.

    Returns
    -------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
    classes : ndarray of shape (n_labels,) or None
        The classes where `y_true` was one-dimensional.

    Raises
    ------
    ValueError
        If the number of columns of `y_true` is not that of the labels that the estimator was fitted
        on; if `y_true` is one-dimensional and the estimator has no ``classes_``, or a class is not
        among them.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.metrics import as_indicator
    >>> knn = KNeighborsClassifier(1).fit([[0.0], [1.0]], ["cat", "dog"])
    >>> y_true, classes = as_indicator(["dog", "dog", "cat"], knn)
    >>> y_true.toarray()
    array([[0., 1.],
           [0., 1.],
           [1., 0.]])
    """
    classes = getattr(estimator, "classes_", None)
    if sp.issparse(y_true) or not _is_one_dimensional(y_true):
        n_columns = getattr(y_true, "shape", (0, 0))[-1]
        # Lists of classes are of one column each, and a single column may hold two classes.
        if n_columns > 1 and isinstance(classes, np.ndarray) and len(classes) != n_columns:
            raise ValueError(
                f"y has {n_columns} columns, but the estimator was fitted on {len(classes)} labels"
                " or classes. Give it targets of the same kind."
            )
        return y_true, None
    if classes is None or isinstance(classes, list):
        raise ValueError(
            "y is one-dimensional, but the estimator has no classes_ that would say which label "
            "is which column. Give y as a 0/1 matrix of one column per label."
        )
    return one_hot(y_true, np.asarray(classes)), np.asarray(classes)


def _is_one_dimensional(y: Any) -> bool:
    try:
        return np.ndim(y) == 1
    except ValueError:
        # Lists of different lengths: the reader of indicators says what to do with them.
        return False


def one_hot(y: Any, classes: NDArray[Any]) -> sp.csr_array:
    """Return one column per class, with a single 1 in each row.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        One class per row.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If a class is not among `classes`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.metrics import one_hot
    >>> one_hot(["dog", "cat"], np.array(["cat", "dog"])).toarray()
    array([[0., 1.],
           [1., 0.]])
    """
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


def top_k_of_scores(scores: NDArray[Any], k: int) -> TopK:
    """Return the ``k`` best labels of each row, of equal scores the lower column first.

    .. versionadded:: 0.1

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_labels)
        Higher is better; without NaN.
    k : int
        From 1 to the number of labels.

    Returns
    -------
    tuple of two ndarrays of shape (n_samples, k)
        Label indices and their scores, best first.

    Raises
    ------
    ValueError
        If `scores` holds NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.metrics import top_k_of_scores
    >>> labels, scores = top_k_of_scores(np.array([[0.1, 0.7, 0.7, 0.2]]), k=3)
    >>> labels
    array([[1, 2, 3]])
    """
    best = top_k_of_block(np.ascontiguousarray(scores), k)
    return best.labels, best.scores


def topk_method(estimator: Any, *, response_method: str | None = None) -> TopKMethod | None:
    """Find ``predict_topk`` of an estimator, also inside a fitted search or pipeline.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : fitted estimator
        A classifier, a pipeline or a search.
    response_method : {"predict_proba", "decision_function"}, default=None
        Passed to ``predict_topk`` where that has a parameter of this name: which scores to return.

    Returns
    -------
    callable or None
        ``method(X, k) -> (labels, scores)``.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf import BaseMLPClassifier
    >>> from skmlclf.metrics import topk_method
    >>> topk_method(KNeighborsClassifier()) is None
    True
    >>> callable(topk_method(BaseMLPClassifier()))
    True
    """
    method = getattr(estimator, "predict_topk", None)
    if method is not None:
        kwargs = {}
        if response_method is not None and _takes_response_method(method):
            kwargs["response_method"] = response_method
        return lambda X, k: method(X, k=k, **kwargs)
    if hasattr(estimator, "best_estimator_"):
        return topk_method(estimator.best_estimator_, response_method=response_method)
    if not isinstance(estimator, Pipeline):
        return None
    last = topk_method(estimator[-1], response_method=response_method)
    if last is None or len(estimator) == 1:
        return last
    return lambda X, k: last(estimator[:-1].transform(X), k)


def _takes_response_method(method: Any) -> bool:
    return method is not None and "response_method" in signature(method).parameters


def _column_of_each(probabilities: list[NDArray[Any]], classes: Any) -> NDArray[Any]:
    """Probability of 1 for each label, out of one array of shape (n_samples, n_classes) per label.

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
