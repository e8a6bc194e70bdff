"""Forward passes over any number of rows, block by block."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from skmlclf._progress import progress
from skmlclf.networks import Network, build_model, hidden_layer_of, with_precision
from skmlclf.training._batches import Chunk, EntryWeights, RowBatches, SparseWeights
from skmlclf.training._features import make_features
from skmlclf.training._forward import make_forward, make_hidden, program_key
from skmlclf.training._hardware import prediction_precision
from skmlclf.training._programs import cached_program, variables_of

# Outputs of a block: enough rows for the matrix products to run at full speed, few enough to stay
# in the tens of megabytes.
_BLOCK_OUTPUTS = 2**23
_MAX_BLOCK_ROWS = 4096
# The matrix product treats the last few rows of an odd number separately and rounds them
# differently. With whole groups the scores of a row do not depend on its index, as long as the
# product is too small to be cut another way; in wide networks the difference left is about 1e-6.
_ROW_GROUP = 8


class Best(NamedTuple):
    """The best outputs of each row, best first by their logits.

    Attributes
    ----------
    outputs : ndarray of shape (n_samples, k), int32
        Of equal logits the lower output comes first.
    logits : ndarray of shape (n_samples, k), float32
    probabilities : ndarray of shape (n_samples, k), float32
        In no row do they rise.
    """

    outputs: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


class Evaluation(NamedTuple):
    """Results of one pass over held-out rows.

    Attributes
    ----------
    loss : float
        Weighted mean of the rows' losses, plus the regularisation losses of the layers.
    best : Best
        The best outputs of each row.
    decisions : csr_matrix of shape (n_samples, n_outputs), uint8
        Labels with a probability above one half.
    """

    loss: float
    best: Best
    decisions: sparse.csr_matrix


class Predictor:
    """The compiled forward passes of a network on the weights that a model has now.

    Parameters
    ----------
    network : Network
        Structure of the model. Where this machine would emulate bfloat16, its products are float32.
    model : keras.Model
        Its variables are read at every call.
    verbose : int, default=0
        Above zero, what takes long shows how far it is.
    """

    def __init__(self, network: Network, model: keras.Model, verbose: int = 0) -> None:
        self.network = with_precision(network, prediction_precision(network.precision))
        self.model = model
        self.verbose = verbose
        self.block_rows = min(_MAX_BLOCK_ROWS, max(64, _BLOCK_OUTPUTS // network.n_outputs))
        self._variables = variables_of(model)[:2]
        self._same_layers = self.network == network
        self._key = program_key(self.network, model)

    def logits(self, X: Any) -> np.ndarray:
        """Return the outputs before the sigmoid or softmax, float32 ``(n_samples, n_outputs)``."""
        return self._outputs("logits", X)

    def probabilities(self, X: Any) -> np.ndarray:
        """Return the probabilities, float32 ``(n_samples, n_outputs)``, strictly in (0, 1)."""
        return self._outputs("probabilities", X)

    def hidden(self, X: Any) -> np.ndarray:
        """Return the last hidden layer without dropout, float32 ``(n_samples, n_hidden)``.

        Raises
        ------
        ValueError
            If the network cannot tell which layer that is.
        """
        width = hidden_layer_of(self.network, self.model).shape[1]
        forward = cached_program(
            ("hidden", *self._key), lambda: make_hidden(self.network, self.model, self._layers)
        )
        return self._filled(forward, X, width)

    def best(self, X: Any, k: int) -> Best:
        """Return the `k` best outputs of each row."""
        best = self._program("best")
        # Slicing is free in NumPy and an operation in TensorFlow.
        blocks = [
            [
                part.numpy()[: rows.stop - rows.start]
                for part in best(*self._variables, x, tf.constant(k))
            ]
            for rows, x in self._blocks(X)
        ]
        return _joined(blocks)

    def best_and_chosen(self, X: Any, k: int, columns: np.ndarray) -> tuple[Best, np.ndarray]:
        """Return the `k` best outputs of each row, and the probabilities of some of its outputs.

        Parameters
        ----------
        X : ndarray or csr matrix of shape (n_samples, n_features)
        k : int
        columns : ndarray of shape (n_samples, n_chosen), int32
            Of each row.

        Returns
        -------
        best : Best
        chosen : ndarray of shape (n_samples, n_chosen), float32
        """
        program = self._program("best and chosen")
        blocks = []
        for rows, x in self._blocks(X):
            n_rows = rows.stop - rows.start
            asked = np.zeros((x.shape[0], columns.shape[1]), np.int32)
            asked[:n_rows] = columns[rows]
            parts = program(*self._variables, x, tf.constant(k), tf.constant(asked))
            blocks.append([part.numpy()[:n_rows] for part in parts])
        return _joined([block[:3] for block in blocks]), np.concatenate([b[3] for b in blocks])

    def decisions(self, X: Any) -> sparse.csr_matrix:
        """Return the outputs whose probability is above one half, uint8 CSR."""
        decide = self._program("decisions")
        blocks = [
            self._to_csr(decide(*self._variables, x), rows.stop - rows.start)
            for rows, x in self._blocks(X)
        ]
        return sparse.vstack(blocks, format="csr")

    def evaluate(
        self,
        X: Any,
        labels: sparse.csr_matrix,
        row_weight: np.ndarray | None,
        k: int,
        index: np.ndarray | None = None,
        entry_weight: EntryWeights | None = None,
    ) -> Evaluation:
        """Compute the loss, the best labels and the decisions in one pass over the rows.

        Parameters
        ----------
        X : ndarray, csr matrix or RowStore of shape (n_samples, n_features)
        labels : csr_matrix of shape (n_samples, n_outputs)
            Its stored entries are the positives.
        row_weight : ndarray of shape (n_samples,) or None
            Weight of each row in the loss.
        k : int
            Number of best labels to keep.
        index : ndarray of shape (n_rows,) or None, default=None
            Which rows of `X` the labels are of; None stands for all.
        entry_weight : EntryWeights or None, default=None
            Weights of the single entries of the loss.

        Returns
        -------
        Evaluation
        """
        kind = "evaluate" if entry_weight is None else "evaluate entries"
        evaluate = self._program(kind)
        total, weight, penalty = 0.0, 0.0, 0.0
        best, decisions = [], []
        batches = RowBatches(X, labels, row_weight, self.block_rows, index, entry_weight)
        for chunk in batches.blocks():
            loss, penalties, *parts, pairs = evaluate(
                *self._variables,
                tf.constant(chunk.x),
                tf.constant(k),
                tf.constant(chunk.positives.rows),
                tf.constant(chunk.positives.cols),
                tf.constant(chunk.row_weight),
                None if entry_weight is None else tf.constant(_dense(chunk)),
            )
            total += float(loss)
            weight += chunk.weight
            # The same for every block, but for what layers add for their activations.
            penalty += float(penalties) * chunk.weight
            best.append([part.numpy() for part in parts])
            decisions.append(self._to_csr(pairs, len(chunk.x)))
        return Evaluation(
            loss=(total + penalty) / weight,
            best=_joined(best),
            decisions=sparse.vstack(decisions, format="csr"),
        )

    def _outputs(self, kind: str, X: Any) -> np.ndarray:
        return self._filled(self._program(kind), X, self.network.n_outputs)

    def _filled(self, forward: Callable[..., Any], X: Any, width: int) -> np.ndarray:
        out = np.empty((X.shape[0], width), dtype=np.float32)
        for rows, x in self._blocks(X):
            out[rows] = forward(*self._variables, x).numpy()[: len(out[rows])]
        return out

    def _program(self, kind: str) -> Callable[..., Any]:
        return cached_program(
            (kind, *self._key),
            lambda: make_forward(self.network, self.model, kind, self._layers),
        )

    def _layers(self) -> keras.Model:
        """Return a model whose layers compute in the precision of the network."""
        if self._same_layers:
            return self.model
        # Without values: those of the model's variables are arguments of every function.
        with keras.StatelessScope(initialize_variables=False):
            layers = build_model(self.network)
        for own, other in zip(layers.layers, self.model.layers, strict=True):
            own.trainable = other.trainable
        return layers

    def _blocks(self, X: Any) -> Iterator[tuple[slice, Any]]:
        cuts = [*range(0, X.shape[0], self.block_rows), X.shape[0]]
        blocks = make_features(X).read(None, cuts)
        with progress(X.shape[0], "Predicting", verbose=self.verbose, leave=False) as bar:
            for (start, stop), block in zip(pairwise(cuts), blocks, strict=True):
                block = np.ascontiguousarray(block)
                missing = -len(block) % _ROW_GROUP
                if missing:
                    block = np.concatenate([block, np.zeros((missing, block.shape[1]), np.float32)])
                yield slice(start, stop), tf.constant(block)
                bar.update(stop - start)

    def _to_csr(self, pairs: Any, n_rows: int) -> sparse.csr_matrix:
        rows, cols = pairs.numpy().T
        cols = cols[rows < n_rows]
        rows = rows[rows < n_rows]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
        data = np.ones(len(cols), dtype=np.uint8)
        return sparse.csr_matrix(
            (data, np.ascontiguousarray(cols), indptr), shape=(n_rows, self.network.n_outputs)
        )


def _joined(blocks: list[list[np.ndarray]]) -> Best:
    outputs, logits, probabilities = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    # Single precision's sigmoid is not monotone in TensorFlow: of two neighbouring logits the
    # larger can get the smaller probability, by some units in the last place.
    return Best(outputs, logits, np.minimum.accumulate(probabilities, axis=1))


def _dense(chunk: Chunk) -> np.ndarray:
    """Return the weights of a chunk's entries as a matrix."""
    weights = chunk.entry_weight
    if not isinstance(weights, SparseWeights):
        assert weights is not None
        return weights
    (rows, cols, _), values, default = weights
    dense = np.full((len(chunk.x), chunk.n_outputs), default)
    dense[rows, cols] = values
    return dense
