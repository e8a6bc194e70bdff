"""The protocol of a loss."""

from typing import Any, Protocol

import numpy as np


class Loss(Protocol):
    """Value, gradient, probabilities and starting bias of a loss, and how weights enter it.

    A loss is hashable: it is part of what is compiled.
    """

    @property
    def output(self) -> str:
        """Kind of network output that it is for, the name of the output activation."""

    @property
    def keras_name(self) -> str:
        """What Keras calls it."""

    def __hash__(self) -> int: ...

    def value_and_gradient(
        self,
        logits: Any,
        rows: Any,
        cols: Any,
        row_weight: Any,
        label_weights: Any = None,
        entry_weight: Any = None,
    ) -> tuple[Any, Any]:
        """Sum the losses of a batch.

        Parameters
        ----------
        logits : tensor of shape (n_rows, n_outputs), float32
            Outputs of the network before the activation.
        rows, cols : tensors of shape (n_positives,), int32
            Row and output of every positive, each pair once, rows in order.
        row_weight : tensor of shape (n_rows,) or scalar tensor, float32
            Factor of each row, or of all.
        label_weights : tuple of two tensors of shape (n_outputs,), or None
            Factors of each output's terms where its label is absent and present.
        entry_weight : tensor of shape (n_rows, n_outputs), or None
            Factor of each single term.

        Returns
        -------
        total : scalar tensor
            The weighted sum.
        gradient : tensor of shape (n_rows, n_outputs)
            Its gradient with respect to the logits. Returned, not registered with TensorFlow,
            whose registry of gradients keeps for ever what each trace adds to it.
        """

    def probabilities(self, logits: Any) -> Any:
        """Return the probabilities that logits stand for, as a tensor of their shape."""

    def terms_per_row(self, n_outputs: int) -> int:
        """Return how many terms the loss of a row is the mean of, as Keras reports it."""

    def starting_bias(self, absent: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Return the logits of the best constant prediction.

        Parameters
        ----------
        absent, present : ndarrays of shape (n_outputs,)
            Total weight of the rows without and with each label, none of them zero.

        Returns
        -------
        ndarray of shape (n_outputs,)
        """
