"""Sample and class weights in the form that training takes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

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


def class_factors(class_weight: Any, targets: Targets) -> str | np.ndarray | None:
    """Read the parameter `class_weight`.

    Parameters
    ----------
    class_weight : None, "balanced", mapping, or array-like of shape (n_classes,)
        As the classifiers take it. Classes that a mapping leaves out count once.
    targets : Targets
        Kind and classes of `y`.

    Returns
    -------
    None, "balanced", or ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If it names unknown classes, has another length, or is negative, infinite or zero for all.
    """
    if class_weight is None or isinstance(class_weight, str):
        return class_weight
    n_classes = len(targets.classes)
    if isinstance(class_weight, Mapping):
        factors = np.ones(n_classes)
        places = {name: place for place, name in enumerate(targets.classes.tolist())}
        for name, factor in class_weight.items():
            if name not in places:
                wanted = (
                    f"columns of y, 0 to {n_classes - 1}"
                    if targets.kind == "multilabel"
                    else f"some of {targets.classes.tolist()[:10]}"
                )
                raise ValueError(f"class_weight names the label {name!r}, expected {wanted}.")
            factors[places[name]] = factor
    else:
        factors = np.asarray(class_weight, dtype=np.float64)
        if factors.shape != (n_classes,):
            raise ValueError(
                f"class_weight must have one weight for each of the {n_classes} labels, got shape"
                f" {factors.shape}."
            )
    if not (np.isfinite(factors).all() and (factors >= 0).all() and factors.any()):
        raise ValueError(
            "class_weight must be finite, not negative and not zero for all, got"
            f" {np.unique(factors).tolist()[:5]}."
        )
    return factors


def loss_weights(
    targets: Targets,
    positives: sparse.csr_matrix,
    sample_weight: np.ndarray | None,
    factors: str | np.ndarray | None,
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
    factors : None, "balanced", or ndarray of shape (n_classes,)
        As `class_factors` reads them.

    Returns
    -------
    LossWeights

    Raises
    ------
    ValueError
        If the weights leave nothing to train on, or are too large or too small to be added up.
    """
    n_samples = positives.shape[0]
    rows = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    with np.errstate(over="ignore"):
        total = rows.sum()
        scaled = rows * (n_samples / total)
    if not (0 < total < np.inf and np.isfinite(scaled).all()):
        raise ValueError(
            "sample_weight must have a sum that double precision can hold and divide by, got"
            f" {total:.3g}."
        )
    present = np.bincount(
        positives.indices,
        weights=np.repeat(rows, np.diff(positives.indptr)),
        minlength=positives.shape[1],
    )
    if targets.kind == "multilabel":
        labels = _label_factors(factors, present, total)
        row_factor = None if sample_weight is None else scaled
        return LossWeights(row_factor, labels, _log_odds(present, total, labels))
    if targets.kind == "binary":
        codes = np.diff(positives.indptr)
        by_class = np.array([total - present[0], present[0]])
    else:
        codes, by_class = positives.indices, present
    if factors is None:
        factors = np.ones(len(by_class))
    elif isinstance(factors, str):
        # As scikit-learn balances: every class that is there gets the same total.
        seen = by_class > 0
        factors = np.where(seen, total / (seen.sum() * np.where(seen, by_class, 1.0)), 1.0)
    if targets.kind == "binary":
        bias = _log_odds(present, total, (factors[:1], factors[1:]))
    else:
        least = 0.5 * factors[factors > 0].min()
        bias = np.log(np.maximum(by_class * factors, least) / total)
    scaled = scaled * factors[codes]
    if not scaled.any():
        raise ValueError(
            "class_weight is zero for every class of these rows, so there is nothing to train on."
        )
    return LossWeights(scaled, None, bias)


def _label_factors(
    factors: str | np.ndarray | None, present: np.ndarray, total: float
) -> tuple[np.ndarray, np.ndarray] | None:
    if factors is None:
        return None
    if isinstance(factors, str):
        # A label that is always or never there has nothing to balance.
        mixed = (present > 0) & (present < total)
        safe = np.where(mixed, present, 0.5 * total)
        return total / (2.0 * (total - safe)), total / (2.0 * safe)
    return np.ones(len(factors)), factors


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
