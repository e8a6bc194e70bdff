"""Decisions as an estimator makes them, beside those by thresholds tuned on held-out rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.comparison._measures import HeldOutResponses
from skmlclf.metrics import hamming_loss, top_k_of_scores, topk_method
from skmlclf.model_selection import MultilabelStratifiedKFold
from skmlclf.thresholds import (
    objective_value,
    scores_of_topk,
    tune_thresholds,
)

DECISION_METRICS = ("f1_samples", "f1_micro", "f1_macro", "hamming", "labels_per_sample")
_KEPT_LABELS = 20
_OBJECTIVES = {"f1_samples": "samples_f1", "f1_micro": "micro_f1", "f1_macro": "macro_f1"}


@dataclass(frozen=True)
class Decisions:
    """Decisions of one estimator on the held-out rows.

    .. versionadded:: 0.1

    Attributes
    ----------
    predicted, tuned : dict of str to float
        F1 by rows (``f1_samples``), micro F1, macro F1 over the labels that occur, the hamming loss
        and the number of labels per row: of what ``predict`` returns, and of the tuned decisions.
    y_tuned : csr_matrix of shape (n_val_samples, n_labels)
        The tuned decisions.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.comparison import compare
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> classifiers = {"near": KNeighborsClassifier(15)}
    >>> comparison = compare(
    ...     classifiers, X[:80], y[:80], X[80:], y[80:], metrics=["hit_at_1"], verbose=False
    ... )
    >>> decisions = comparison.results[0].decisions
    >>> sorted(decisions.tuned)
    ['f1_macro', 'f1_micro', 'f1_samples', 'hamming', 'labels_per_sample']
    >>> decisions.y_tuned.shape
    (20, 5)
    """

    predicted: dict[str, float]
    tuned: dict[str, float]
    y_tuned: sparse.csr_matrix


def held_out_scores(
    estimator: Any, responses: HeldOutResponses, X_val: Any, n_labels: int
) -> tuple[Any, bool]:
    """Return scores of the 20 best labels of the held-out rows, and whether they are probabilities.

    Parameters
    ----------
    estimator : fitted classifier
    responses : HeldOutResponses
        Of the estimator; what was asked for before is not computed again.
    X_val : array-like of shape (n_val_samples, n_features)
    n_labels : int

    Returns
    -------
    scores : csr_matrix of shape (n_val_samples, n_labels) or None
        None where the estimator gives no scores.
    are_probabilities : bool
    """
    are_probabilities = hasattr(estimator, "predict_proba")
    method = None if n_labels == 1 else topk_method(estimator, response_method="predict_proba")
    k = min(_KEPT_LABELS, n_labels)
    if method is not None:
        return scores_of_topk(*method(X_val, k), n_labels), are_probabilities
    try:
        scores = responses.probabilities() if are_probabilities else responses.scores()
    except AttributeError:
        return None, False
    return scores_of_topk(*top_k_of_scores(np.asarray(scores), k), n_labels), are_probabilities


def measure_decisions(
    scores: sparse.csr_matrix,
    y_val: sparse.csr_matrix,
    y_pred: sparse.csr_matrix,
    objective: str,
    *,
    of_probabilities: bool,
) -> Decisions:
    """Tune decisions for an objective, and measure them beside those that were made.

    The held-out rows are divided in two, and the thresholds of each half come from the other, so
    that no row is decided on by thresholds that it was used for. Nothing is fitted anew.

    Parameters
    ----------
    scores : csr_matrix of shape (n_val_samples, n_labels)
        Kept scores.
    y_val, y_pred : csr_matrix of shape (n_val_samples, n_labels)
        True labels, and those predicted.
    objective : str
        As `LabelThresholdClassifier` takes it.
    of_probabilities : bool
        Whether scores are probabilities.

    Returns
    -------
    Decisions
    """
    n_samples = y_val.shape[0]
    rows, parts = [], []
    for tune, apply in MultilabelStratifiedKFold(2).split(np.zeros((n_samples, 1)), y_val):
        nonempty = of_probabilities and bool((np.diff(y_val[tune].indptr) > 0).all())
        tuned = tune_thresholds(scores[tune], y_val[tune], objective, nonempty=nonempty)
        parts.append(tuned.decide(scores[apply]))
        rows.append(apply)
    order = np.argsort(np.concatenate(rows))
    y_tuned = sparse.vstack(parts, format="csr")[order]
    return Decisions(_values(y_val, y_pred), _values(y_val, y_tuned), y_tuned)


def _values(y_val: sparse.csr_matrix, y_pred: sparse.csr_matrix) -> dict[str, float]:
    values = {
        name: objective_value(y_val, y_pred, objective) for name, objective in _OBJECTIVES.items()
    }
    values["hamming"] = hamming_loss(y_val, y_pred)
    values["labels_per_sample"] = float(y_pred.sum() / y_pred.shape[0])
    return values
