"""From scores of rows that were not trained on to thresholds, and what these are worth."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmlclf.thresholds._cuts import Floats, are_stored, make_cuts
from skmlclf.thresholds._decisions import decide
from skmlclf.thresholds._rules import (
    NO_CUT,
    f1,
    joint_cuts,
    matching_threshold,
    shared_threshold,
    smoothed_cuts,
)
from skmlclf.thresholds._temperature import fit_temperature, with_temperature

OBJECTIVES = ("micro_macro_f1", "macro_f1", "micro_f1", "samples_f1", "cardinality")


class TunedThresholds(NamedTuple):
    """What decisions are made by.

    Attributes
    ----------
    thresholds : ndarray of shape (n_labels,) or None
        A label is given where its score is at least this. None for the best number of labels of
        each row.
    shared : float or None
        The threshold of labels with few positives; None where there are no thresholds.
    temperature : float
        Of the probabilities that expectations are computed from; 1 where there are thresholds.
    """

    thresholds: NDArray[np.float64] | None
    shared: float | None
    temperature: float = 1.0

    def decide(
        self, scores: sparse.csr_matrix, *, min_labels: int = 0, max_labels: int | None = None
    ) -> sparse.csr_matrix:
        """Decide on the labels of rows; :func:`decide` describes the parameters."""
        if self.thresholds is None:
            scores = sparse.csr_matrix(
                (with_temperature(scores.data, self.temperature), scores.indices, scores.indptr),
                shape=scores.shape,
            )
        return decide(scores, self.thresholds, min_labels=min_labels, max_labels=max_labels)


def tune_thresholds(
    scores: sparse.csr_matrix,
    y: sparse.csr_matrix,
    objective: str = "micro_macro_f1",
    *,
    min_positives: int = 10,
    sample_weight: Floats | None = None,
) -> TunedThresholds:
    if objective == "samples_f1":
        return TunedThresholds(None, None, fit_temperature(scores, y, sample_weight))
    cuts = make_cuts(scores, y, sample_weight)
    if objective == "cardinality":
        shared = matching_threshold(cuts)
        return TunedThresholds(np.full(cuts.n_labels, shared), shared)
    shared = shared_threshold(cuts, micro="micro" in objective, macro="macro" in objective)
    thresholds = np.full(cuts.n_labels, shared)
    if objective == "micro_f1":
        return TunedThresholds(thresholds, shared)
    chosen = joint_cuts(cuts) if objective == "micro_macro_f1" else smoothed_cuts(cuts, 1.0)
    own = (cuts.counts >= min_positives) & (chosen != NO_CUT)
    thresholds[own] = cuts.thresholds_after(chosen[own])
    return TunedThresholds(thresholds, shared)


def without(scores: sparse.csr_matrix, unknown: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return kept scores without those of some entries."""
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    unknown = unknown.tocsr()
    unknown.sort_indices()
    known = ~are_stored(unknown, rows, scores.indices)
    entries = (scores.data[known], (rows[known], scores.indices[known]))
    return sparse.csr_matrix(entries, shape=scores.shape)


def _counts(
    y: sparse.csr_matrix, decisions: sparse.csr_matrix, sample_weight: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Return hits, decisions and positives of each label."""
    cuts = make_cuts(decisions, y, sample_weight)
    n_labels = cuts.n_labels
    return (
        np.bincount(cuts.labels, cuts.hits, minlength=n_labels),
        np.bincount(cuts.labels, cuts.weights, minlength=n_labels),
        cuts.positives,
    )


def f1_by_label(
    y: sparse.csr_matrix, decisions: sparse.csr_matrix, *, sample_weight: Floats | None = None
) -> Floats:
    return f1(*_counts(y, decisions, sample_weight))


def objective_value(
    y: sparse.csr_matrix,
    decisions: sparse.csr_matrix,
    objective: str,
    *,
    sample_weight: Floats | None = None,
) -> float:
    weights = np.ones(y.shape[0]) if sample_weight is None else sample_weight
    if objective == "samples_f1":
        by_row = f1_by_label(y.T.tocsr(), decisions.T.tocsr())
        return float(np.average(by_row, weights=weights))
    hits, predicted, positives = _counts(y, decisions, sample_weight)
    if objective == "cardinality":
        return -float(abs(predicted.sum() - positives.sum()) / weights.sum())
    micro = float(f1(*(np.array([each.sum()]) for each in (hits, predicted, positives)))[0])
    occurs = positives > 0
    macro = float(f1(hits, predicted, positives)[occurs].mean()) if occurs.any() else 0.0
    return {"micro_f1": micro, "macro_f1": macro}.get(objective, 0.5 * (micro + macro))
