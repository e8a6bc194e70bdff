"""scikit-learn scorers of the metrics of this package, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names as sklearn_scorer_names

from skmlclf._compat import BaseScorer, shared_predictions
from skmlclf.metrics._predictions import Predictions, as_indicator, topk_method
from skmlclf.metrics._registry import (
    CONFUSION,
    Metric,
    metric_names,
    resolve_metric,
    unknown_name_message,
)
from skmlclf.metrics.decisions import multilabel_confusion_matrix


def get_scorer(scoring: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the scorer of that name, for ``scoring=`` of scikit-learn's tools.

    Parameters
    ----------
    scoring : str or callable
        One of :func:`get_scorer_names`, where ``at_20`` may be ``at_`` any number from 1 on. A
        callable is returned as it is.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, a float that is higher where the
        estimator is better. ``multilabel_confusion_matrix`` returns a dict of four totals
        instead: ``tn``, ``fp``, ``fn`` and ``tp``.

    Raises
    ------
    ValueError
        If there is no metric of that name.

    Notes
    -----
    The estimator may be any classifier of scikit-learn's kind. Ranking metrics take the first
    that it has of ``predict_topk``, ``predict_proba`` and ``decision_function``, the first of
    them also inside a fitted ``Pipeline`` or search; then no score matrix of all labels is ever
    made. ``map`` needs all scores and passes over ``predict_topk``. Decision metrics take
    ``predict``. In a dict of scorers, predictions are made once and shared.

    ``y`` is a 0/1 matrix of one column a label, dense or sparse. One-dimensional binary or
    multiclass ``y`` is taken for one label a row out of ``estimator.classes_``.

    ``hamming`` is the negated loss, since for scikit-learn greater is better.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.metrics import get_scorer
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> scorer = get_scorer("precision_at_2")
    >>> cross_val_score(KNeighborsClassifier(), X, y, scoring=scorer, cv=3).round(2)
    array([0.54, 0.56, 0.47])
    """
    if callable(scoring):
        return scoring
    if not isinstance(scoring, str):
        raise ValueError(f"scoring must be the name of a metric or a callable, got {scoring!r}.")
    if scoring == CONFUSION:
        return _ConfusionScorer()
    try:
        return _MetricScorer(resolve_metric(scoring))
    except ValueError as error:
        if scoring in sklearn_scorer_names():
            raise ValueError(
                f"{scoring!r} is a scorer of scikit-learn's: get it with sklearn.metrics."
                "get_scorer."
            ) from None
        raise ValueError(unknown_name_message(scoring, get_scorer_names())) from error


def get_scorer_names() -> list[str]:
    """Names that :func:`get_scorer` knows, those at k for a few usual k out of all.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from skmlclf.metrics import get_scorer_names
    >>> "gap_at_20" in get_scorer_names()
    True
    """
    return sorted([*metric_names(), CONFUSION])


class _MetricScorer(BaseScorer):
    """A metric with the predictions it needs asked from the estimator."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        if metric.kind == "decision":
            responses = ["predict"]
        else:
            responses = ["predict_proba", "decision_function"]
            if metric.name != "map":
                responses.insert(0, "predict_topk")
        sign = 1 if metric.greater_is_better else -1
        super().__init__(metric.score, sign, {}, responses)

    def __repr__(self) -> str:
        return f"get_scorer({self._metric.name!r})"

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> float:
        predictions = Predictions(estimator, X, shared_predictions(method_caller))
        y_true, classes = as_indicator(y_true, estimator)
        if self._metric.kind == "decision":
            y_score = predictions.decisions(classes)
        else:
            depth = self._metric.depth(y_true)
            # With one-dimensional y the classes are few and predict_topk may speak of classes.
            method = topk_method(estimator) if depth and classes is None else None
            if method is None:
                y_score = predictions.scores(classes)
            else:
                y_score = predictions.top_k(method, min(depth, np.shape(y_true)[1]))
        return self._sign * self._metric.score(y_true, y_score, **kwargs)


class _ConfusionScorer(BaseScorer):
    """Totals over all labels of their confusion matrices."""

    def __init__(self) -> None:
        super().__init__(multilabel_confusion_matrix, 1, {}, ["predict"])

    def __repr__(self) -> str:
        return f"get_scorer({CONFUSION!r})"

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> dict[str, float]:
        predictions = Predictions(estimator, X, shared_predictions(method_caller))
        y_true, classes = as_indicator(y_true, estimator)
        totals = multilabel_confusion_matrix(y_true, predictions.decisions(classes), **kwargs)
        return dict(zip(("tn", "fp", "fn", "tp"), totals.sum(axis=0).ravel(), strict=True))
