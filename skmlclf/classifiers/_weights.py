"""Sample and class weights in the form that training takes."""

from typing import NamedTuple

import numpy as np

from skmlclf.training import EntryWeights, Loss


class Counts(NamedTuple):
    """How often classes or labels were seen.

    Attributes
    ----------
    present : ndarray of shape (n_classes,)
        Total weight of the rows with each of them.
    total : ndarray of shape (n_classes,)
        Total weight of the rows in which its presence or absence is known.
    """

    present: np.ndarray
    total: np.ndarray

    def plus(self, other: "Counts | None") -> "Counts":
        """Return the counts of both."""
        if other is None:
            return self
        return Counts(self.present + other.present, self.total + other.total)


class LossWeights(NamedTuple):
    """Factors of the loss, and the bias that they lead to.

    Attributes
    ----------
    rows : ndarray of shape (n_samples,) or None
        Factor of each row, one on average before class weights.
    labels : tuple of two ndarrays of shape (n_labels,), or None
        Factors of each label's terms where it is absent and present.
    entries : EntryWeights or None
        Factors of single entries of the loss, one on average.
    bias : ndarray of shape (n_outputs,)
        Logits of the best constant prediction under these factors.
    counts : Counts
        What the bias follows from.
    """

    rows: np.ndarray | None
    labels: tuple[np.ndarray, np.ndarray] | None
    entries: EntryWeights | None
    bias: np.ndarray
    counts: Counts


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


def scaled_entries(
    weights: EntryWeights, row_weight: np.ndarray, name: str = "sample_weight"
) -> EntryWeights:
    """Scale the weights of entries to a mean of one.

    Parameters
    ----------
    weights : EntryWeights
        Not negative, as they were given.
    row_weight : ndarray of shape (n_samples,)
        Weights that the rows have besides, one on average.
    name : str, default="sample_weight"
        What an error calls them.

    Returns
    -------
    EntryWeights

    Raises
    ------
    ValueError
        If they are too large or too small to be added up.
    """
    mean = float((weights.by_row() * row_weight).mean())
    if not 0 < mean < np.inf:
        raise ValueError(
            f"{name} must have a sum that double precision can hold and divide by, got a mean of"
            f" {mean:.3g}."
        )
    values = weights.values.astype(np.float64) / mean
    return EntryWeights(values.astype(np.float32), weights.default / mean)


def log_odds(
    loss: Loss, counts: Counts, factors: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    """Return the starting bias of independent outputs.

    Parameters
    ----------
    loss : Loss
        What they are trained on.
    counts : Counts
        Of the outputs' labels.
    factors : tuple of two ndarrays of shape (n_outputs,), or None
        Factors of each label's terms where it is absent and present.

    Returns
    -------
    ndarray of shape (n_outputs,)
    """
    present, total = counts
    # Half an observation keeps the log-odds of labels that never or always occur finite, or the
    # mean count where that is less: after a few rows thousands of labels have not been seen yet,
    # and half an observation of each would outweigh those that were.
    mean = present.mean()
    least = min(0.5, mean) if mean > 0 else 0.5
    counted = np.clip(present, least, np.maximum(least, total - 0.5))
    absent = np.maximum(total - counted, 0.5)
    never_known = total == 0
    if never_known.any() and not never_known.all():
        # For lack of data they start at the mean rate of all labels.
        rate = np.clip(present.sum() / total.sum(), 1e-6, 1.0 - 1e-6)
        counted = np.where(never_known, rate, counted)
        absent = np.where(never_known, 1.0 - rate, absent)
    present = counted
    if factors is not None:
        tiny = np.finfo(np.float32).tiny
        absent, present = (
            w.clip(min=tiny) * n for w, n in zip(factors, (absent, present), strict=True)
        )
    return loss.starting_bias(absent, present)
