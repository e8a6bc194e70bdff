"""The best labels of any classifier, inside pipelines and searches too."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skmlclf.classifiers._predictions import checked_k
from skmlclf.metrics import EstimatorResponses, top_k_of_scores, topk_method


def predict_topk(estimator: Any, X: ArrayLike, k: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` best labels of each row, through pipelines and searches too.

    Parameters
    ----------
    estimator : fitted classifier, Pipeline or search
        With a classifier of this package inside, no matrix of all scores is made; any other
        multilabel classifier needs ``predict_proba`` or ``decision_function``.
    X : {array-like, sparse} of shape (n_samples, n_features)
        What the estimator takes.
    k : int, default=20
        How many, at most the number of labels; the default stands for all of them where they are
        fewer.

    Returns
    -------
    labels : ndarray of shape (n_samples, k)
        Column indices of the labels, best first; of equal scores the lower column comes first.
    scores : ndarray of shape (n_samples, k)
        Their probabilities, or decision values where there are no probabilities.

    Raises
    ------
    ValueError
        If `k` is not between 1 and the number of labels.

    See Also
    --------
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
    """
    method = topk_method(estimator, response_method="predict_proba")
    if method is not None:
        labels, scores = method(X, k)
        return labels, scores
    responses = EstimatorResponses(estimator, X)
    scores = np.asarray(
        responses.probabilities() if hasattr(estimator, "predict_proba") else responses.scores()
    )
    if scores.ndim != 2:
        raise ValueError(
            f"predict_topk ranks the labels of a 2-d y, and {type(estimator).__name__} gave scores"
            f" of shape {scores.shape}."
        )
    return top_k_of_scores(scores, checked_k(k, scores.shape[1], "labels"))
