"""Rules that choose a cut through the scores of each label, or one for several labels together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmlclf.thresholds._cuts import Cuts, Floats

NO_CUT = -1


def f1(hits: Any, predicted: Any, positives: Any, smoothing: float = 0.0) -> Floats:
    """Return ``(2 tp + a) / (predicted + positives + a)``, 0 where all of them are 0."""
    total = np.asarray(predicted + positives + smoothing, dtype=np.float64)
    values = np.zeros_like(total)
    np.divide(2 * hits + smoothing, total, out=values, where=total > 0)
    return values


def smoothed_cuts(cuts: Cuts, smoothing: float) -> NDArray[np.intp]:
    """Return the cut of each label with the highest smoothed F1, `NO_CUT` where none is better."""
    predicted, hits = cuts.by_label(cuts.weights), cuts.by_label(cuts.hits)
    values = f1(hits, predicted, cuts.positives[cuts.labels], smoothing)
    values[~cuts.are_between_scores()] = -np.inf
    zeros = np.zeros(cuts.n_labels)
    highest = f1(zeros, zeros, cuts.positives, smoothing)
    scored = np.flatnonzero(np.diff(cuts.starts))
    chosen = np.full(cuts.n_labels, NO_CUT, dtype=np.intp)
    if not len(scored):
        return chosen
    highest[scored] = np.maximum(
        highest[scored], np.nextafter(np.maximum.reduceat(values, cuts.starts[scored]), -np.inf)
    )
    winning = np.flatnonzero(values > highest[cuts.labels])
    # Of equal ones the first stays, which is written last.
    chosen[cuts.labels[winning[::-1]]] = winning[::-1]
    return chosen


def joint_cuts(cuts: Cuts) -> NDArray[np.intp]:
    """Return the cuts that the joint rule chooses, label by label, the most frequent first."""
    predicted, hits = cuts.by_label(cuts.weights), cuts.by_label(cuts.hits)
    allowed = cuts.are_between_scores()
    macro = f1(hits, predicted, cuts.positives[cuts.labels]) / max(1, int(np.sum(cuts.counts > 0)))
    chosen = np.full(cuts.n_labels, NO_CUT, dtype=np.intp)
    found = total = 0.0
    order = np.argsort(-cuts.counts, kind="stable")
    for label in order[cuts.counts[order] > 0]:
        inside = slice(cuts.starts[label], cuts.starts[label + 1])
        total += cuts.positives[label]
        values = 2 * (found + hits[inside]) / (total + predicted[inside]) + macro[inside]
        values[~allowed[inside]] = -np.inf
        if len(values) and values.max() > 2 * found / total:
            chosen[label] = cut = inside.start + int(values.argmax())
            found, total = found + hits[cut], total + predicted[cut]
    return chosen


def shared_threshold(cuts: Cuts, *, micro: bool, macro: bool) -> float:
    """Return the one threshold that is best for the sum of micro and macro F1, or one of them.

    Every threshold between two scores is looked at: below each score, micro F1 follows from the
    sums over all higher ones, and macro F1 from the sum of the steps that each takes its label.
    """
    order = np.argsort(-cuts.scores, kind="stable")
    scores = cuts.scores[order].astype(np.float64)
    if not len(scores) or not cuts.hits.any():
        return np.inf
    values = np.zeros(len(order))
    if micro:
        hits, predicted = np.cumsum(cuts.hits[order]), np.cumsum(cuts.weights[order])
        values += f1(hits, predicted, np.full(len(order), cuts.positives.sum()))
    if macro:
        hits, predicted = cuts.by_label(cuts.hits), cuts.by_label(cuts.weights)
        of_label = f1(hits, predicted, cuts.positives[cuts.labels])
        steps = np.diff(of_label, prepend=0.0)
        first = cuts.starts[np.flatnonzero(np.diff(cuts.starts))]
        steps[first] = of_label[first]
        values += np.cumsum(steps[order]) / max(1, int(np.sum(cuts.counts > 0)))
    values[np.flatnonzero(scores[1:] == scores[:-1])] = -np.inf
    return _between(scores, int(values.argmax()))


def matching_threshold(cuts: Cuts) -> float:
    """Return the one threshold that gives as many labels as there are."""
    order = np.argsort(-cuts.scores, kind="stable")
    scores = cuts.scores[order].astype(np.float64)
    if not len(scores) or not cuts.positives.any():
        return np.inf
    missing = np.abs(np.cumsum(cuts.weights[order]) - cuts.positives.sum())
    missing[np.flatnonzero(scores[1:] == scores[:-1])] = np.inf
    return _between(scores, int(missing.argmin()))


def _between(scores: Floats, cut: int) -> float:
    return float(0.5 * (scores[cut] + scores[min(cut + 1, len(scores) - 1)]))
