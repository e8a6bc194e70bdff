"""Predictions for rows of any number, a block of them in memory at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf._progress import progress

_BLOCK_ROWS = 16_384


def blocks_of(features: Any, desc: str) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the rows block by block, and show how far they are.

    Parameters
    ----------
    features : RowStore of shape (n_samples, n_features)
    desc : str
        What is done with them.

    Yields
    ------
    rows : slice
    block : ndarray of shape (n_rows, n_features)
    """
    n_rows = features.shape[0]
    with progress(n_rows, desc) as bar:
        for start in range(0, n_rows, _BLOCK_ROWS):
            rows = slice(start, min(start + _BLOCK_ROWS, n_rows))
            yield rows, np.asarray(features[rows])
            bar.update(rows.stop - rows.start)


class BlockResponses:
    """The responses of a model for rows on disk, of which only what metrics ask for is kept.

    Rows are read once for all that is asked. Scores of every label are needed by few metrics,
    such as `map`, and are a dense matrix.

    Parameters
    ----------
    model : fitted classifier or Pipeline
    features : RowStore of shape (n_samples, n_features)
    depth : int or None
        How many of the best labels will be asked for; None for none.
    decides : bool
        Whether decisions will be asked for.
    """

    def __init__(self, model: Any, features: Any, *, depth: int | None, decides: bool) -> None:
        from skmlclf.metrics import topk_method

        self._model, self._features = model, features
        best = topk_method(model, response_method="decision_function")
        labels, scores, decisions = [], [], []
        for _, block in blocks_of(features, "Evaluating"):
            if best is not None and depth is not None:
                columns, values = best(block, depth)
                labels.append(columns.astype(np.int32))
                scores.append(values)
            if decides:
                decisions.append(sparse.csr_matrix(model.predict(block)))
        self._best = (np.concatenate(labels), np.concatenate(scores)) if labels else None
        self._decisions = sparse.vstack(decisions, format="csr") if decisions else None

    def top_k(self, k: int) -> Any:
        """Return the best labels of each row and their logits."""
        return None if self._best is None else tuple(part[:, :k] for part in self._best)

    def scores(self) -> Any:
        """Return the logits of every label."""
        return self._model.decision_function(self._features)

    def probabilities(self) -> Any:
        """Return the probability of every label."""
        return self._model.predict_proba(self._features)

    def decisions(self) -> Any:
        """Return the predicted labels."""
        return self._decisions
