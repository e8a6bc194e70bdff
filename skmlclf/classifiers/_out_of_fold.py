"""Scores of rows by an estimator that was not trained on them."""

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit, check_cv
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import has_fit_parameter

from skmlclf._compat import _check_method_params, _check_sample_weight, _safe_indexing
from skmlclf.classifiers._targets import MultilabelTargets, Targets
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from skmlclf.thresholds import without

Split = tuple[np.ndarray, np.ndarray]


class Scored(NamedTuple):
    """Kept scores of rows, with their labels and weights.

    Attributes
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        Those of labels that are not known are left out.
    positives : csr_matrix of shape (n_samples, n_labels)
        The true labels.
    weights : ndarray of shape (n_samples,) or None
        Weights of the rows.
    """

    scores: sparse.csr_matrix
    positives: sparse.csr_matrix
    weights: np.ndarray | None


def score_with_fitted(
    tuned: Any, X: Any, y: Any, targets: Targets, fit_params: dict[str, Any]
) -> tuple[Any, Scored]:
    """Score rows with an estimator that was fitted before, on others.

    Parameters
    ----------
    tuned : LabelThresholdClassifier
        With its parameters.
    X, y : array-like
        Rows and their labels.
    targets : Targets
        How `y` is read.
    fit_params : dict
        Of which the weights of the rows count.

    Returns
    -------
    estimator : estimator
        The fitted one.
    scored : Scored
    """
    positives, unknown = _read(targets, y)
    scores = tuned._kept_scores(tuned.estimator, X, targets.n_outputs)
    weights = _weights_of_rows(fit_params, X)
    return tuned.estimator, Scored(_known(scores, unknown), positives, weights)


def score_held_out(
    tuned: Any,
    X: Any,
    y: Any,
    targets: Targets,
    fit_params: dict[str, Any],
    X_val: Any,
    y_val: Any,
) -> tuple[Any, Scored]:
    """Fit on the rows given, and score held-out rows; `score_with_fitted` describes the rest."""
    positives, unknown = _read(targets, y_val)
    check_consistent_length(X_val, positives)
    estimator = clone(tuned.estimator)
    if has_fit_parameter(estimator, "X_val"):
        fit_params = {**fit_params, "X_val": X_val, "y_val": y_val}
    estimator.fit(X, y, **fit_params)
    scores = tuned._kept_scores(estimator, X_val, targets.n_outputs)
    return estimator, Scored(_known(scores, unknown), positives, None)


def score_out_of_fold(
    tuned: Any, X: Any, y: Any, targets: Targets, fit_params: dict[str, Any]
) -> tuple[Any, Scored]:
    """Score each fold with a fit on the others; `score_with_fitted` describes the rest."""
    positives, unknown = _read(targets, y)
    weights = _weights_of_rows(fit_params, X)
    several = isinstance(targets, MultilabelTargets)
    strata = positives if several else positives.toarray().ravel()
    splits = _make_splits(tuned.cv, strata, tuned.random_state, refit=tuned.refit)
    estimators, folds = zip(
        *Parallel(n_jobs=tuned.n_jobs)(
            delayed(_fit_fold)(tuned, X, y, targets.n_outputs, *split, fit_params)
            for split in splits
        ),
        strict=True,
    )
    estimator = estimators[0]
    if tuned.refit:
        estimator = clone(tuned.estimator).fit(X, y, **fit_params)
    rows = np.concatenate([test for _, test in splits])
    scores = _known(sparse.vstack(folds, format="csr"), None if unknown is None else unknown[rows])
    return estimator, Scored(scores, positives[rows], None if weights is None else weights[rows])


def _make_splits(cv: Any, strata: Any, random_state: Any, *, refit: bool) -> list[Split]:
    """Return pairs of the rows to train on and those to tune on.

    Without refit there must be a single one.
    """
    several = sparse.issparse(strata)
    cv = 5 if cv is None else cv
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        kind = MultilabelStratifiedShuffleSplit if several else StratifiedShuffleSplit
        cv = kind(1, test_size=float(cv), random_state=random_state)
    elif several and isinstance(cv, Integral):
        cv = MultilabelStratifiedKFold(int(cv))
    else:
        cv = check_cv(cv, strata, classifier=True)
    # Splitters of labels look at no features.
    splits = list(cv.split(np.zeros((strata.shape[0], 1)), strata))
    if not refit and len(splits) > 1:
        raise ValueError(
            "When cv has several folds, refit cannot be False: there is no one estimator to keep."
            " Give a float as cv for a single split, or leave refit=True."
        )
    return splits


def _fit_fold(
    tuned: Any,
    X: Any,
    y: Any,
    n_labels: int,
    train: np.ndarray,
    test: np.ndarray,
    fit_params: dict[str, Any],
) -> tuple[Any, sparse.csr_matrix]:
    """Fit on some rows, and score the others."""
    params = _check_method_params(X, fit_params, indices=train)
    estimator = clone(tuned.estimator)
    estimator.fit(_safe_indexing(X, train), _safe_indexing(y, train), **params)
    scores = tuned._kept_scores(estimator, _safe_indexing(X, test), n_labels)
    # Of several folds the estimators are not wanted, and would travel between processes.
    return (None if tuned.refit else estimator), scores


def _read(targets: Targets, y: Any) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None]:
    """Return the true labels, and which are not known."""
    y, unknown = targets.split_unknown(y)
    return targets.encode(y), unknown


def _known(scores: sparse.csr_matrix, unknown: sparse.csr_matrix | None) -> sparse.csr_matrix:
    return scores if unknown is None else without(scores, unknown)


def _weights_of_rows(fit_params: dict[str, Any], X: Any) -> np.ndarray | None:
    """Return weights to count rows by; None where there are none, or they are of single labels."""
    weight = fit_params.get("sample_weight")
    if weight is None or sparse.issparse(weight) or np.ndim(weight) == 2:
        return None
    checked = _check_sample_weight(weight, X, dtype=np.float64, ensure_non_negative=True)
    return np.asarray(checked)
