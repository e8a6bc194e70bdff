"""scikit-learn scorers of the metrics of this package, by name."""

from collections.abc import Callable, Iterable
from typing import Any

from sklearn.metrics import get_scorer as get_sklearn_scorer
from sklearn.metrics import get_scorer_names as get_sklearn_scorer_names

from skmlclf._compat import BaseScorer, shared_predictions
from skmlclf.metrics.evaluation import evaluate_metrics
from skmlclf.metrics.registry import Metric, get_metric, metric_names, unknown_name_message
from skmlclf.metrics.responses import EstimatorResponses, as_indicator


def get_scorer(scoring: str | Metric | Callable[..., Any]) -> Callable[..., Any]:
    """Return the scorer of that name, for ``scoring=`` of scikit-learn's tools.

    .. versionadded:: 0.1

    Parameters
    ----------
    scoring : str, Metric or callable
        A name of :func:`get_scorer_names`, with any k from 1 on in those at k; or a name of
        :func:`sklearn.metrics.get_scorer_names`. Names of this package take precedence. A
        :class:`Metric` need not be registered. Any other callable is returned as it is.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, a float that is higher where the
        estimator is better. A metric of several values gives a dict instead:
        ``multilabel_confusion_matrix`` the four totals ``tn``, ``fp``, ``fn`` and ``tp``.

    Raises
    ------
    ValueError
        If there is no metric of that name.

    See Also
    --------
    register_metric : Make a metric of your own known by name.

    Notes
    -----
    The estimator may be any classifier with scikit-learn's API. Ranking metrics use the first that
    it has of ``predict_topk``, ``predict_proba`` and ``decision_function``; ``predict_topk`` is
    also found inside a fitted ``Pipeline`` or search, and avoids a matrix of all scores. ``map``
    needs all scores and does not use ``predict_topk``. Metrics of decisions use ``predict``. The
    scorers of a dict share predictions, which are computed once.

    Where ``predict_topk`` has a parameter ``response_method``, as that of this package's
    classifiers, rankings are taken from logits: many probabilities near 1 are equal in float32
    although their logits differ.

    ``y`` is a 0/1 matrix of one column per label, dense or sparse. One-dimensional binary or
    multiclass ``y`` is converted to one column per class of ``estimator.classes_``.

    A loss, such as ``hamming``, is negated, since for scikit-learn greater is better.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.metrics import get_scorer
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> scorer = get_scorer("precision_at_2")
    >>> cross_val_score(KNeighborsClassifier(), X, y, scoring=scorer, cv=3).round(2)
    array([0.56, 0.58, 0.49])
    """
    if isinstance(scoring, Metric):
        return _MetricScorer(scoring)
    if callable(scoring):
        return scoring
    if not isinstance(scoring, str):
        raise ValueError(f"scoring must be the name of a metric or a callable, got {scoring!r}.")
    try:
        return _MetricScorer(get_metric(scoring))
    except ValueError as error:
        theirs = get_sklearn_scorer_names()
        if scoring not in theirs:
            message = unknown_name_message(scoring, get_scorer_names(), theirs)
            raise ValueError(f"{message} The scorers of scikit-learn are known too.") from error
    scorer: Callable[..., Any] = get_sklearn_scorer(scoring)
    return scorer


def get_scorer_names() -> list[str]:
    """List the names that :func:`get_scorer` knows, those of metrics at k for a few common k.

    .. versionadded:: 0.1

    Returns
    -------
    list of str
        Names of the metrics of this package and of those registered. Names of scikit-learn are
        listed by :func:`sklearn.metrics.get_scorer_names`.

    Examples
    --------
    >>> from skmlclf.metrics import get_scorer_names
    >>> "gap_at_20" in get_scorer_names()
    True
    """
    return metric_names()


def named_scorers(
    scoring: Iterable[str | Metric | Callable[..., Any]],
) -> tuple[dict[str, Metric], dict[str, Callable[..., Any]]]:
    """Divide metrics and scorers into metrics of this package and all other scorers.

    One evaluation computes several metrics from the same predictions, whereas each scorer makes its
    own.

    .. versionadded:: 0.1

    Parameters
    ----------
    scoring : iterable of str, Metric or callable
        Names as :func:`get_scorer` takes them, :class:`Metric` objects, or scorers.

    Returns
    -------
    metrics : dict of str to Metric
        Metrics of this package and registered ones, by name.
    scorers : dict of str to callable
        Scorers of scikit-learn and callables, by name.

    Raises
    ------
    TypeError
        If one is of another type.
    ValueError
        If a name is unknown.

    Examples
    --------
    >>> from skmlclf.metrics import named_scorers
    >>> metrics, scorers = named_scorers(["gap_at_20", "accuracy"])
    >>> list(metrics), list(scorers)
    (['gap_at_20'], ['accuracy'])
    """
    metrics: dict[str, Metric] = {}
    scorers: dict[str, Callable[..., Any]] = {}
    if isinstance(scoring, str) or not isinstance(scoring, Iterable):
        raise TypeError(
            f"Metrics must be a sequence of names, metrics or scorers, got {scoring!r}."
        )
    for each in scoring:
        if isinstance(each, Metric):
            metrics[each.name] = each
        elif isinstance(each, str):
            scorer = get_scorer(each)
            if isinstance(scorer, _MetricScorer):
                metrics[each] = scorer.metric
            else:
                scorers[each] = scorer
        elif callable(each):
            scorers[getattr(each, "__name__", None) or repr(each)] = each
        else:
            raise TypeError(f"A metric must be a name, a Metric or a scorer, got {each!r}.")
    return metrics, scorers


class _MetricScorer(BaseScorer):
    """A metric with the responses it needs asked from the estimator.

    It carries its metric along, so that it works in processes where nothing was registered.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        if metric.response == "decisions":
            methods = ["predict"]
        elif metric.response == "probabilities":
            methods = ["predict_proba"]
        else:
            methods = ["predict_proba", "decision_function"]
            if metric.depth is not None:
                methods.insert(0, "predict_topk")
        sign = -1 if metric.greater_is_better is False else 1
        super().__init__(metric.compute, sign, {}, methods)

    def __repr__(self) -> str:
        return f"get_scorer({self.metric.name!r})"

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> float | dict[str, float]:
        y_true, classes = as_indicator(y_true, estimator)
        shared = shared_predictions(method_caller)
        responses = EstimatorResponses(estimator, X, classes=classes, shared=shared)
        values = evaluate_metrics([self.metric], y_true, responses, **kwargs)
        scores = {key: self._sign * value for key, value in values.items()}
        return scores if self.metric.keys else scores[self.metric.name]
