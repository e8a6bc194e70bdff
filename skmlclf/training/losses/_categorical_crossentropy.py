"""The categorical cross-entropy, for exclusive classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from skmlclf.training.losses._row_weights import by_row


@dataclass(frozen=True)
class CategoricalCrossentropy:
    r"""The cross-entropy of the softmax, where every row has exactly one class.

    With :math:`c_i` the class of row `i`,

    .. math:: \sum_i w_i \Big(\log \sum_j \exp z_{ij} - z_{i c_i}\Big).
    """

    output: str = "softmax"
    keras_name: str = "categorical_crossentropy"

    def value_and_gradient(
        self,
        logits: Any,
        rows: Any,
        cols: Any,
        row_weight: Any,
        label_weights: Any = None,
        entry_weight: Any = None,
    ) -> tuple[Any, Any]:
        """Sum the losses of a batch; `Loss` describes parameters and results."""
        terms, gradient = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
            features=logits, labels=cols
        )
        return tf.reduce_sum(terms * row_weight), gradient * by_row(row_weight)

    def probabilities(self, logits: Any) -> Any:
        """Return the softmax."""
        return tf.nn.softmax(logits)

    def terms_per_row(self, n_outputs: int) -> int:
        """Return 1."""
        return 1

    def starting_bias(self, absent: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Return the logarithms of the classes' shares."""
        log_shares: np.ndarray = np.log(present) - np.log(present.sum())
        return log_shares
