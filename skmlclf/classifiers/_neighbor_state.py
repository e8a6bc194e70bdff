"""A fitted blend of classifier and neighbours as plain values, and back."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skmlclf.classifiers._neighbors import Bank, check_estimator, last_step
from skmlclf.classifiers._targets import targets_from_plain, targets_to_plain
from skmlclf.persistence import check_array, check_fields

FITTED = (
    "estimator_", "classes_", "label_names_", "weight_", "temperature_", "n_features_in_",
    "feature_names_in_", "_targets_", "_bank_", "_index_",
)  # fmt: skip
"""What a fit sets on the estimator."""

_FIELDS = {
    # None where the parameter of that name is the fitted one.
    "estimator": (object,),
    "targets": dict,
    "n_features": (int, None),
    "feature_names": (np.ndarray, None),
    "weight": float,
    "temperature": float,
    "rows": np.ndarray,
    "label_indptr": np.ndarray,
    "label_indices": np.ndarray,
    "components": (np.ndarray, None),
}


def fitted_state(blend: Any) -> dict[str, Any] | None:
    """Return what a blend has learnt, without copies of its arrays.

    Parameters
    ----------
    blend : NeighborBlendClassifier
        Fitted or not.

    Returns
    -------
    dict of str to plain values and the fitted estimator, or None
        None where it is not fitted.
    """
    if not hasattr(blend, "_bank_"):
        return None
    bank = blend._bank_
    return {
        "estimator": None if blend.estimator_ is blend.estimator else blend.estimator_,
        "targets": targets_to_plain(blend._targets_),
        "n_features": getattr(blend, "n_features_in_", None),
        "feature_names": getattr(blend, "feature_names_in_", None),
        "weight": blend.weight_,
        "temperature": blend.temperature_,
        "rows": bank.rows,
        "label_indptr": bank.labels.indptr,
        "label_indices": bank.labels.indices,
        "components": bank.components,
    }


def restore(blend: Any, state: dict[str, Any]) -> None:
    """Make a blend one that has learnt what a state says.

    Parameters
    ----------
    blend : NeighborBlendClassifier
        With its parameters.
    state : dict
        As `fitted_state` returns it.

    Raises
    ------
    ValueError
        If the state is no such one; the blend is not changed.
    """
    check_fields(state, _FIELDS, "the fitted state")
    targets = targets_from_plain(state["targets"])
    estimator = blend.estimator if state["estimator"] is None else state["estimator"]
    check_estimator(estimator)
    check_is_fitted(estimator)
    n_features, names = state["n_features"], state["feature_names"]
    if n_features != getattr(estimator, "n_features_in_", None):
        raise ValueError(f"n_features is not that of the fitted estimator, got {n_features}")
    if names is not None:
        check_array(names, (n_features,), "O", "feature_names")
    if not (0.0 <= state["weight"] <= 1.0 and 0.0 < state["temperature"] < np.inf):
        raise ValueError("weight must be in [0, 1], and temperature positive")
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, np.ndarray) and len(classes) != len(targets.classes):
        raise ValueError(f"the fitted estimator has {len(classes)} classes")
    bank = _bank(state, len(targets.classes))
    width = len(bank.components) if bank.components is not None else bank.rows.shape[1]
    if width != getattr(last_step(estimator), "_n_features_out", width):
        raise ValueError("the rows of the bank are not of the fitted estimator's space")
    blend.estimator_ = estimator
    blend._adopt_targets(targets)
    if n_features is not None:
        blend.n_features_in_ = n_features
    if names is not None:
        blend.feature_names_in_ = names
    blend.weight_, blend.temperature_ = state["weight"], state["temperature"]
    blend._adopt_bank(bank)


def _bank(state: dict[str, Any], n_labels: int) -> Bank:
    """Return the bank of a state, if its arrays fit each other."""
    rows, components = state["rows"], state["components"]
    indptr, indices = state["label_indptr"], state["label_indices"]
    check_array(rows, (None, None), "f", "rows")
    if rows.dtype != np.float16 or not rows.size or not np.isfinite(rows).all():
        raise ValueError("rows must be finite float16, and at least one")
    if components is not None:
        check_array(components, (None, rows.shape[1]), "f", "components")
        if components.dtype != np.float32 or not np.isfinite(components).all():
            raise ValueError("components must be finite float32")
    check_array(indptr, (len(rows) + 1,), "i", "label_indptr")
    check_array(indices, (None,), "i", "label_indices")
    ends = indptr[0] == 0 and indptr[-1] == len(indices) and (np.diff(indptr) >= 0).all()
    inside = not len(indices) or (indices.min() >= 0 and indices.max() < n_labels)
    if not (ends and inside):
        raise ValueError("label_indptr and label_indices are not those of a matrix of labels")
    ones = np.ones(len(indices), np.uint8)
    labels = sparse.csr_matrix((ones, indices, indptr), shape=(len(rows), n_labels))
    if not labels.has_canonical_format:
        raise ValueError("label_indices must rise in each row")
    return Bank(np.ascontiguousarray(rows), labels, components)
