"""Tuning of thresholds on scores of rows that were not trained on, and their F1."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmlclf.thresholds._cuts import Floats, are_stored, make_cuts
from skmlclf.thresholds._decisions import decide
from skmlclf.thresholds._pooled import pooled_thresholds
from skmlclf.thresholds._rules import (
    NO_CUT,
    f1,
    joint_cuts,
    matching_threshold,
    shared_threshold,
    smoothed_cuts,
)
from skmlclf.thresholds._temperature import fit_temperature, scores_to_decide_by

# Lin and Lin's a and b.
_SMOOTHING = 1.0
OBJECTIVES = ("micro_macro_f1", "macro_f1", "micro_f1", "samples_f1", "cardinality")


class TunedThresholds(NamedTuple):
    """The tuned thresholds, and the probabilities that they apply to.

    Attributes
    ----------
    thresholds : ndarray of shape (n_labels,) or None
        A label is given where its score is at least this. None for the best number of labels of
        each row.
    temperature : float
        Of the probabilities that decisions are based on.
    nonempty : bool
        Whether decisions are based on the probabilities given that the row has a label.
    """

    thresholds: NDArray[np.float64] | None
    temperature: float = 1.0
    nonempty: bool = False

    def decide(
        self, scores: sparse.csr_matrix, *, min_labels: int = 0, max_labels: int | None = None
    ) -> sparse.csr_matrix:
        """Decide on the labels of each row.

        Parameters
        ----------
        scores : csr_matrix of shape (n_samples, n_labels)
            As :func:`kept_scores` returns them.
        min_labels, max_labels : int or None
            As :func:`decide` takes them.

        Returns
        -------
        csr_matrix of shape (n_samples, n_labels), uint8
        """
        scores = scores_to_decide_by(scores, self.temperature, nonempty=self.nonempty)
        return decide(scores, self.thresholds, min_labels=min_labels, max_labels=max_labels)


def tune_thresholds(
    scores: sparse.csr_matrix,
    y: sparse.csr_matrix,
    objective: str = "micro_macro_f1",
    *,
    method: str = "pooled",
    shrinkage: float = 100.0,
    min_positives: int = 10,
    nonempty: bool = False,
    calibrate: bool = False,
    sample_weight: Floats | None = None,
) -> TunedThresholds:
    """Tune decisions on scores of rows that were not trained on.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        As :func:`kept_scores` returns them.
    y : csr_matrix of shape (n_samples, n_labels)
        True labels.
    objective : str, default="micro_macro_f1"
        One of `OBJECTIVES`.
    method : {"pooled", "per_label"}, default="pooled"
        Whether counts of labels of similar frequency are used too, or those of each label alone.
    shrinkage : float, default=100
        Weight of the labels of similar frequency, as a number of positives.
    min_positives : int, default=10
        With "per_label", labels with fewer share one threshold.
    nonempty : bool, default=False
        Whether each row is known to have a label, and scores are probabilities.
    calibrate : bool, default=False
        Whether to find a temperature in any case.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    TunedThresholds

    See Also
    --------
    skmlclf.LabelThresholdClassifier : Says how each objective is tuned.

    Examples
    --------
    >>> from scipy import sparse
    >>> from skmlclf.thresholds import tune_thresholds
    >>> scores = sparse.csr_matrix([[0.3, 0.1], [0.4, 0.2], [0.1, 0.3], [0.2, 0.6]])
    >>> y = sparse.csr_matrix([[1, 0], [1, 0], [0, 0], [0, 1]])
    >>> tune_thresholds(scores, y, shrinkage=0).decide(scores).toarray()
    array([[1, 0],
           [1, 0],
           [0, 0],
           [0, 1]], dtype=uint8)
    """
    temperature = 1.0
    if nonempty or calibrate or objective == "samples_f1":
        temperature = fit_temperature(scores, y, sample_weight)
    if objective == "samples_f1":
        # That a row has a label changes the expectation of every set by the same factor.
        return TunedThresholds(None, temperature)
    scores = scores_to_decide_by(scores, temperature, nonempty=nonempty)
    cuts = make_cuts(scores, y, sample_weight)
    parts = {"micro": "micro" in objective, "macro": "macro" in objective}
    if objective == "cardinality":
        thresholds = np.full(cuts.n_labels, matching_threshold(cuts))
    elif method == "pooled":
        thresholds = pooled_thresholds(cuts, shrinkage, **parts)
    else:
        thresholds = np.full(cuts.n_labels, shared_threshold(cuts, **parts))
        if objective != "micro_f1":
            chosen = joint_cuts(cuts) if parts["micro"] else smoothed_cuts(cuts, _SMOOTHING)
            own = (cuts.counts >= min_positives) & (chosen != NO_CUT)
            thresholds[own] = cuts.thresholds_after(chosen[own])
    return TunedThresholds(thresholds, temperature, nonempty)


def without(scores: sparse.csr_matrix, unknown: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return kept scores without those of labels that are not known.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        As :func:`kept_scores` returns them.
    unknown : csr_matrix of shape (n_samples, n_labels)
        Stores an entry for each label that is not known.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels)
    """
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    unknown = unknown.tocsr()
    unknown.sort_indices()
    known = ~are_stored(unknown, rows, scores.indices)
    entries = (scores.data[known], (rows[known], scores.indices[known]))
    return sparse.csr_matrix(entries, shape=scores.shape)


def _counts(
    y: sparse.csr_matrix, decisions: sparse.csr_matrix, sample_weight: Floats | None
) -> tuple[Any, Any, Floats]:
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
    """Return the F1 of each label.

    Parameters
    ----------
    y, decisions : csr_matrix of shape (n_samples, n_labels)
        True labels, and those decided on.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    ndarray of shape (n_labels,)
        0 for a label that neither occurs nor is decided on.
    """
    return f1(*_counts(y, decisions, sample_weight))


def objective_value(
    y: sparse.csr_matrix,
    decisions: sparse.csr_matrix,
    objective: str,
    *,
    sample_weight: Floats | None = None,
) -> float:
    """Return the value of an objective for decisions.

    Parameters
    ----------
    y, decisions : csr_matrix of shape (n_samples, n_labels)
        True labels, and those decided on.
    objective : str
        One of `OBJECTIVES`.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        Higher is better: the F1 of the objective, the mean of both in "micro_macro_f1", and minus
        the difference in labels per row in "cardinality". Macro F1 is the mean over the labels that
        occur in `y`.

    Examples
    --------
    >>> from scipy import sparse
    >>> from skmlclf.thresholds import objective_value
    >>> y, decisions = sparse.csr_matrix([[1, 0], [1, 1]]), sparse.csr_matrix([[1, 1], [1, 0]])
    >>> objective_value(y, decisions, "macro_f1")
    0.5
    """
    weights = np.ones(y.shape[0]) if sample_weight is None else sample_weight
    if objective == "samples_f1":
        by_row = f1_by_label(y.T.tocsr(), decisions.T.tocsr())
        return float(np.average(by_row, weights=weights))
    hits, predicted, positives = _counts(y, decisions, sample_weight)
    if objective == "cardinality":
        return -float(abs(predicted.sum() - positives.sum()) / weights.sum())
    micro = float(f1(hits.sum(), predicted.sum(), positives.sum()))
    occurs = positives > 0
    macro = float(f1(hits, predicted, positives)[occurs].mean()) if occurs.any() else 0.0
    return {"micro_f1": micro, "macro_f1": macro}.get(objective, 0.5 * (micro + macro))
