"""Looking up the nearest rows: all of them compared, or an approximate index.

An index is anything with two methods of scikit-learn's `NearestNeighbors`: ``fit(rows)``, and
``kneighbors(queries, n_neighbors) -> (distances, indices)``. Only the indices are used: the cosines
are computed from the rows, so that the metric of an index decides what is found and nothing else.
"""

from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import clone

from skmlclf.training import nearest_rows

# Neighbours of a node of the graph, and how many are compared while it is built.
_LINKS, _BUILD_DEPTH = 32, 80
# Gathered rows take this many numbers at a time.
_GATHERED = 2**22


class Index(Protocol):
    """Something that finds nearest rows."""

    def fit(self, X: np.ndarray) -> Any:
        """Take in the rows, float32 of unit length."""

    def kneighbors(self, X: np.ndarray, n_neighbors: int) -> tuple[np.ndarray | None, np.ndarray]:
        """Return distances, which are not used, and indices of the nearest rows."""


class HNSWIndex:
    """A graph of near neighbours, by faiss: some comparisons find nearly all of the nearest rows.

    References
    ----------
    Yu. Malkov and D. Yashunin, "Efficient and robust approximate nearest neighbor search using
    Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020, arXiv 1603.09320.
    """

    def fit(self, X: np.ndarray) -> Self:
        """Build the graph; the rows are kept in half precision."""
        faiss = import_faiss()
        self._graph = faiss.IndexHNSWSQ(
            X.shape[1], faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_INNER_PRODUCT
        )
        self._graph.hnsw.efConstruction = _BUILD_DEPTH
        self._graph.train(X)
        self._graph.add(X)
        return self

    def kneighbors(self, X: np.ndarray, n_neighbors: int) -> tuple[None, np.ndarray]:
        """Return indices of the nearest rows, -1 where fewer were found."""
        self._graph.hnsw.efSearch = max(2 * n_neighbors, 64)
        return None, self._graph.search(np.ascontiguousarray(X), n_neighbors)[1]


def import_faiss() -> Any:
    """Return the module faiss.

    Raises
    ------
    ImportError
        Saying what to install.
    """
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "index='hnsw' needs faiss: pip install 'skmlclf[neighbors]'. index='exact' needs"
            " nothing."
        ) from error
    return faiss


def make_index(index: Any, rows: np.ndarray) -> Index | None:
    """Return an index of the rows; None stands for the exact search, which needs none.

    Parameters
    ----------
    index : {"exact", "hnsw"} or object
        As `NeighborBlendClassifier` takes it.
    rows : ndarray of shape (n_rows, n_features), float16
        Of unit length.
    """
    if isinstance(index, str) and index == "exact":
        return None
    made: Index = HNSWIndex() if isinstance(index, str) else clone(index, safe=False)
    made.fit(rows.astype(np.float32))
    return made


def search(
    index: Index | None, queries: np.ndarray, rows: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of near rows, and their cosines, -1 where an index found none.

    Parameters
    ----------
    index : Index or None
        As `make_index` returns it.
    queries : ndarray of shape (n_queries, n_features), float32
        Of unit length.
    rows : ndarray of shape (n_rows, n_features), float16
        Of unit length.
    k : int
        At most `n_rows`.

    Returns
    -------
    indices : ndarray of shape (n_queries, k)
    similarities : ndarray of shape (n_queries, k), float32
    """
    if index is None:
        return nearest_rows(queries, rows, k)
    indices = np.asarray(index.kneighbors(queries, k)[1])
    found = indices >= 0
    indices = np.where(found, indices, 0)
    similarities = np.empty(indices.shape, np.float32)
    n_together = max(1, _GATHERED // (k * rows.shape[1]))
    for start in range(0, len(queries), n_together):
        here = slice(start, start + n_together)
        near = rows[indices[here]].astype(np.float32)
        similarities[here] = np.einsum("qd,qkd->qk", queries[here], near)
    return indices, np.where(found, similarities, np.float32(-1.0))
