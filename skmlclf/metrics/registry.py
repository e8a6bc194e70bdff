"""The registry of metrics by name, such as ``gap_at_20``."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from skmlclf.metrics._inputs import LabelMatrix
from skmlclf.metrics.average_precision import (
    global_average_precision_score,
    mean_average_precision_score,
)
from skmlclf.metrics.calibration import expected_calibration_error
from skmlclf.metrics.decisions import (
    hamming_loss,
    multilabel_confusion_matrix,
    samples_precision_recall_f1,
)
from skmlclf.metrics.equal_recall import precision_at_equal_recall_score
from skmlclf.metrics.ranking import (
    hit_at_k_score,
    ndcg_at_k_score,
    precision_at_k_score,
    recall_at_k_score,
)

Response = Literal["ranking", "probabilities", "decisions"]

# A family may be asked for at any k; a list of names has to stop somewhere.
LISTED_K = (1, 5, 20)

_FAMILY = "_at_k"


@dataclass(frozen=True)
class Metric:
    """A metric, with what scorers, callbacks and reports need to know about it.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores. A name that ends in ``_at_k`` stands for a
        family: ``function`` takes an argument ``k``, and ``<family>_at_5`` calls it with ``k=5``.
    function : callable
        ``function(y_true, y_response)``, and with the keyword ``sample_weight`` where there are
        weights. ``y_true`` is a ``scipy.sparse.csr_array`` of 0 and 1, int64, of shape (n_samples,
        n_labels). What ``y_response`` is depends on ``response``. Returns a float, or a mapping of
        str to float where ``keys`` are given. Define it at module level if it has to be pickled for
        other processes.
    greater_is_better : bool or None, default=True
        False for a loss. None for values without a direction, such as counts.
    response : {"ranking", "probabilities", "decisions"}, default="ranking"
        What ``y_response`` is. "ranking": scores of which only the order counts, probabilities or
        logits, an array of shape (n_samples, n_labels) or, where ``depth`` is given, perhaps the
        pair ``(labels, scores)`` of the best labels of each row. "probabilities": an array of
        shape (n_samples, n_labels). "decisions": a 0/1 matrix, dense or sparse.
    depth : int or callable, default=None
        Number of best-ranked labels of each row that a ranking metric depends on, or a function
        that computes it from ``y_true``. None stands for all scores. For a family it follows from
        the name.
    keys : tuple of str, default=()
        Names of the values of a metric that returns a mapping.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described.

    See Also
    --------
    register_metric : Register a metric under its name.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.metrics import Metric, get_scorer, register_metric
    >>> def coverage_loss(y_true, y_score, sample_weight=None):
    ...     lowest = np.where(y_true.toarray() == 1, y_score, np.inf).min(axis=1, keepdims=True)
    ...     return np.average((y_score >= lowest).sum(axis=1), weights=sample_weight)
    >>> metric = register_metric(Metric("coverage", coverage_loss, greater_is_better=False))
    >>> get_scorer("coverage")
    get_scorer('coverage')

    A family of metrics at any k, for pairs ``(labels, scores)`` and for arrays of scores:

    >>> def first_hit_at_k_score(y_true, y_score, *, k, sample_weight=None):
    ...     if isinstance(y_score, tuple):
    ...         labels = y_score[0][:, :k]
    ...     else:
    ...         labels = np.argsort(-y_score, axis=1, kind="stable")[:, :k]
    ...     hits = np.take_along_axis(y_true.toarray(), labels, axis=1)
    ...     first = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0)
    ...     return np.average(first, weights=sample_weight)
    >>> metric = register_metric(Metric("first_hit_at_k", first_hit_at_k_score))
    >>> get_scorer("first_hit_at_10")
    get_scorer('first_hit_at_10')
    """

    name: str
    function: Callable[..., Any]
    greater_is_better: bool | None = True
    response: Response = "ranking"
    depth: int | Callable[[Any], int] | None = None
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(
                "The name of a metric must be of lower-case letters, digits and underscores, got "
                f"{self.name!r}."
            )
        if not callable(self.function):
            raise TypeError(f"function must be callable, got {self.function!r}.")
        if not (self.greater_is_better is None or isinstance(self.greater_is_better, bool)):
            raise TypeError(
                f"greater_is_better must be True, False or None, got {self.greater_is_better!r}."
            )
        if self.response not in get_args(Response):
            raise ValueError(
                f"response must be one of {', '.join(get_args(Response))}, got {self.response!r}."
            )
        if self.depth is not None:
            if self.response != "ranking":
                raise ValueError(
                    f"depth is for metrics of a ranking, and {self.name} looks at {self.response}."
                )
            is_number = isinstance(self.depth, Integral) and self.depth >= 1
            if not is_number and not callable(self.depth):
                raise ValueError(
                    "depth must be an int of at least 1, a function of y_true, or None, got "
                    f"{self.depth!r}."
                )
        object.__setattr__(self, "keys", tuple(self.keys))

    def depth_for(self, y_true: Any) -> int | None:
        """Compute how many of the best labels of each row the value depends on.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_samples, n_labels)
            The true labels.

        Returns
        -------
        int or None
            None where the metric does not look at a ranking, or needs all scores.
        """
        return self.depth(y_true) if callable(self.depth) else self.depth

    def compute(
        self,
        y_true: Any,
        y_response: Any,
        sample_weight: ArrayLike | None = None,
        *,
        unknown: Any = None,
    ) -> float | dict[str, float]:
        """Compute the metric's own value; a loss is lower where it is better.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_samples, n_labels)
            The true labels.
        y_response : array-like, sparse or tuple
            Scores, probabilities or decisions, as ``response`` says.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        unknown : bool array of shape (n_samples, n_labels), default=None
            Entries of `y_true` that are not known. They are 0 in `y_true`, and last in rankings or
            0 in decisions. Passed on to functions that have a parameter of this name; functions
            that count absent labels need it.

        Returns
        -------
        float, or dict of str to float
            A dict where the metric has ``keys``.
        """
        optional = {} if sample_weight is None else {"sample_weight": sample_weight}
        if unknown is not None and "unknown" in signature(self.function).parameters:
            optional["unknown"] = unknown
        value = self.function(y_true, y_response, **optional)
        if isinstance(value, Mapping) != bool(self.keys) or (
            self.keys and set(value) != set(self.keys)
        ):
            wanted = f"a mapping with the keys {self.keys}" if self.keys else "a number"
            raise TypeError(
                f"The function of {self.name!r} must return {wanted}, got {value!r:.200}."
            )
        if self.keys:
            return {key: self._as_float(value[key]) for key in self.keys}
        return self._as_float(value)

    def _as_float(self, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"The function of {self.name!r} must return a number, got {value!r:.200}."
            ) from error


def register_metric(metric: Metric, *, overwrite: bool = False) -> Metric:
    """Register a metric under its name.

    From then on the name works wherever metrics are named: as a scorer, after each epoch, in
    early stopping, in comparisons and their reports.

    .. versionadded:: 0.1

    Parameters
    ----------
    metric : Metric
        The metric, or a family of them at k.
    overwrite : bool, default=False
        Whether to replace a metric of the same name.

    Returns
    -------
    Metric
        The same metric.

    Raises
    ------
    TypeError
        If it is not a `Metric`.
    ValueError
        If there is a metric of that name and `overwrite` is false.

    Notes
    -----
    A metric is registered in the current process only. Scorers contain their metric, so they work
    in the worker processes of ``n_jobs``; a name that is looked up in a worker process is known
    there if the module that registers it was imported there. A `Metric` can be passed instead of
    its name.

    Examples
    --------
    >>> from skmlclf.metrics import Metric, get_metric, hamming_loss, register_metric
    >>> metric = Metric(
    ...     "share_of_errors", hamming_loss, greater_is_better=False, response="decisions"
    ... )
    >>> register_metric(metric) is get_metric("share_of_errors")
    True
    """
    if not isinstance(metric, Metric):
        raise TypeError(f"register_metric takes a Metric, got {metric!r}.")
    if metric.name in _METRICS and not overwrite:
        raise ValueError(
            f"There is a metric {metric.name!r} already. Choose another name, or give "
            "overwrite=True to replace it."
        )
    _METRICS[metric.name] = metric
    return metric


def get_metric(metric: str | Metric) -> Metric:
    """Return the metric of a name.

    .. versionadded:: 0.1

    Parameters
    ----------
    metric : str or Metric
        A name of :func:`get_scorer_names`, with any k in those at k. A `Metric` is returned as it
        is.

    Returns
    -------
    Metric

    Raises
    ------
    ValueError
        If there is no metric of that name.

    Examples
    --------
    >>> from skmlclf.metrics import get_metric
    >>> get_metric("ndcg_at_7").depth
    7
    >>> get_metric("hamming").greater_is_better
    False
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        if metric in _METRICS and not metric.endswith(_FAMILY):
            return _METRICS[metric]
        at_k = re.fullmatch(r"([a-z][a-z0-9_]*_at_)([1-9][0-9]*)", metric)
        family = _METRICS.get(f"{at_k[1]}k") if at_k else None
        if at_k and family:
            k = int(at_k[2])
            function = partial(family.function, k=k)
            depth = k if family.response == "ranking" else None
            return replace(family, name=metric, function=function, depth=depth)
    raise ValueError(unknown_name_message(metric, metric_names()))


