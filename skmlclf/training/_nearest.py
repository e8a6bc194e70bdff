"""The rows of a matrix that are most similar to others, by matrix products."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from skmlclf.training._best_columns import best_columns
from skmlclf.training._processes import check_process
from skmlclf.training._programs import cached_program, compile_once

# A product is some 64 MiB, whatever the number of rows is.
_BLOCK_QUERIES, _BLOCK_ROWS = 1024, 16384
# The product rounds the last few rows of an odd number differently, as the forward pass does.
_QUERY_GROUP = 8


def nearest_rows(queries: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` rows with the largest inner products.

    Rows of unit length are ranked by their cosines. The search is exact: all products are computed,
    some blocks at a time, and the `k` best of each block are merged with the best so far.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features), float32
    rows : ndarray of shape (n_rows, n_features), float16
        Made float32 block by block.
    k : int
        From 1 to `n_rows`.

    Returns
    -------
    indices : ndarray of shape (n_queries, k), int64
        Most similar first.
    similarities : ndarray of shape (n_queries, k), float32
        The inner products.
    """
    check_process()
    search = cached_program(("nearest rows",), _make_search)
    indices = np.empty((len(queries), k), np.int64)
    similarities = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), _BLOCK_QUERIES):
        block = np.ascontiguousarray(queries[start : start + _BLOCK_QUERIES], np.float32)
        here = slice(start, start + len(block))
        missing = -len(block) % _QUERY_GROUP
        if missing:
            block = np.concatenate([block, np.zeros((missing, block.shape[1]), np.float32)])
        indices[here], similarities[here] = _search_all(
            search, block, rows, k, len(block) - missing
        )
    return indices, similarities


def _search_all(
    search: Callable[..., Any], block: np.ndarray, rows: np.ndarray, k: int, n_queries: int
) -> tuple[np.ndarray, np.ndarray]:
    queries = tf.constant(block)
    best: np.ndarray | None = None
    found: np.ndarray | None = None
    for start in range(0, len(rows), _BLOCK_ROWS):
        part = rows[start : start + _BLOCK_ROWS]
        values, columns = search(queries, tf.constant(part), tf.constant(min(k, len(part))))
        values = values.numpy()[:n_queries]
        columns = columns.numpy()[:n_queries].astype(np.int64) + start
        if best is not None:
            assert found is not None
            values = np.concatenate([best, values], axis=1)
            columns = np.concatenate([found, columns], axis=1)
            # Stable: of equal similarities the earlier row comes first, as it does in a block.
            order = np.argsort(-values, axis=1, kind="stable")[:, :k]
            values = np.take_along_axis(values, order, axis=1)
            columns = np.take_along_axis(columns, order, axis=1)
        best, found = values, columns
    assert best is not None
    assert found is not None
    return found, best


def _make_search() -> Callable[..., Any]:
    def search(queries: Any, rows: Any, k: Any) -> tuple[Any, Any]:
        products = tf.matmul(queries, tf.cast(rows, tf.float32), transpose_b=True)
        return best_columns(products, k)

    return compile_once(
        search,
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None], tf.float16),
        tf.TensorSpec([], tf.int32),
    )
