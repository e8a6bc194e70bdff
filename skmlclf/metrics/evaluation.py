"""Several metrics of one classifier at once, each response asked for at most once."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from skmlclf._indicator import read_indicator
from skmlclf.metrics.registry import Metric, get_metric
from skmlclf.metrics.responses import Responses, TopK

# Scores of a sorted top-k list may rise by so many units in the last place, for the float32
# sigmoid of TensorFlow is not monotone.
ROUNDING_STEPS = 16


def evaluate_metrics(
    metrics: Iterable[str | Metric],
    y_true: Any,
    responses: Responses,
    sample_weight: ArrayLike | None = None,
    *,
    unknown: NDArray[np.bool_] | None = None,
) -> dict[str, float]:
    """Compute several metrics of one classifier from its responses.

    .. versionadded:: 0.1

    Parameters
    ----------
    metrics : iterable of str or Metric
        Names of :func:`get_scorer_names`, with any k in those at k, or metrics.
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    responses : Responses
        Scores, probabilities and decisions of the classifier. The best labels of each row are
        requested once, as many as the largest k of the metrics; all scores, probabilities and
        decisions at most once each, where a metric needs them.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.
    unknown : bool array of shape (n_samples, n_labels), default=None
        Entries of `y_true` that are not known; they must be 0 there, and are left out. A matrix of
        all scores is then computed.

    Returns
    -------
    dict of str to float
        By name of the metric, in the order given. Losses keep their own sign. A metric of several
        values adds each of them, under its keys.

    Raises
    ------
    ValueError
        If a name is unknown, `y_true` is not 0/1, or shapes do not agree.

    See Also
    --------
    EstimatorResponses : The responses of a scikit-learn estimator.

    Examples
    --------
    Any object with the four methods of ``Responses`` works, here the outputs of a Keras model:

    >>> import numpy as np
    >>> from skmlclf.metrics import evaluate_metrics
    >>> class Outputs:
    ...     def __init__(self, logits):
    ...         self.logits = logits
    ...     def top_k(self, k):
    ...         return None  # top_k is computed from scores()
    ...     def scores(self):
    ...         return self.logits
    ...     def probabilities(self):
    ...         return 1 / (1 + np.exp(-self.logits))
    ...     def decisions(self):
    ...         return self.logits > 0
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> outputs = Outputs(np.array([[2.0, 1.0, -0.5, -3.0], [-2.0, 0.5, -4.0, -3.0]]))
    >>> evaluate_metrics(["hit_at_1", "multilabel_confusion_matrix"], y_true, outputs)
    {'hit_at_1': 1.0, 'tn': 4.0, 'fp': 1.0, 'fn': 1.0, 'tp': 2.0}
    """
    if isinstance(metrics, str):
        raise TypeError(f"metrics must be a sequence of names or metrics, got {metrics!r}.")
    if not isinstance(responses, Responses):
        raise TypeError(
            "responses must have the methods top_k, scores, probabilities and decisions, got"
            f" {type(responses).__name__}; of arrays, call the metrics' own functions."
        )
    chosen = {metric.name: metric for metric in map(get_metric, metrics)}
    y_true = sp.csr_array(read_indicator(y_true, "y_true"), dtype=np.int64)
    n_labels = y_true.shape[1]
    depths = {
        name: min(depth, n_labels)
        for name, metric in chosen.items()
        if (depth := metric.depth_for(y_true)) is not None
    }
    if unknown is not None:
        responses = _KnownResponses(responses, unknown)
    topk = responses.top_k(max(depths.values())) if depths else None
    if topk is not None:
        topk = _without_rounding(topk)
    asked: dict[str, Any] = {}

    def response_to(metric: Metric) -> Any:
        if metric.name in depths and topk is not None:
            return topk
        method = {"ranking": "scores"}.get(metric.response, metric.response)
        if method not in asked:
            asked[method] = getattr(responses, method)()
        return asked[method]

    values: dict[str, float] = {}
    for name, metric in chosen.items():
        value = metric.compute(y_true, response_to(metric), sample_weight, unknown=unknown)
        values.update(value if isinstance(value, dict) else {name: value})
    return values


class _KnownResponses:
    """Responses in which labels that are not known are ranked last and never decided on."""

    def __init__(self, responses: Responses, unknown: NDArray[np.bool_]) -> None:
        self._responses = responses
        self._unknown = unknown

    def top_k(self, k: int) -> None:
        return None

    def scores(self) -> Any:
        return np.where(self._unknown, -np.inf, self._responses.scores())

    def probabilities(self) -> Any:
        return np.where(self._unknown, 0.0, self._responses.probabilities())

    def decisions(self) -> Any:
        y_pred = self._responses.decisions()
        y_pred = y_pred.toarray() if sp.issparse(y_pred) else np.asarray(y_pred)
        return np.where(self._unknown, 0, y_pred)


def _without_rounding(topk: TopK) -> TopK:
    """Lower the scores of a top-k list that exceed an earlier one by no more than rounding."""
    scores = np.asarray(topk[1])
    if scores.dtype.kind != "f" or scores.ndim != 2 or (scores[:, 1:] <= scores[:, :-1]).all():
        return topk
    falling = np.minimum.accumulate(scores, axis=1)
    # What rises by more was not sorted at all, and the metrics say so.
    within = scores - falling <= ROUNDING_STEPS * np.spacing(np.abs(falling))
    return (topk[0], falling) if within.all() else topk
