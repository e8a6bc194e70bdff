"""Ranking metrics that look at each row by itself: precision, recall, nDCG and hit at k.

All of them sort a row's labels by score and average what they find over the rows. Labels of equal
score have no order: a row's value is the expectation over all of them.
"""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval
from skmlclf.metrics._inputs import checked, weighted_mean
from skmlclf.metrics._ranked import Ranked, RankingInputs, read_ranking_inputs
from skmlclf.metrics._topk import ScoreLike


def discounts(depth: int) -> NDArray[np.float64]:
    """Weight of each rank in a DCG, from rank 1 on."""
    return 1 / np.log2(np.arange(2, depth + 2))


def ideal_dcg(row_counts: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """DCG of rows whose labels all rank first, no more than ``k`` of them counted."""
    depths = np.minimum(row_counts, min(k, int(row_counts.max())))
    return np.concatenate(([0.0], np.cumsum(discounts(int(depths.max())))))[depths]


def divide(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, 0 where the denominator is 0."""
    quotient = np.zeros(len(numerator))
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def _mean_over_rows(
    inputs: RankingInputs, k: int, value_of_rows: Callable[[Ranked], NDArray[Any]]
) -> float:
    values = np.empty(inputs.true.shape[0])
    for block in inputs.ranked(k):
        values[block.rows] = value_of_rows(block)
    return weighted_mean(values, inputs.weights)


@checked()
def precision_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Fraction of true labels among the k best of each row, averaged over the rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, probabilities or logits of any real dtype; or the pair
        ``(labels, scores)`` of the best labels of each row, best first, as ``predict_topk``
        returns it.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    Notes
    -----
    The value is ``sum_i |labels of i among its k best| / k / n_samples``. The division is by ``k``
    always, so a row with fewer than ``k`` labels cannot reach 1, nor can any row where ``k``
    exceeds the number of labels. A row without labels adds 0 and stays in the mean.

    With equal scores, the value is the expectation over all orders of the tied labels [1]_: of
    ``t`` tied labels, ``p`` of them true, of which ``r`` rank within ``k``, ``r p / t`` are found.

    References
    ----------
    .. [1] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import precision_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> precision_at_k_score(y_true, y_score, k=2)
    0.5
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    return _mean_over_rows(inputs, k, lambda block: block.gains().sum(axis=1) / k)


@checked()
def recall_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Fraction of each row's labels that are among its k best, averaged over the rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    Notes
    -----
    The value is ``sum_i |labels of i among its k best| / n_i / n_samples`` with ``n_i`` the number
    of labels of row ``i``. A row without labels adds 0 and stays in the mean; to leave such rows
    out, give them weight 0.

    With equal scores, the value is the expectation over all orders of the tied labels [1]_, as in
    :func:`precision_at_k_score`.

    References
    ----------
    .. [1] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import recall_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> recall_at_k_score(y_true, y_score, k=2)
    0.75
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    counts = inputs.true.row_counts
    return _mean_over_rows(
        inputs, k, lambda block: divide(block.gains().sum(axis=1), counts[block.rows])
    )


@checked()
def ndcg_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Normalised discounted cumulative gain of the k best labels, averaged over the rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    See Also
    --------
    sklearn.metrics.ndcg_score : The same value for dense input, except for rows without labels
        where scores are negative.

    Notes
    -----
    With ``y_(r) = 1`` if the label at rank ``r`` is true, else 0, a row's value is
    ``sum_{r <= k} y_(r) / log2(r + 1)`` over ``sum_{r <= min(k, n_i)} 1 / log2(r + 1)`` [1]_. A
    row without labels adds 0 and stays in the mean.

    With equal scores, the value is the expectation over all orders of the tied labels [2]_: if
    ``p`` of ``t`` tied labels are true, ``y_(r)`` is ``p / t`` at each of their ranks.

    References
    ----------
    .. [1] Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
       Transactions on Information Systems 20(4), 2002.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import ndcg_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> round(ndcg_at_k_score(y_true, y_score, k=2), 4)
    0.8066
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    ideal = ideal_dcg(inputs.true.row_counts, k)

    def value_of_rows(block: Ranked) -> NDArray[np.float64]:
        gains = block.gains()
        return divide(gains @ discounts(gains.shape[1]), ideal[block.rows])

    return _mean_over_rows(inputs, k, value_of_rows)


@checked()
def hit_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Fraction of rows with at least one true label among the k best.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    Notes
    -----
    The value is the mean over rows of 1 where one of the ``k`` best labels is true, else 0. A row
    without labels adds 0 and stays in the mean. Hit@1 is reported for YouTube-8M [1]_.

    With equal scores, the value is the expectation over all orders of the tied labels [2]_. Where
    no true label ranks above them, a row in which ``r`` of ``t`` tied labels rank within ``k``,
    ``p`` of the ``t`` being true, counts ``1 - C(t - p, r) / C(t, r)``.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import hit_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 0, 0, 1]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> hit_at_k_score(y_true, y_score, k=1)
    0.5
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    return _mean_over_rows(inputs, k, lambda block: block.any_hit())


@checked(k_max=[Interval(Integral, 1, None, closed="left")])
def precision_recall_at_k_curve(
    y_true: Any, y_score: ScoreLike, *, k_max: int = 20, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall at every k from 1 to `k_max`, the labels of each row ranked once.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k_max : int, default=20
        The largest k; no more than the number of labels. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the means.

    Returns
    -------
    precision, recall : ndarray of shape (k_max,)
        Values for k = 1, 2, ...

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or `k_max` exceeds the labels
        or what a pair holds.

    See Also
    --------
    precision_at_k_score : Precision at one k, with the formula.
    recall_at_k_score : Recall at one k, with the formula.

    Notes
    -----
    With equal scores, every value is the expectation over all orders of the tied labels [1]_.

    References
    ----------
    .. [1] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import precision_recall_at_k_curve
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> precision, recall = precision_recall_at_k_curve(y_true, y_score, k_max=2)
    >>> precision, recall
    (array([1. , 0.5]), array([0.75, 0.75]))
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    n_samples, n_labels = inputs.true.shape
    if k_max > n_labels:
        raise ValueError(f"k_max must be at most the {n_labels} labels of y_true, got {k_max}.")
    weights = np.ones(n_samples) if inputs.weights is None else inputs.weights
    recall_weights = divide(weights, inputs.true.row_counts)
    found, recalled = np.zeros(k_max), np.zeros(k_max)
    for block in inputs.ranked(k_max):
        found_by_rank = block.gains().cumsum(axis=1)
        found += weights[block.rows] @ found_by_rank
        recalled += recall_weights[block.rows] @ found_by_rank
    total = weights.sum()
    return found / np.arange(1, k_max + 1) / total, recalled / total
