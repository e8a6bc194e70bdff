"""What "auto" stands for: the rules that adapt to the data, all of them in this file."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skmlclf.preprocessing import YOUTUBE8M_LAYOUT

MIN_EPOCHS, MAX_EPOCHS, STEPS_PER_EPOCH = 8, 100, 100


def resolve_batch_size(batch_size: int | str, n_rows: int) -> int:
    """Return the rows per step: for "auto" 64 to 256.

    Smaller steps learn more in a few epochs, so it is a hundredth of the rows. Where rows are few,
    128 per step take two thirds of the time of 64 and rank as well, if that leaves six steps per
    epoch.

    Parameters
    ----------
    batch_size : int or "auto"
        As the classifiers take it.
    n_rows : int
        Rows that are trained on.

    Returns
    -------
    int
        At most `n_rows`.
    """
    if batch_size != "auto":
        return min(int(batch_size), n_rows)
    wanted = max(n_rows // 100, min(n_rows // 6, 128))
    return min(n_rows, int(np.clip(wanted, 64, 256)))


def resolve_epochs(
    epochs: int | str, n_rows: int, batch_size: int, min_epochs: int = MIN_EPOCHS
) -> int:
    """Return the number of epochs: for "auto" as few as make enough steps.

    An epoch of many rows is at least 100 steps, and `min_epochs` of them are enough: more than
    eight overfit tens of thousands of videos. An epoch of a few hundred rows is a handful of steps,
    and up to 100 epochs make as many steps as `min_epochs` of 100.

    Parameters
    ----------
    epochs : int or "auto"
        As the classifiers take it.
    n_rows : int
        Rows that are trained on.
    batch_size : int
        Rows per step.
    min_epochs : int, default=8
        What "auto" stands for where rows are many.

    Returns
    -------
    int
    """
    if epochs != "auto":
        return int(epochs)
    steps_per_epoch = -(-n_rows // batch_size)
    wanted = -(-min_epochs * STEPS_PER_EPOCH // steps_per_epoch)
    return int(np.clip(wanted, min_epochs, MAX_EPOCHS))


def resolve_feature_groups(
    feature_groups: Sequence[int] | str | None, n_features: int
) -> tuple[int, ...]:
    """Return the widths of the groups of features: for "auto" those of YouTube-8M's layout.

    Parameters
    ----------
    feature_groups : sequence of int, "auto" or None
        As the classifiers take it.
    n_features : int
        Number of features.

    Returns
    -------
    tuple of int
        Empty for None, and for "auto" where the number of features is not that of the layout.

    Raises
    ------
    ValueError
        If a width is not a positive int, or they do not cover the features.
    """
    if feature_groups is None:
        return ()
    if isinstance(feature_groups, str):
        known: tuple[int, ...] = tuple(YOUTUBE8M_LAYOUT.values())
        return known if sum(known) == n_features else ()
    widths: tuple[Any, ...] = tuple(feature_groups)
    if not (widths and all(isinstance(w, int | np.integer) and w > 0 for w in widths)):
        raise ValueError(
            f"feature_groups must be positive ints, 'auto' or None, got {feature_groups!r}."
        )
    if sum(widths) != n_features:
        raise ValueError(
            f"feature_groups={feature_groups!r} are the widths of {sum(widths)} features, but X has"
            f" {n_features}."
        )
    return tuple(int(width) for width in widths)
