"""Sample and class weights in the form that training takes."""

from typing import NamedTuple

import numpy as np

from skmlclf.training import Loss


class LossWeights(NamedTuple):
    """Factors of the loss, and the bias that they lead to.

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


def row_weights(
    sample_weight: np.ndarray | None, n_samples: int, name: str = "sample_weight"
) -> tuple[np.ndarray, np.ndarray, float]:
    """Scale sample weights to a mean of one.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_samples,) or None
        Positive weights.
    n_samples : int
        Number of rows.
    name : str, default="sample_weight"
        What an error calls them.

    Returns
    -------
    raw, scaled : ndarrays of shape (n_samples,)
        The weights as they are and scaled, ones where there are none.
    total : float
        Sum of the raw weights.

    Raises
    ------
    ValueError
        If they are too large or too small to be added up.
    """
    raw = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    with np.errstate(over="ignore"):
        total = float(raw.sum())
        scaled = raw * (n_samples / total)
    if not (0 < total < np.inf and np.isfinite(scaled).all()):
        raise ValueError(
            f"{name} must have a sum that double precision can hold and divide by, got {total:.3g}."
        )
    return raw, scaled, total


def log_odds(
    loss: Loss,
    present: np.ndarray,
    total: float,
    factors: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """Return the starting bias of independent outputs.

    Parameters
    ----------
    loss : Loss
        What they are trained on.
    present : ndarray of shape (n_outputs,)
        Total weight of the rows with each label.
    total : float
        Total weight of all rows.
    factors : tuple of two ndarrays of shape (n_outputs,), or None
        Factors of each label's terms where it is absent and present.

    Returns
    -------
    ndarray of shape (n_outputs,)
    """
    # Half an observation keeps labels that are never or always there finite.
    present = present.clip(0.5, max(0.5, total - 0.5))
    absent = np.maximum(total - present, 0.5)
    if factors is not None:
        tiny = np.finfo(np.float32).tiny
        absent, present = (
            w.clip(min=tiny) * n for w, n in zip(factors, (absent, present), strict=True)
        )
    return loss.starting_bias(absent, present)