def metric_names() -> list[str]:
    """Sorted names of the metrics, those at k for a few usual k."""
    names: list[str] = []
    for name in _METRICS:
        if name.endswith(_FAMILY):
            names += [f"{name[:-1]}{k}" for k in LISTED_K]
        else:
            names.append(name)
    return sorted(names)


def unknown_name_message(name: Any, known: list[str], others: list[str] | None = None) -> str:
    """Say what names there are, the nearest first; ``others`` are only suggested."""
    asked = str(name).lower().replace("-", "_")
    names = dict.fromkeys([*known, *(others or ())])
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return (
        f"There is no metric {name!r}.{hint} Known are {', '.join(known)}, and any other k of at "
        "least 1 in the names at k."
    )


def _most_labels_of_a_row(y_true: Any) -> int:
    return max(1, int(LabelMatrix(y_true, "y_true").read_all().row_counts.max()))


def _precision_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).precision


def _recall_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).recall


def _f1_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).f1


_CELLS = ("tn", "fp", "fn", "tp")


def _confusion_totals(
    y_true: Any, y_pred: Any, *, unknown: Any = None, **kwargs: Any
) -> dict[str, float]:
    totals = multilabel_confusion_matrix(y_true, y_pred, **kwargs).sum(axis=0)
    cells = dict(zip(_CELLS, totals.ravel(), strict=True))
    if unknown is not None:
        cells["tn"] -= _unknown_weight(unknown, kwargs.get("sample_weight"))
    return cells


