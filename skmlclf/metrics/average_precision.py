"""Average precision over pairs of a row and a label: GAP over all rows, MAP label by label.

Both average, over the true pairs, the precision among all pairs of at least the same score. That
takes two counts for each true pair: how many pairs, and how many true ones, score as high. They
are counted block by block, so no list of all pairs is ever built. Equal scores are one threshold,
as in scikit-learn.
"""

from collections.abc import Iterator
from itertools import pairwise
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval, StrOptions
from skmlclf.metrics._inputs import checked
from skmlclf.metrics._ranked import RankingInputs, read_ranking_inputs
from skmlclf.metrics._topk import BLOCK_BYTES, NO_ROWS, DenseScores, ScoreLike

# Pairs that GAP counts together.
CHUNK_PAIRS = 1 << 18

# With fewer true pairs than this in a column, counting beats sorting it.
FEW_TRUE = 8

# Pairs that MAP sorts by label together.
GROUPED_PAIRS = 1 << 22

# MAP at k collects the kept pairs where a row has this many times as many labels.
PAIR_LABELS = 16


@checked()
def global_average_precision_score(
    y_true: Any, y_score: ScoreLike, *, k: int = 20, sample_weight: ArrayLike | None = None
) -> float:
    """Average precision over the k best labels of all rows, ranked together (GAP at k).

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, comparable from row to row; or the pair ``(labels, scores)`` of
        the best labels of each row, best first.
    k : int, default=20
        Number of best-ranked labels of each row that count. With a pair of arrays, at most
        ``n_kept``.
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
        of a row and a label.

    Notes
    -----
    The pairs kept are the ``k`` best of each row. The value is ``1 / P * sum_{true pairs} (true
    pairs of at least its score) / (pairs of at least its score)``, where ``P`` counts all true
    labels, also those that no row kept. It is the metric of the YouTube-8M challenges on Kaggle
    [1]_, with 20 pairs per row.

    Equal scores, of one row or of several, are one threshold, as in scikit-learn. Where only ``r``
    of the ``t`` tied labels of a row rank within ``k``, each of them counts ``r / t``, the fraction
    of all orders in which it is kept [2]_.

    A row of weight 0 counts as if it were absent, and a row of weight 2 as if it were given twice.

    References
    ----------
    .. [1] https://www.kaggle.com/competitions/youtube8m/overview/evaluation
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

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

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, comparable from row to row; or, where `k` allows, the pair
        ``(labels, scores)`` of the best labels of each row, best first.
    k : int, default=None
        Each label is evaluated on the rows that have it among their ``k`` best labels only. None
        evaluates all labels on all rows, which needs every score.
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
        has as 0, which lowers the mean; the value of each other label is the same.

    Notes
    -----
    The value of one label is the sum over its true rows of ``(true rows of at least its score) /
    (rows of at least its score)``, divided by the number of its true rows, also those not ranked
    because of `k`. ``k=20`` is what the code published with YouTube-8M reports [1]_.

    Rows of equal score are one threshold, as in scikit-learn. With `k`, where only ``r`` of the
    ``t`` tied labels of a row rank within ``k``, the row counts ``r / t`` for each of them, the
    fraction of all orders in which it is kept [2]_.

    A row of weight 0 counts as if it were absent, and a row of weight 2 as if it were given twice.

    References
    ----------
    .. [1] https://github.com/google/youtube-8m, ``mean_average_precision_calculator.py``.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

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
    values: NDArray[np.float64] = np.full(n_labels, np.nan)
    np.divide(gained, n_true, out=values, where=known)
    if average is None:
        return values
    return float(values[known].mean()) if known.any() else float("nan")


# One label: its number, the scores of the rows ranked for it, which of these have it, weights.
_LabelRows = tuple[int, NDArray[Any], NDArray[np.intp], NDArray[np.float64] | None]


def _ranked_by_label(inputs: RankingInputs, k: int | None) -> Iterator[_LabelRows]:
    n_labels = inputs.true.shape[1]
    depth = n_labels if k is None else min(k, n_labels)
    # Pairs are faster, but with many per row they would take more memory than the scores.
    few_pairs = depth * PAIR_LABELS < n_labels
    pairs = None
    if few_pairs or not isinstance(inputs.scores, DenseScores):
        pairs = _collect_pairs(inputs, depth)
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
    """The best labels of each row, (n_samples, k), and those tied with the last of them.

    ``shares`` holds for each row how much its labels of the last score count, or is None where no
    tie reaches past the list.
    """

    labels: NDArray[Any]
    scores: NDArray[Any]
    hits: NDArray[np.bool_]
    shares: NDArray[np.float64] | None
    tied_rows: NDArray[np.intp]
    tied_labels: NDArray[np.intp]


def _collect_pairs(inputs: RankingInputs, k: int) -> _Pairs | None:
    """Return the ``k`` best pairs of each row, or None where ties make them too many."""
    n_samples, n_labels = inputs.true.shape
    labels = np.empty((n_samples, k), dtype=np.min_scalar_type(n_labels))
    scores = np.empty((n_samples, k), dtype=inputs.scores.dtype)
    hits = np.empty((n_samples, k), dtype=bool)
    shares = np.ones(n_samples)
    tied_rows, tied_labels = [NO_ROWS], [NO_ROWS]
    n_tied = 0
    for block in inputs.ranked(k):
        labels[block.rows], scores[block.rows] = block.labels, block.scores
        hits[block.rows] = block.hits
        if block.crossing is None:
            continue
        shares[block.rows] = block.share_of_last()
        tied = inputs.scores.equal_to(
            block.crossing.rows + block.rows.start, block.scores[block.crossing.rows, -1]
        )
        np.put_along_axis(tied, block.labels[block.crossing.rows], False, axis=1)
        row, label = np.nonzero(tied)
        tied_rows.append(block.crossing.rows[row] + block.rows.start)
        tied_labels.append(label)
        n_tied += len(row)
        if n_tied > n_samples:
            return None
    return _Pairs(
        labels,
        scores,
        hits,
        shares if n_tied else None,
        np.concatenate(tied_rows),
        np.concatenate(tied_labels),
    )


def _pairs_by_label(inputs: RankingInputs, pairs: _Pairs) -> Iterator[_LabelRows]:
    """Group pairs by label, the pairs of some labels at a time."""
    n_labels = inputs.true.shape[1]
    n_listed, k = pairs.labels.size, pairs.labels.shape[1]
    labels, scores, hits = pairs.labels.ravel(), pairs.scores.ravel(), pairs.hits.ravel()
    if len(pairs.tied_rows):
        tied = pairs.tied_rows * n_labels + pairs.tied_labels
        labels = np.concatenate([labels, pairs.tied_labels.astype(labels.dtype)])
        scores = np.concatenate([scores, pairs.scores[pairs.tied_rows, -1]])
        hits = np.concatenate([hits, np.isin(tied, inputs.true.flat)])
    group = np.cumsum(np.bincount(labels, minlength=n_labels)) // GROUPED_PAIRS
    cuts = [0, *(np.flatnonzero(np.diff(group)) + 1), n_labels]
    for first, stop in pairwise(cuts):
        chosen = np.flatnonzero((labels >= first) & (labels < stop))
        chosen = chosen[np.argsort(labels[chosen], kind="stable")]
        starts = np.searchsorted(labels[chosen], np.arange(first, stop + 1))
        for label in range(first, stop):
            own = chosen[starts[label - first] : starts[label - first + 1]]
            true = np.flatnonzero(hits[own])
            if not len(true):
                continue
            weights = None
            if inputs.weights is not None or pairs.shares is not None:
                rows = own // k
                unlisted = own >= n_listed
                rows[unlisted] = pairs.tied_rows[own[unlisted] - n_listed]
                weights = None if inputs.weights is None else inputs.weights[rows]
                if pairs.shares is not None:
                    last = scores[own] == pairs.scores[rows, -1]
                    shares = np.where(last, pairs.shares[rows], 1.0)
                    if (shares < 1).any():
                        weights = shares if weights is None else weights * shares
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
