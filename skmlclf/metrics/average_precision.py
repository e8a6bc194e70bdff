"""Average precision over pairs of a row and a label: GAP over all rows, MAP label by label.

Both walk down a list of pairs, best score first, and average the precision met at each true pair.
All that takes is the place of each true pair in the list: how many pairs stand above it. Places
are counted block by block, so the list itself is never built.
"""

from collections.abc import Iterator
from itertools import pairwise
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval, StrOptions
from skmlclf.metrics._inputs import checked
from skmlclf.metrics._topk import (
    BLOCK_BYTES,
    DenseScores,
    RankingInputs,
    ScoreLike,
    read_ranking_inputs,
)

# Pairs whose places are counted together in GAP.
CHUNK_PAIRS = 1 << 18

# With fewer true pairs than this in a column, counting beats sorting it.
FEW_TRUE = 8

# Pairs that MAP sorts by label together.
GROUPED_PAIRS = 1 << 22

# MAP at k holds on to the kept pairs where a row has this many times as many labels.
PAIR_LABELS = 16


@checked()
def global_average_precision_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Average precision over the k best labels of all rows, ranked together (GAP at k).

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, comparable from row to row; or the pair ``(labels, scores)`` of
        the best labels of each row, best first.
    k : int, default=20
        How many pairs each row contributes. With a pair of arrays, at most ``n_kept``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row's pairs, in the precisions as well as in their mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better; 0 where there is no true label at all.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    See Also
    --------
    sklearn.metrics.average_precision_score : With ``average="micro"``, the same over every pair
        of a row and a label, where no scores are equal.

    Notes
    -----
    The pairs kept are the ``k`` best of each row. In their common order, score descending, then
    lower row, then lower column, the value is ``1 / P * sum_{true pairs} (true pairs down to
    here) / (pairs down to here)``, where ``P`` counts all true labels, also those that no row
    kept. It is the measure of the YouTube-8M challenges on Kaggle [1]_, with 20 pairs a row.

    A row of weight 0 is as good as absent. A row of weight 2 is not quite two rows: its pairs
    are met in one step rather than two.

    References
    ----------
    .. [1] https://www.kaggle.com/competitions/youtube8m/overview/evaluation

    Examples
    --------
    >>> from skmlclf.metrics import global_average_precision_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> round(global_average_precision_score(y_true, y_score, k=2), 4)
    0.5556
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    counts = inputs.true.row_counts
    n_true = float(counts.sum() if inputs.weights is None else counts @ inputs.weights)
    gained = _gained_precision(inputs, k)
    return gained / n_true if n_true > 0 else 0.0


def _gained_precision(inputs: RankingInputs, k: int) -> float:
    """Sum over the true pairs kept, each times its weight, of the precision at its score."""
    thresholds = _true_scores(inputs, k)
    # Weight of the pairs at or above each threshold, and of the true ones exactly at it.
    at_or_above, true_at = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for scores, gains, weights in _chunks(inputs, k, max(CHUNK_PAIRS, 2 * len(thresholds))):
        true = np.flatnonzero(gains)
        threshold = np.searchsorted(thresholds, scores[true])
        if weights is None:
            below = np.searchsorted(np.sort(scores), thresholds)
            at_or_above += len(scores) - below
        else:
            order = np.argsort(scores)
            below = np.searchsorted(scores[order], thresholds)
            # Summed from the best down: a difference of two large sums would lose digits.
            mass = np.concatenate(([0.0], np.cumsum(weights[order][::-1])))
            at_or_above += mass[len(scores) - below]
        true_weights = gains[true] if weights is None else gains[true] * weights[true]
        true_at += np.bincount(threshold, true_weights, minlength=len(thresholds))
    met = true_at > 0
    true_at_or_above = np.cumsum(true_at[::-1])[::-1]
    return float(np.sum(true_at[met] * (true_at_or_above[met] / at_or_above[met])))


def _true_scores(inputs: RankingInputs, k: int) -> NDArray[Any]:
    """Distinct scores at which a true pair may stand; more than those kept do no harm."""
    if isinstance(inputs.scores, DenseScores):
        return np.unique(inputs.scores.at(inputs.true.rows, inputs.true.columns))
    return np.unique(
        np.concatenate([block.scores[block.gains() > 0] for block in inputs.ranked(k)])
    )


