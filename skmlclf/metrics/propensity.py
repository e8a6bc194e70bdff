"""Propensity-scored ranking metrics: rare labels, which annotations miss more often, weigh more."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval
from skmlclf.metrics._inputs import LabelMatrix, checked
from skmlclf.metrics._ranked import RankingInputs, read_ranking_inputs
from skmlclf.metrics._topk import ScoreLike
from skmlclf.metrics.ranking import discounts, ideal_dcg


@checked(
    y_train=["array-like", "sparse matrix"],
    a=[Interval(Real, 0, None, closed="left")],
    b=[Interval(Real, 0, None, closed="neither")],
)
def inverse_propensity(y_train: Any, *, a: float = 0.55, b: float = 1.5) -> NDArray[np.float64]:
    """Estimate the inverse propensity of each label from its frequency in the training set.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_train : {array-like, sparse} of shape (n_samples, n_labels)
        The labels of the training set, entries 0 or 1.
    a, b : float, default=0.55 and 1.5
        Constants of the model; the defaults are those of [1]_ for most data sets. Other common
        values are 0.5 and 0.4 (Wikipedia), and 0.6 and 2.6 (Amazon).

    Returns
    -------
    ndarray of shape (n_labels,)
        One over the propensity of each label; it falls with the label's frequency.

    Raises
    ------
    ValueError
        If `y_train` is not a 0/1 matrix.

    Notes
    -----
    With ``N`` rows of which ``N_l`` have label ``l``, the weight is
    ``1 + C (N_l + b)^-a``, where ``C = (ln N - 1) (b + 1)^a`` [1]_. The logarithm makes the
    weights meaningful from three rows on.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme Multi-label Loss Functions for Recommendation,
       Tagging, Ranking & Other Missing Label Applications", KDD 2016.

    Examples
    --------
    >>> from skmlclf.metrics import inverse_propensity
    >>> inverse_propensity([[1, 0], [1, 0], [1, 1], [1, 0]]).round(3)
    array([1.25 , 1.386])
    """
    pairs = LabelMatrix(y_train, "y_train").read_all()
    n_samples, n_labels = pairs.shape
    counts = np.bincount(pairs.columns, minlength=n_labels)
    scale = (np.log(n_samples) - 1) * (b + 1) ** a
    inverse: NDArray[np.float64] = 1 + scale * (counts + b) ** -a
    return inverse


@checked(inverse_propensity=["array-like"])
def propensity_scored_precision_at_k_score(
    y_true: Any,
    y_score: ScoreLike,
    inverse_propensity: ArrayLike,
    *,
    k: int = 20,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Precision at k in which rare labels weigh more, relative to its largest possible value.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    inverse_propensity : array-like of shape (n_labels,)
        Weight of each label, as :func:`inverse_propensity` gives it.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in both sums.

    Returns
    -------
    float
        Between 0 and 1, higher is better; NaN where there is no true label at all.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    Notes
    -----
    The value is a ratio of two sums over the rows: the weights of the true labels among the ``k``
    best, ``sum_i sum_{r <= k} w_(r) y_(r)``, divided by the ``k`` largest weights among the labels
    of each row [1]_.

    With equal scores, the first sum is the expectation over all orders of the tied labels [2]_.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme Multi-label Loss Functions for Recommendation,
       Tagging, Ranking & Other Missing Label Applications", KDD 2016.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import propensity_scored_precision_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> propensity_scored_precision_at_k_score(y_true, y_score, [1, 2, 3, 4], k=2)
    0.5
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    label_weights = _read_label_weights(inverse_propensity, inputs)
    flat_gains = np.ones(min(k, inputs.true.shape[1]))
    return _scored(inputs, label_weights, flat_gains, np.ones(inputs.true.shape[0]))


@checked(inverse_propensity=["array-like"])
def propensity_scored_ndcg_at_k_score(
    y_true: Any,
    y_score: ScoreLike,
    inverse_propensity: ArrayLike,
    *,
    k: int = 20,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute nDCG at k in which rare labels weigh more, relative to its largest possible value.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first.
    inverse_propensity : array-like of shape (n_labels,)
        Weight of each label, as :func:`inverse_propensity` gives it.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in both sums.

    Returns
    -------
    float
        Between 0 and 1, higher is better; NaN where there is no true label at all.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    Notes
    -----
    A row's gain is ``sum_{r <= k} w_(r) y_(r) / log2(r + 1) / Z_i``, with ``Z_i = sum_{r <= min(k,
    n_i)} 1 / log2(r + 1)``. The value is the sum of the gains divided by what it would be if the
    labels of every row ranked first, in descending order of their weights [1]_.

    With equal scores, a row's gain is the expectation over all orders of the tied labels [2]_.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme Multi-label Loss Functions for Recommendation,
       Tagging, Ranking & Other Missing Label Applications", KDD 2016.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import propensity_scored_ndcg_at_k_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> round(propensity_scored_ndcg_at_k_score(y_true, y_score, [1, 2, 3, 4], k=2), 4)
    0.6183
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    label_weights = _read_label_weights(inverse_propensity, inputs)
    normalisers = ideal_dcg(inputs.true.row_counts, k)
    inverse = np.divide(1, normalisers, out=np.zeros_like(normalisers), where=normalisers > 0)
    return _scored(inputs, label_weights, discounts(min(k, inputs.true.shape[1])), inverse)


def _scored(
    inputs: RankingInputs,
    label_weights: NDArray[np.float64],
    gains: NDArray[np.float64],
    row_factors: NDArray[np.float64],
) -> float:
    """Gain of the labels found, over the gain if each row's heaviest labels ranked first.

    ``gains`` holds the gain at each of the k ranks, ``row_factors`` the factor of each row.
    """
    if inputs.weights is not None:
        row_factors = row_factors * inputs.weights
    found = sum(
        float((block.gains(label_weights) @ gains) @ row_factors[block.rows])
        for block in inputs.ranked(len(gains))
    )
    true = inputs.true
    weights = label_weights[true.columns]
    # Row by row, the heaviest label first.
    order = np.lexsort((-weights, true.rows))
    rank = np.arange(len(order)) - np.repeat(true.row_starts[:-1], true.row_counts)
    top = rank < len(gains)
    possible = float(np.sum((weights[order] * row_factors[true.rows])[top] * gains[rank[top]]))
    return found / possible if possible > 0 else float("nan")


def _read_label_weights(
    inverse_propensity: ArrayLike, inputs: RankingInputs
) -> NDArray[np.float64]:
    label_weights = np.asarray(inverse_propensity, dtype=np.float64)
    n_labels = inputs.true.shape[1]
    if label_weights.shape != (n_labels,):
        raise ValueError(
            f"inverse_propensity must have shape ({n_labels},), one weight for each label of "
            f"y_true, but its shape is {label_weights.shape}."
        )
    if not np.isfinite(label_weights).all() or (label_weights < 0).any():
        raise ValueError("inverse_propensity must hold finite numbers, none of them negative.")
    return label_weights
