"""The best labels of any classifier, pipeline or search."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skmlclf.classifiers._predictions import checked_k
from skmlclf.metrics import EstimatorResponses, top_k_of_scores, topk_method
from skmlclf.thresholds import all_scores, chosen_response, row_blocks

_BLOCK_ROWS = 1024


def predict_topk(
    estimator: Any,
    X: ArrayLike,
    k: int = 20,
    *,
    label_weight: ArrayLike | None = None,
    response_method: str = "predict_proba",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` best labels of each row, for any classifier, pipeline or search.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : fitted classifier, Pipeline or search
        For a classifier of this package, also at the end of a pipeline or in a search, no matrix of
        all scores is made. Any other multilabel classifier needs ``predict_proba`` or
        ``decision_function``.
    X : {array-like, sparse} of shape (n_samples, n_features)
        Rows, as the estimator takes them.
    k : int, default=20
        Number of labels per row, at most the number of all labels. Where there are fewer than 20
        labels, the default stands for all of them.
    label_weight : array-like of shape (n_labels,), default=None
        Labels are ranked by their probability times their weight, so that rare labels can be ranked
        higher: with `skmlclf.metrics.inverse_propensity` of the training labels, the ranking is the
        best one under the propensity-scored metrics, as far as the probabilities are right. Needs
        ``predict_proba``; the probabilities of all labels are computed, for a block of rows at a
        time.
    response_method : {"predict_proba", "decision_function"}, default="predict_proba"
        Which scores, where a classifier has both. For classifiers of this package both give the
        same order.

    Returns
    -------
    labels : ndarray of shape (n_samples, k)
        Column indices of the labels, best first; of equal scores the lower column comes first.
    scores : ndarray of shape (n_samples, k)
        Their probabilities, or decision values where there are no probabilities; times the weights
        where there are some.

    Raises
    ------
    ValueError
        If `k` is not between 1 and the number of labels, or `label_weight` is not as described.

    See Also
    --------
    skmlclf.metrics.inverse_propensity : Weights of rare labels.
    BaseMLPClassifier.predict_topk : The method behind it.

    Examples
    --------
    >>> from skmlclf import make_feature_mlp, predict_topk
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    >>> pipe = make_feature_mlp("audio", n_components=32, epochs=2, random_state=0).fit(X, y)
    >>> labels, scores = predict_topk(pipe, X[:3], k=5)
    >>> labels.shape
    (3, 5)

    With larger weights for rare labels:

    >>> from skmlclf.metrics import inverse_propensity
    >>> labels, scores = predict_topk(pipe, X[:3], k=5, label_weight=inverse_propensity(y))
    >>> labels.shape
    (3, 5)
    """
    if label_weight is not None:
        return _weighted_topk(estimator, X, k, label_weight, response_method)
    method = topk_method(estimator, response_method=response_method)
    if method is not None:
        labels, scores = method(X, k)
        return labels, scores
    responses = EstimatorResponses(estimator, X)
    with_probabilities = hasattr(estimator, "predict_proba")
    if response_method == "decision_function" and hasattr(estimator, "decision_function"):
        with_probabilities = False
    scores = np.asarray(responses.probabilities() if with_probabilities else responses.scores())
    if scores.ndim != 2:
        raise ValueError(
            f"predict_topk ranks the labels of a 2-d y, and {type(estimator).__name__} gave scores"
            f" of shape {scores.shape}."
        )
    return top_k_of_scores(scores, checked_k(k, scores.shape[1], "labels"))


def _weighted_topk(
    estimator: Any, X: Any, k: Any, label_weight: ArrayLike, response_method: str
) -> tuple[np.ndarray, np.ndarray]:
    weight = np.asarray(label_weight, dtype=np.float64)
    if weight.ndim != 1 or not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError(
            "label_weight must hold one finite weight per label, none of them negative, got"
            f" {label_weight!r:.200}."
        )
    if response_method != "predict_proba":
        raise ValueError(
            "label_weight weighs probabilities: leave it out, or response_method as it is, got"
            f" response_method={response_method!r}."
        )
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, np.ndarray) and len(classes) != len(weight):
        raise ValueError(
            f"label_weight must hold one weight for each of the {len(classes)} labels, got"
            f" {len(weight)}."
        )
    k = checked_k(k, len(weight), "labels")
    method = chosen_response(estimator, "predict_proba")
    best = [
        top_k_of_scores(all_scores(estimator, block, len(weight), method) * weight, k)
        for _, block in row_blocks(X, _BLOCK_ROWS)
    ]
    labels, scores = (np.concatenate(parts) for parts in zip(*best, strict=True))
    return labels, scores
