"""Average precision over pairs of a row and a label: GAP over all rows, MAP label by label.

Both walk down a list of pairs, best score first, and average the precision met at each true pair.
All that takes is the place of each true pair in the list: how many pairs stand above it. Places
are counted block by block, so the list itself is never built.
"""

from collections.abc import Iterator
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval, StrOptions
from skmlclf.metrics._inputs import checked
from skmlclf.metrics._topk import (
    BLOCK_BYTES,
    DenseScores,
    RankingInputs,
    ScoreLike,
    best_first,
    read_ranking_inputs,
)

# Pairs whose places are counted together in GAP.
CHUNK_PAIRS = 1 << 18

# With fewer true pairs than this in a column, counting beats sorting it.
FEW_TRUE = 8

# Pairs that MAP sorts by label together.
GROUPED_PAIRS = 1 << 22

# MAP at k holds on to the kept pairs where a row has this many times as many labels.
LABELS_A_PAIR = 16


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
    """Sum over the true pairs kept, each times its weight, of the precision met there."""
    steps = np.sort(_true_scores(inputs, k))
    # Weight of the pairs above each step, and of those at it in the chunks already seen.
    above, seen = np.zeros(len(steps)), np.zeros(len(steps))
    step_of_true, place_in_step, weight_of_true = [], [], []
    for scores, hits, weights in _chunks(inputs, k, max(CHUNK_PAIRS, 2 * len(steps))):
        order = _best_first(scores)
        mass = np.arange(len(scores) + 1, dtype=np.float64)
        if weights is not None:
            np.cumsum(weights[order], out=mass[1:])
        ascending = scores[order][::-1]
        mass_above = mass[len(scores) - np.searchsorted(ascending, steps, side="right")]
        mass_down_to = mass[len(scores) - np.searchsorted(ascending, steps, side="left")]

        places = np.flatnonzero(hits[order])
        step = np.searchsorted(steps, scores[order[places]])
        step_of_true.append(step)
        place_in_step.append(seen[step] + mass[places + 1] - mass_above[step])
        weight_of_true.append(np.ones(len(places)) if weights is None else weights[order[places]])
        above += mass_above
        seen += mass_down_to - mass_above

    steps_met, places_met = np.concatenate(step_of_true), np.concatenate(place_in_step)
    order = np.lexsort((places_met, -steps_met))
    true_weights = np.concatenate(weight_of_true)[order]
    mass_met = (above[steps_met] + places_met)[order]
    return float(np.sum(true_weights * np.cumsum(true_weights) / mass_met))


def _best_first(scores: NDArray[Any]) -> NDArray[np.intp]:
    """Order scores descending, equal ones as they come."""
    if scores.dtype != np.float32:
        return best_first(scores[None])[0]
    # Ten times as quick as a stable argsort: whole numbers in the order wanted, position last.
    bits = (scores + np.float32(0)).view(np.uint32)  # the sum makes -0.0 into 0.0
    descending = np.where(bits >> 31, bits, ~bits & 0x7FFFFFFF)
    keys = descending.astype(np.uint64) << np.uint64(32) | np.arange(len(scores), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)


def _true_scores(inputs: RankingInputs, k: int) -> NDArray[Any]:
    """Scores at which a true pair may stand; more than those kept do no harm."""
    if isinstance(inputs.scores, DenseScores):
        return inputs.scores.at(inputs.true.rows, inputs.true.columns)
    return np.concatenate([block.scores[block.hits] for block in inputs.ranked(k)])


def _chunks(
    inputs: RankingInputs, k: int, n_pairs: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.float64] | None]]:
    """Scores, hits and weights of the kept pairs of rows that count, about ``n_pairs`` a time."""
    scores: list[NDArray[Any]] = []
    hits: list[NDArray[np.bool_]] = []
    weights: list[NDArray[np.float64]] = []
    held = 0
    n_samples = inputs.true.shape[0]
    for block in inputs.ranked(k):
        counting: NDArray[np.bool_] | slice = slice(None)
        if inputs.weights is not None:
            counting = inputs.weights[block.rows] > 0
            row_weights = inputs.weights[block.rows][counting]
            weights.append(np.repeat(row_weights, block.scores.shape[1]))
        scores.append(block.scores[counting].ravel())
        hits.append(block.hits[counting].ravel())
        held += len(scores[-1])
        if held >= n_pairs or block.rows.stop == n_samples:
            yield (
                np.concatenate(scores),
                np.concatenate(hits),
                np.concatenate(weights) if inputs.weights is not None else None,
            )
            scores, hits, weights, held = [], [], [], 0


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
    depth = n_labels if k is None else min(k, n_labels)
    # Pairs are the quicker way, but with many to a row they would outweigh the scores themselves.
    few_pairs = depth * LABELS_A_PAIR < n_labels
    by_pairs = few_pairs or not isinstance(inputs.scores, DenseScores)
    ranked_rows = _pairs_by_label if by_pairs else _rows_by_label
    for label, scores, true, weights in ranked_rows(inputs, depth):
        gained[label] = _label_gain(scores, true, weights)
    known = n_true > 0
    values = np.divide(gained, n_true, out=np.full(n_labels, np.nan), where=known)
    if average is None:
        return values
    return float(values[known].mean()) if known.any() else float("nan")


