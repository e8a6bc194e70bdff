"""Ranking metrics that look at each row by itself: precision, recall, nDCG and hit at k, and PERR.

All of them put a row's labels in order of their scores and average what they find over the rows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf.metrics._inputs import checked, weighted_mean
from skmlclf.metrics._topk import Ranked, RankingInputs, ScoreLike, read_ranking_inputs


def discounts(depth: int) -> NDArray[np.float64]:
    """Weight of each place in a DCG, from place 1 on."""
    return 1 / np.log2(np.arange(2, depth + 2))


def ideal_dcg(row_counts: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """DCG of rows whose labels all stand at the top, no more than ``k`` of them counted."""
    depths = np.minimum(row_counts, min(k, int(row_counts.max())))
    return np.concatenate(([0.0], np.cumsum(discounts(int(depths.max())))))[depths]


def _divide(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator != 0)


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
    """Share of true labels among the k best of each row, averaged over the rows.

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, probabilities or logits of any real dtype; or the pair
        ``(labels, scores)`` of the best labels of each row, best first, as ``predict_topk``
        returns it.
    k : int, default=20
        How many labels of each row to look at. With a pair, at most ``n_kept``.
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
    exceeds the number of labels. A row without labels adds 0 and stays in the mean. Of equal
    scores the lower column comes first.

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
    """Share of each row's labels that are found among its k best, averaged over the rows.

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        How many labels of each row to look at. With a pair, at most ``n_kept``.
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
    out, give them weight 0. Of equal scores the lower column comes first.

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
        inputs, k, lambda block: _divide(block.gains().sum(axis=1), counts[block.rows])
    )


@checked()
def ndcg_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Normalised discounted cumulative gain of the k best labels, averaged over the rows.

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        How many labels of each row to look at. With a pair, at most ``n_kept``.
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
    sklearn.metrics.ndcg_score : The same on dense input where no scores are equal; equal scores
        share their gain there.

    Notes
    -----
    With ``y_(r)`` telling whether the label at place ``r`` is true, a row's value is
    ``sum_{r <= k} y_(r) / log2(r + 1)`` over ``sum_{r <= min(k, n_i)} 1 / log2(r + 1)`` [1]_. A
    row without labels adds 0 and stays in the mean. Of equal scores the lower column comes first.

    References
    ----------
    .. [1] Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
       Transactions on Information Systems 20(4), 2002.

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
        return _divide(gains @ discounts(gains.shape[1]), ideal[block.rows])

    return _mean_over_rows(inputs, k, value_of_rows)


@checked()
def hit_at_k_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Share of rows with at least one true label among the k best.

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    k : int, default=20
        How many labels of each row to look at. With a pair, at most ``n_kept``.
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
    A row without labels counts as missed and stays in the mean. Hit@1 is the figure reported for
    YouTube-8M [1]_. Of equal scores the lower column comes first.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016.

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


@checked(logits=["boolean", None])
def precision_at_equal_recall_score(
    y_true: Any,
    y_score: ScoreLike,
    *,
    logits: bool | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Precision of each row when as many labels are retrieved as it has (PERR).

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first, with ``n_kept`` at least the largest number of labels of a row.
    logits : bool, default=None
        What a score has to exceed for its label to count as retrieved: 0 for probabilities
        (False), minus infinity for logits (True). None takes the scores for logits as soon as
        one of those retrieved is negative.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is shorter than the
        largest number of labels of a row.

    Notes
    -----
    The value is ``sum_i |{true labels of positive probability among the n_i best}| / n_i`` over
    ``n_samples``, with ``n_i`` the number of labels of row ``i``; a row without labels adds 0 and
    stays in the mean. That is what the code published with YouTube-8M computes [2]_. The paper
    [1]_ averages over the labelled rows (weight the others 0) and has no test for a positive
    probability, which matters only to probabilities that are exactly 0. A logit of any sign has a
    positive probability, hence `logits`. Of equal scores the lower column comes first.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016.
    .. [2] https://github.com/google/youtube-8m, ``eval_util.py``.

    Examples
    --------
    >>> from skmlclf.metrics import precision_at_equal_recall_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> precision_at_equal_recall_score(y_true, y_score)
    0.75
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    counts = inputs.true.row_counts
    found = EqualRecall(counts)
    for block in inputs.ranked(counts):
        found.add(block)
    return weighted_mean(found.values(logits), inputs.weights)


class EqualRecall:
    """PERR of each row, for either reading of the scores.

    Parameters
    ----------
    row_counts : ndarray of shape (n_samples,)
        How many labels each row has.
    """

    def __init__(self, row_counts: NDArray[np.int64]) -> None:
        self._row_counts = row_counts
        self.of_logits = np.zeros(len(row_counts))
        self.of_probabilities = np.zeros(len(row_counts))
        self.any_negative = False

    def add(self, block: Ranked) -> None:
        """Take rows that are ranked at least as deep as they have labels."""
        n_retrieved = self._row_counts[block.rows]
        retrieved = np.arange(block.hits.shape[1]) < n_retrieved[:, None]
        self.any_negative |= bool((block.scores[retrieved] < 0).any())
        gains = block.gains()
        for values, floor in ((self.of_logits, -np.inf), (self.of_probabilities, 0)):
            found = np.where(retrieved & (block.scores > floor), gains, 0)
            values[block.rows] = _divide(found.sum(axis=1), n_retrieved)

    def values(self, logits: bool | None = None) -> NDArray[np.float64]:
        """Return the rows' values, the reading chosen by the sign of the scores if not given."""
        as_logits = self.any_negative if logits is None else logits
        return self.of_logits if as_logits else self.of_probabilities