def _hamming(y_true: Any, y_pred: Any, *, unknown: Any = None, **kwargs: Any) -> float:
    loss = hamming_loss(y_true, y_pred, **kwargs)
    if unknown is None:
        return loss
    weight = kwargs.get("sample_weight")
    entries = np.shape(unknown)[1] * (len(unknown) if weight is None else np.sum(weight))
    return float(loss * entries / (entries - _unknown_weight(unknown, weight)))


def _unknown_weight(unknown: Any, sample_weight: Any) -> float:
    counts = np.sum(unknown, axis=1)
    return float(counts.sum() if sample_weight is None else counts @ np.asarray(sample_weight))


_METRICS: dict[str, Metric] = {}

for _metric in (
    Metric("precision_at_k", precision_at_k_score),
    Metric("recall_at_k", recall_at_k_score),
    Metric("ndcg_at_k", ndcg_at_k_score),
    Metric("hit_at_k", hit_at_k_score),
    Metric("gap_at_k", global_average_precision_score),
    Metric("map_at_k", mean_average_precision_score),
    Metric("map", mean_average_precision_score),
    Metric("perr", precision_at_equal_recall_score, depth=_most_labels_of_a_row),
    Metric(
        "expected_calibration_error_at_k",
        expected_calibration_error,
        greater_is_better=False,
        response="probabilities",
    ),
    Metric("precision_samples", _precision_samples, response="decisions"),
    Metric("recall_samples", _recall_samples, response="decisions"),
    Metric("f1_samples", _f1_samples, response="decisions"),
    Metric("hamming", _hamming, greater_is_better=False, response="decisions"),
    Metric(
        "multilabel_confusion_matrix",
        _confusion_totals,
        greater_is_better=None,
        response="decisions",
        keys=_CELLS,
    ),
):
    register_metric(_metric)