# One label: its number, the scores of the rows ranked for it, which of these have it, weights.
_LabelRows = tuple[int, NDArray[Any], NDArray[np.intp], NDArray[np.float64] | None]


def _rows_by_label(inputs: RankingInputs, k: int) -> Iterator[_LabelRows]:
    """Take the columns of a dense score matrix, a few at a time."""
    dense = inputs.scores
    assert isinstance(dense, DenseScores)
    n_samples, n_labels = inputs.true.shape
    worst = _worst_kept(inputs, k) if k < n_labels else None
    by_label = np.argsort(inputs.true.columns, kind="stable")
    true_rows = inputs.true.rows[by_label]
    starts = np.searchsorted(inputs.true.columns[by_label], np.arange(n_labels + 1))
    counting = None if inputs.weights is None else inputs.weights > 0
    width = max(16, 4 * BLOCK_BYTES // (n_samples * dense.values.itemsize))
    is_true = np.zeros(n_samples, dtype=bool)
    for start in range(0, n_labels, width):
        stop = min(start + width, n_labels)
        columns = dense.columns(start, stop)
        for label in range(start, stop):
            rows = true_rows[starts[label] : starts[label + 1]]
            if len(rows) == 0:
                continue
            scores = columns[label - start]
            kept = counting
            if worst is not None:
                among_k = (scores > worst[1]) | ((scores == worst[1]) & (label <= worst[0]))
                kept = among_k if kept is None else kept & among_k
            if kept is None:
                yield label, scores, rows, None
                continue
            is_true[rows] = True
            weights = None if inputs.weights is None else inputs.weights[kept]
            yield label, scores[kept], np.flatnonzero(is_true[kept]), weights
            is_true[rows] = False


def _worst_kept(inputs: RankingInputs, k: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Label and score at place ``k`` of each row."""
    last = [(block.labels[:, -1], block.scores[:, -1]) for block in inputs.ranked(k)]
    return np.concatenate([label for label, _ in last]), np.concatenate([s for _, s in last])


def _pairs_by_label(inputs: RankingInputs, k: int) -> Iterator[_LabelRows]:
    """Group the ``k`` best pairs of each row by label, the pairs of some labels at a time."""
    n_samples, n_labels = inputs.true.shape
    labels = np.empty((n_samples, k), dtype=np.min_scalar_type(n_labels))
    scores = np.empty((n_samples, k), dtype=inputs.scores.dtype)
    hits = np.empty((n_samples, k), dtype=bool)
    n_pairs = np.zeros(n_labels, dtype=np.int64)
    for block in inputs.ranked(k):
        labels[block.rows], scores[block.rows] = block.labels, block.scores
        hits[block.rows] = block.hits
        n_pairs += np.bincount(block.labels.ravel(), minlength=n_labels)
    group = np.cumsum(n_pairs) // GROUPED_PAIRS
    cuts = [0, *(np.flatnonzero(np.diff(group)) + 1), n_labels]
    for first, stop in pairwise(cuts):
        pairs = np.flatnonzero((labels >= first) & (labels < stop))
        # Stable: the rows of one label stay in their order.
        pairs = pairs[np.argsort(labels.ravel()[pairs], kind="stable")]
        if inputs.weights is not None:
            pairs = pairs[inputs.weights[pairs // k] > 0]
        starts = np.searchsorted(labels.ravel()[pairs], np.arange(first, stop + 1))
        for label in range(first, stop):
            own = pairs[starts[label - first] : starts[label - first + 1]]
            true = np.flatnonzero(hits.ravel()[own])
            if len(true):
                weights = None if inputs.weights is None else inputs.weights[own // k]
                yield label, scores.ravel()[own], true, weights


def _label_gain(
    scores: NDArray[Any], true: NDArray[np.intp], weights: NDArray[np.float64] | None
) -> float:
    """Sum over the true rows, each times its weight, of the precision met there."""
    if weights is None:
        places = np.sort(_places(scores, true))
        return float(np.sum(np.arange(1, len(places) + 1) / places))
    order = best_first(scores[None])[0]
    true_weights = np.zeros(len(scores))
    true_weights[true] = weights[true]
    true_weights = true_weights[order]
    return float(np.sum(true_weights * np.cumsum(true_weights) / np.cumsum(weights[order])))


def _places(scores: NDArray[Any], true: NDArray[np.intp]) -> NDArray[np.intp]:
    """Place, from 1 on, of each true row in the order of the scores, equal scores by row."""
    own = scores[true]
    if len(true) < FEW_TRUE:
        above = [np.count_nonzero(scores > score) for score in own]
        before = [np.count_nonzero(scores[:row] == scores[row]) for row in true]
        return 1 + np.add(above, before)
    ascending = np.sort(scores)
    end = np.searchsorted(ascending, own, side="right")
    places = 1 + len(scores) - end
    tied = end - np.searchsorted(ascending, own, side="left") > 1
    for i in np.flatnonzero(tied):
        places[i] += np.count_nonzero(scores[: true[i]] == own[i])
    return places
