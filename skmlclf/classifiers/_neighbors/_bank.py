"""The memory bank: training rows in the space of the classifier, in half precision."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg, sparse

from skmlclf.classifiers._neighbors._index import Index, search
from skmlclf.classifiers._neighbors._responses import FittedClassifier
from skmlclf.classifiers._neighbors._rows import LabelledRows, row_blocks

# Rows that the principal directions are found from: many more than there are directions.
_SAMPLE_ROWS = 16384
# Below it a neighbour would count for nothing, and its labels would not be listed.
_LEAST_WEIGHT = 1e-30


@dataclass(frozen=True)
class BankOptions:
    """How a bank is made.

    Attributes
    ----------
    n_components : int or None
        Width of its rows, at most that of the classifier's space; None keeps that.
    max_rows : int or None
        The most rows that it holds.
    """

    n_components: int | None
    max_rows: int | None


@dataclass(frozen=True)
class Bank:
    """Rows of unit length and their labels.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_components), float16
        Zero where the classifier's space is.
    labels : csr_matrix of shape (n_rows, n_labels), uint8
    components : ndarray of shape (n_hidden, n_components), float32, or None
        Directions that the classifier's space is projected onto; None keeps all of it.
    """

    rows: np.ndarray
    labels: sparse.csr_matrix
    components: np.ndarray | None

    def project(self, hidden: np.ndarray) -> np.ndarray:
        """Return rows of the classifier's space as those of the bank, in float32."""
        return _projected(hidden, self.components)

    def nearest(
        self, hidden: np.ndarray, n_neighbors: int, index: Index | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and cosines of the nearest rows, at most as many as there are."""
        k = min(n_neighbors, len(self.rows))
        return search(index, self.project(hidden), self.rows, k)

    def votes(
        self, indices: np.ndarray, similarities: np.ndarray, temperature: float
    ) -> sparse.csr_matrix:
        """Return the share of the neighbours' weight that has each label.

        Parameters
        ----------
        indices, similarities : ndarray of shape (n_queries, k)
            As `nearest` returns them.
        temperature : float
            Neighbours are weighted by a softmax of similarity over temperature.

        Returns
        -------
        csr_matrix of shape (n_queries, n_labels), float32
            Every label of a neighbour is stored, sorted, whatever the temperature is.
        """
        n_queries, k = indices.shape
        logits = (similarities - similarities.max(axis=1, keepdims=True)) / temperature
        weights = np.exp(logits.astype(np.float64))
        weights = np.maximum(weights / weights.sum(axis=1, keepdims=True), _LEAST_WEIGHT)
        votes = sparse.csr_matrix(
            (weights.ravel(), indices.ravel(), np.arange(0, n_queries * k + 1, k)),
            shape=(n_queries, len(self.rows)),
        )
        shares = (votes @ self.labels).astype(np.float32)
        shares.sort_indices()
        return shares

    def extended(self, more: "Bank", max_rows: int | None) -> "Bank":
        """Return a bank with the rows of another behind its own; the most recent ones stay."""
        rows = np.concatenate([self.rows, more.rows])
        labels = sparse.vstack([self.labels, more.labels], format="csr")
        if max_rows is not None:
            rows, labels = rows[-max_rows:], labels[-max_rows:]
        return replace(self, rows=np.ascontiguousarray(rows), labels=labels)


def make_bank(
    classifier: FittedClassifier,
    rows: LabelledRows,
    options: BankOptions,
    rng: np.random.RandomState,
    like: Bank | None = None,
) -> Bank:
    """Return the bank of some rows.

    Parameters
    ----------
    classifier : FittedClassifier
        Its space.
    rows : LabelledRows
        Read block by block; those without weight are left out.
    options : BankOptions
        How to make it.
    rng : RandomState
        Draws the rows that stay where there are more than a bank may hold, and those that the
        directions are found from.
    like : Bank, default=None
        One whose directions are used again.

    Returns
    -------
    Bank
    """
    which = rows.counting
    if options.max_rows is not None and len(which) > options.max_rows:
        which = np.sort(rng.choice(which, options.max_rows, replace=False))
    if like is None:
        components = _directions(classifier, rows.X, which, options.n_components, rng)
    else:
        components = like.components
    stored: np.ndarray | None = None
    for here, block in row_blocks(rows.X, which):
        projected = _projected(classifier.hidden(block), components)
        if stored is None:
            stored = np.empty((len(which), projected.shape[1]), np.float16)
        stored[here] = projected
    assert stored is not None
    return Bank(stored, rows.labels[which], components)


def _directions(
    classifier: FittedClassifier,
    X: Any,
    which: np.ndarray,
    n_components: int | None,
    rng: np.random.RandomState,
) -> np.ndarray | None:
    """Return the directions that keep most of the inner products of rows of unit length.

    They are the eigenvectors of the second moments, not centred: of all projections of that width
    theirs is the nearest to the matrix of all cosines (Eckart and Young, 1936).
    """
    if n_components is None:
        return None
    if len(which) > _SAMPLE_ROWS:
        which = np.sort(rng.choice(which, _SAMPLE_ROWS, replace=False))
    moments: np.ndarray | None = None
    for _, block in row_blocks(X, which):
        unit = _projected(classifier.hidden(block), None)
        if n_components >= unit.shape[1]:
            return None
        moments = unit.T @ unit if moments is None else moments + unit.T @ unit
    assert moments is not None
    n_hidden = len(moments)
    _, vectors = linalg.eigh(moments, subset_by_index=(n_hidden - n_components, n_hidden - 1))
    return np.ascontiguousarray(vectors[:, ::-1], dtype=np.float32)


def _projected(hidden: np.ndarray, components: np.ndarray | None) -> np.ndarray:
    """Return rows of unit length, after a projection or without one; zero stays zero."""
    if components is not None:
        hidden = hidden @ components
    length = np.linalg.norm(hidden, axis=1, keepdims=True)
    return hidden / np.where(length > 0, length, np.float32(1.0))
