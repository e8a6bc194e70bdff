"""Weights of rows in a matrix of rows."""

from typing import Any

import tensorflow as tf


def by_row(row_weight: Any) -> Any:
    """Let the weights multiply a matrix of rows; one for all does so as it is."""
    return row_weight[:, tf.newaxis] if row_weight.shape.rank else row_weight