def _chunks(
    inputs: RankingInputs, k: int, n_pairs: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[np.float64] | None]]:
    """Scores, gains and weights of the pairs kept, about ``n_pairs`` at a time."""
    scores: list[NDArray[Any]] = []
    gains: list[NDArray[Any]] = []
    weights: list[NDArray[np.float64]] = []
    held = 0
    n_samples = inputs.true.shape[0]
    for block in inputs.ranked(k):
        if inputs.weights is not None:
            weights.append(np.repeat(inputs.weights[block.rows], block.scores.shape[1]))
        scores.append(block.scores.ravel())
        gains.append(block.gains().ravel())
        held += len(scores[-1])
        if held >= n_pairs or block.rows.stop == n_samples:
            yield (
                np.concatenate(scores),
                np.concatenate(gains),
                np.concatenate(weights) if inputs.weights is not None else None,
            )
            scores, gains, weights, held = [], [], [], 0


@checked(
    k=[Interval(Integral, 1, None, closed="left"), None],
    average=[StrOptions({"macro"}), None],
)
def mean_average_precision_score(
    y_true: Any,
    y_score: ScoreLike,
    *,
    k: int | None = None,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
) -> float | NDArray[np.float64]:
    """Average precision of each label, averaged over the labels that some row has (MAP).

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, comparable from row to row; or, where `k` allows, the pair
        ``(labels, scores)`` of the best labels of each row, best first.
    k : int, default=None
        Rank for each label only the rows that have it among their ``k`` best. None ranks all
        rows for all labels, which takes every score.
    average : "macro" or None, default="macro"
        None returns the average precision of each label, NaN for labels that no row has.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row, in the precisions as well as in their mean.

    Returns
    -------
    float or ndarray of shape (n_labels,)
        Between 0 and 1, higher is better; NaN where there is no true label at all.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is too short for `k`.

    See Also
    --------
    sklearn.metrics.average_precision_score : Its ``average="macro"`` counts labels that no row
        has as 0, and meets rows of equal score in one step. Both lower the value.

    Notes
    -----
    For one label the rows are put in order of its scores, equal scores by row. Its value is the
    sum over its true rows of ``(true rows down to here) / (rows down to here)``, divided by the
    number of its true rows, also those not ranked because of `k`. ``k=20`` is what the code
    published with YouTube-8M reports [1]_.

    A row of weight 0 is as good as absent.

    References
    ----------
    .. [1] https://github.com/google/youtube-8m, ``mean_average_precision_calculator.py``.

    Examples
    --------
    >>> from skmlclf.metrics import mean_average_precision_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> round(mean_average_precision_score(y_true, y_score), 4)
    0.8333
    >>> mean_average_precision_score(y_true, y_score, average=None)
    array([1. , 0.5, 1. , nan])
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    n_labels = inputs.true.shape[1]
    row_weights = None if inputs.weights is None else inputs.weights[inputs.true.rows]
    n_true = np.bincount(inputs.true.columns, row_weights, minlength=n_labels)
    gained = np.zeros(n_labels)
    for label, scores, true, weights in _ranked_by_label(inputs, k):
        gained[label] = _label_gain(scores, true, weights)
    known = n_true > 0
    values = np.divide(gained, n_true, out=np.full(n_labels, np.nan), where=known)
    if average is None:
        return values
    return float(values[known].mean()) if known.any() else float("nan")


# One label: its number, the scores of the rows ranked for it, which of these have it, weights.
_LabelRows = tuple[int, NDArray[Any], NDArray[np.intp], NDArray[np.float64] | None]


def _ranked_by_label(inputs: RankingInputs, k: int | None) -> Iterator[_LabelRows]:
    n_labels = inputs.true.shape[1]
    depth = n_labels if k is None else min(k, n_labels)
    # Pairs are the quicker way, but with many to a row they would outweigh the scores themselves.
    few_pairs = depth * PAIR_LABELS < n_labels
    pairs = None
    if few_pairs or not isinstance(inputs.scores, DenseScores):
        pairs = _collect_pairs(inputs, depth)
    # Pairs are no way where labels that are not listed share the score of the last one.
    return _rows_by_label(inputs, depth) if pairs is None else _pairs_by_label(inputs, pairs)


def _rows_by_label(inputs: RankingInputs, k: int) -> Iterator[_LabelRows]:
    """Take the columns of the scores, a few at a time."""
    n_samples, n_labels = inputs.true.shape
    last = _last_kept(inputs, k) if k < n_labels else None
    by_label = np.argsort(inputs.true.columns, kind="stable")
    true_rows = inputs.true.rows[by_label]
    starts = np.searchsorted(inputs.true.columns[by_label], np.arange(n_labels + 1))
    width = max(16, 4 * BLOCK_BYTES // (n_samples * inputs.scores.dtype.itemsize))
    is_true = np.zeros(n_samples, dtype=bool)
    for start in range(0, n_labels, width):
        stop = min(start + width, n_labels)
        columns = inputs.scores.columns(start, stop)
        for label in range(start, stop):
            rows = true_rows[starts[label] : starts[label + 1]]
            if len(rows) == 0:
                continue
            scores = columns[label - start]
            if last is None:
                yield label, scores, rows, inputs.weights
                continue
            last_score, share = last
            weights = np.where(scores == last_score, share, 1.0)
            if inputs.weights is not None:
                weights *= inputs.weights
            kept = scores >= last_score
            is_true[rows] = True
            yield label, scores[kept], np.flatnonzero(is_true[kept]), weights[kept]
            is_true[rows] = False


def _last_kept(inputs: RankingInputs, k: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Score at rank ``k`` of each row, and the share of the labels of that score that is kept."""
    last = [(block.scores[:, -1], block.share_of_last()) for block in inputs.ranked(k)]
    return np.concatenate([score for score, _ in last]), np.concatenate([s for _, s in last])


