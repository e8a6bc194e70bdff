"""Sample and class weights in the form that training takes."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight

from skmlclf.classifiers._targets import Targets


class LossWeights(NamedTuple):
    """Factors of the loss and the frequencies they lead to.

    Attributes
    ----------
    rows : ndarray of shape (n_samples,) or None
        Factor of each row, one on average before class weights.
    labels : tuple of two ndarrays of shape (n_labels,), or None
        Factors of each label's terms where it is absent and present.
    bias : ndarray of shape (n_outputs,)
        Logits of the best constant prediction under these factors.
    """

    rows: np.ndarray | None
    labels: tuple[np.ndarray, np.ndarray] | None
    bias: np.ndarray


def loss_weights(
    targets: Targets,
    positives: sparse.csr_matrix,
    sample_weight: np.ndarray | None,
    class_weight: Any,
) -> LossWeights:
    """Combine sample and class weights.

    Parameters
    ----------
    targets : Targets
        Kind and classes of `y`.
    positives : csr_matrix of shape (n_samples, n_outputs)
        The encoded `y`.
    sample_weight : ndarray of shape (n_samples,) or None
        Positive weights.
    class_weight : None, "balanced", mapping, or array-like of shape (n_labels,)
        As the classifiers take it.

    Returns
    -------
    LossWeights
    """
    n_samples = positives.shape[0]
    rows = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    total = rows.sum()
    present = np.bincount(
        positives.indices,
        weights=np.repeat(rows, np.diff(positives.indptr)),
        minlength=positives.shape[1],
    )
    rows = rows * (n_samples / total)
    if targets.kind == "multilabel":
        labels = _label_factors(class_weight, len(targets.classes), present, total)
        row_factor = None if sample_weight is None else rows
        return LossWeights(row_factor, labels, _log_odds(present, total, labels))
    if class_weight is None:
        factors = np.ones(len(targets.classes))
    else:
        factors = _class_factors(class_weight, targets, positives)
    if targets.kind == "binary":
        is_second = np.diff(positives.indptr)
        bias = _log_odds(present, total, (factors[:1], factors[1:]))
        rows = rows * factors[is_second]
    else:
        bias = np.log(np.maximum(present * factors, 0.5 * factors.min()) / total)
        rows = rows * factors[positives.indices]
    return LossWeights(rows, None, bias)


def _label_factors(
    class_weight: Any, n_labels: int, present: np.ndarray, total: float
) -> tuple[np.ndarray, np.ndarray] | None:
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        # A label that is always or never there has nothing to balance.
        mixed = (present > 0) & (present < total)
        safe = np.where(mixed, present, 0.5 * total)
        return total / (2.0 * (total - safe)), total / (2.0 * safe)
    factors = np.ones(n_labels)
    if isinstance(class_weight, Mapping):
        for label, factor in class_weight.items():
            if not (isinstance(label, Integral) and 0 <= int(label) < n_labels):
                raise ValueError(
                    f"class_weight names the label {label!r}, expected columns of y, 0 to"
                    f" {n_labels - 1}."
                )
            factors[label] = factor
    else:
        factors = _one_a_label(class_weight, n_labels)
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ValueError("class_weight must be finite and not negative.")
    return np.ones(n_labels), factors


def _one_a_label(class_weight: ArrayLike, n_labels: int) -> np.ndarray:
    factors = np.asarray(class_weight, dtype=np.float64)
    if factors.shape != (n_labels,):
        raise ValueError(
            f"class_weight must have one weight for each of the {n_labels} labels, got shape"
            f" {factors.shape}."
        )
    return factors


def _class_factors(class_weight: Any, targets: Targets, positives: sparse.csr_matrix) -> np.ndarray:
    if not isinstance(class_weight, str | Mapping):
        factors = _one_a_label(class_weight, len(targets.classes))
        class_weight = dict(zip(targets.classes.tolist(), factors.tolist(), strict=True))
    codes = np.diff(positives.indptr) if targets.kind == "binary" else positives.indices
    seen = np.unique(codes)
    factors = np.ones(len(targets.classes))
    factors[seen] = compute_class_weight(
        class_weight, classes=targets.classes[seen], y=targets.classes[codes]
    )
    return factors


def _log_odds(
    present: np.ndarray, total: float, factors: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    # Half an observation keeps labels that are never or always there finite.
    present = present.clip(0.5, max(0.5, total - 0.5))
    absent = np.maximum(total - present, 0.5)
    if factors is not None:
        tiny = np.finfo(np.float32).tiny
        absent, present = (
            w.clip(min=tiny) * n for w, n in zip(factors, (absent, present), strict=True)
        )
    return np.log(present) - np.log(absent)
