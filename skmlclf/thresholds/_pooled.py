"""Thresholds per label, estimated together with labels of similar frequency."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmlclf.thresholds._cuts import Cuts, Floats
from skmlclf.thresholds._rules import f1

_N_CANDIDATES = 256
# For a label without positives: below all others, so that the counts of the rarest are used.
_NO_POSITIVES = 0.5
_MAX_ITERATIONS = 100


def pooled_thresholds(cuts: Cuts, shrinkage: float, *, micro: bool, macro: bool) -> Floats:
    r"""Return thresholds for micro F1, macro F1 or the sum of the two.

    Parameters
    ----------
    cuts : Cuts
        Of all labels.
    shrinkage : float
        Weight of the labels of similar frequency, as a number of positives.
    micro, macro : bool
        What is maximised.

    Returns
    -------
    ndarray of shape (n_labels,)

    Notes
    -----
    At each of 256 candidate thresholds :math:`t`, the true positives :math:`tp_j(t)` and the
    decisions :math:`n_j(t)` of label :math:`j`, which has :math:`P_j` positives, are estimated from
    its own counts and from those of the labels with half to twice as many positives, :math:`r_j(t)`
    and :math:`s_j(t)` per positive:

    .. math:: \widetilde{tp}_j = \frac{P_j}{P_j + a} (tp_j + a \, r_j), \quad
        \tilde n_j = \frac{P_j}{P_j + a} (n_j + a \, s_j)

    Macro F1 is highest where :math:`F_j = 2 \widetilde{tp}_j / (\tilde n_j + P_j)` is, for each
    label by itself. Micro F1 :math:`\mu` is highest where :math:`2 tp_j - \mu n_j` is, and the sum
    of both where :math:`(2 tp_j - \mu n_j) / N + F_j / L` is, with :math:`N` decisions and
    positives in all and :math:`L` labels; :math:`\mu` and :math:`N` follow from the thresholds, so
    that the two are computed in turn until they converge.
    """
    candidates = _candidates(cuts)
    own = np.searchsorted(candidates, cuts.scores, side="right") - 1
    hits, decided = (
        _sums_above(cuts, own, values, len(candidates)) for values in (cuts.hits, cuts.weights)
    )
    positives = np.maximum(cuts.positives, _NO_POSITIVES)
    hits, decided = _with_neighbours(cuts, positives, hits, decided, shrinkage)
    of_label = f1(hits, decided, positives[:, None]) / max(1, int(np.sum(cuts.positives > 0)))
    if not micro:
        thresholds: Floats = candidates[of_label.argmax(axis=1)]
        return thresholds
    if not macro:
        of_label = np.zeros_like(of_label)
    labels, total = np.arange(cuts.n_labels), positives.sum()
    present, chosen = 0.5, np.full(cuts.n_labels, -1)
    for _ in range(_MAX_ITERATIONS):
        before, chosen = chosen, ((2 * hits - present * decided) / total + of_label).argmax(axis=1)
        if np.array_equal(chosen, before):
            break
        total = positives.sum() + decided[labels, chosen].sum()
        present = 2 * hits[labels, chosen].sum() / total
    thresholds = candidates[chosen]
    return thresholds


def _candidates(cuts: Cuts) -> Floats:
    """Return thresholds below scores of true labels, and an infinite one; no others can be best."""
    scores, index = np.unique(cuts.scores, return_inverse=True)
    weights = np.bincount(index, cuts.hits, minlength=len(scores))
    if not weights.any():
        return np.array([np.inf])
    true = np.flatnonzero(weights)
    shares = np.cumsum(weights[true]) / weights.sum()
    # Scores at quantiles of those of true labels; all of these where they are few.
    quantiles = np.searchsorted(shares, np.linspace(0, 1, _N_CANDIDATES)).clip(max=len(true) - 1)
    true = true if len(true) <= _N_CANDIDATES else true[np.unique(quantiles)]
    scores = scores.astype(np.float64)
    below = scores[np.maximum(true - 1, 0)]
    return np.append(0.5 * (scores[true] + below), np.inf)


def _sums_above(cuts: Cuts, index: NDArray[np.intp], values: Floats, n_candidates: int) -> Floats:
    """Add up values of scores at or above each candidate, label by label."""
    above = index >= 0
    cells = cuts.labels[above].astype(np.intp) * n_candidates + index[above]
    sums: Any = np.bincount(cells, values[above], minlength=cuts.n_labels * n_candidates)
    return np.cumsum(sums.reshape(cuts.n_labels, -1)[:, ::-1], axis=1)[:, ::-1]


def _with_neighbours(
    cuts: Cuts, positives: Floats, hits: Floats, decided: Floats, shrinkage: float
) -> tuple[Floats, Floats]:
    """Return estimates of hits and decisions that count neighbours in frequency too."""
    order = np.argsort(cuts.positives, kind="stable")
    # Labels without positives have no counts that others could use.
    order = order[np.searchsorted(cuts.positives[order], 0, side="right") :]
    lending = cuts.positives[order]
    first = np.searchsorted(lending, positives / 2, side="left")
    last = np.searchsorted(lending, positives * 2, side="right")
    total = np.append(0.0, np.cumsum(lending))
    lent = np.maximum(total[last] - total[first], 1e-300)
    scale = positives / (positives + shrinkage)

    def estimate(sums: Floats) -> Floats:
        cumulated = np.zeros((len(order) + 1, sums.shape[1]))
        np.cumsum(sums[order], axis=0, out=cumulated[1:])
        per_positive = (cumulated[last] - cumulated[first]) / lent[:, None]
        return np.asarray(scale[:, None] * (sums + shrinkage * per_positive))

    return estimate(hits), estimate(decided)