class _Pairs(NamedTuple):
    """The best labels of each row, (n_samples, k), and how often each label is among them."""

    labels: NDArray[Any]
    scores: NDArray[Any]
    hits: NDArray[np.bool_]
    counts: NDArray[np.int64]


def _collect_pairs(inputs: RankingInputs, k: int) -> _Pairs | None:
    """Return the ``k`` best pairs of each row, or None where a tie reaches past them."""
    n_samples, n_labels = inputs.true.shape
    pairs = _Pairs(
        np.empty((n_samples, k), dtype=np.min_scalar_type(n_labels)),
        np.empty((n_samples, k), dtype=inputs.scores.dtype),
        np.empty((n_samples, k), dtype=bool),
        np.zeros(n_labels, dtype=np.int64),
    )
    for block in inputs.ranked(k):
        if block.crossing is not None:
            return None
        pairs.labels[block.rows], pairs.scores[block.rows] = block.labels, block.scores
        pairs.hits[block.rows] = block.hits
        pairs.counts[:] += np.bincount(block.labels.ravel(), minlength=n_labels)
    return pairs


def _pairs_by_label(inputs: RankingInputs, pairs: _Pairs) -> Iterator[_LabelRows]:
    """Group pairs by label, the pairs of some labels at a time."""
    n_labels = inputs.true.shape[1]
    k = pairs.labels.shape[1]
    labels, scores, hits = pairs.labels.ravel(), pairs.scores.ravel(), pairs.hits.ravel()
    group = np.cumsum(pairs.counts) // GROUPED_PAIRS
    cuts = [0, *(np.flatnonzero(np.diff(group)) + 1), n_labels]
    for first, stop in pairwise(cuts):
        chosen = np.flatnonzero((labels >= first) & (labels < stop))
        chosen = chosen[np.argsort(labels[chosen], kind="stable")]
        starts = np.searchsorted(labels[chosen], np.arange(first, stop + 1))
        for label in range(first, stop):
            own = chosen[starts[label - first] : starts[label - first + 1]]
            true = np.flatnonzero(hits[own])
            if len(true):
                weights = None if inputs.weights is None else inputs.weights[own // k]
                yield label, scores[own], true, weights


def _label_gain(
    scores: NDArray[Any], true: NDArray[np.intp], weights: NDArray[np.float64] | None
) -> float:
    """Sum over the true rows, each times its weight, of the precision at its score."""
    own = scores[true]
    if weights is None:
        own = np.sort(own)
        true_at_or_above = len(own) - np.searchsorted(own, own)
        if len(own) < FEW_TRUE:
            at_or_above = np.array([np.count_nonzero(scores >= score) for score in own])
        else:
            at_or_above = len(scores) - np.searchsorted(np.sort(scores), own)
        return float(np.sum(true_at_or_above / at_or_above))
    order = np.argsort(scores)
    true_weights = np.zeros(len(scores))
    true_weights[true] = weights[true]
    mass = np.cumsum(weights[order][::-1])[::-1]
    true_mass = np.cumsum(true_weights[order][::-1])[::-1]
    first = np.searchsorted(scores[order], own)
    met = true_weights[true] > 0
    return float(np.sum((true_weights[true] * true_mass[first])[met] / mass[first[met]]))
