"""The scores that decisions are made from: the best of each row, and all that are not small."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmlclf._compat import _num_samples, _safe_indexing
from skmlclf.metrics import EstimatorResponses, top_k_of_scores, topk_method

# A block of rows of all scores takes about this much; one of the best scores has this many rows.
_BLOCK_BYTES = 2**25
_BLOCK_ROWS = 8192

TopK = tuple[NDArray[Any], NDArray[Any]]


def kept_scores(
    estimator: Any,
    X: Any,
    n_labels: int,
    *,
    top_k: int = 50,
    above: float = 0.01,
    response_method: str = "auto",
) -> sparse.csr_matrix:
    """Return the scores of a classifier that decisions can be made from.

    Parameters
    ----------
    estimator : fitted classifier
        Of scikit-learn's kind, a pipeline or a search included. Where it has ``predict_topk``, no
        matrix of all scores is made, else one for some rows at a time.
    X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
        Read block by block.
    n_labels : int
        Number of columns of its `y`; 1 stands for two classes, of which the second is scored.
    top_k : int, default=50
        Of each row the scores of so many best labels are kept.
    above : float, default=0.01
        Beside them all probabilities above this one. Does not apply to decision values.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Which scores; "auto" takes probabilities where there are any.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels)
        The scores; what is stored was kept, zeros included.

    Raises
    ------
    ValueError
        If the estimator has no such scores, or they are NaN or not of the shape of `y`.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.thresholds import kept_scores
    >>> X, y = make_multilabel_classification(n_classes=12, random_state=0)
    >>> knn = KNeighborsClassifier().fit(X, y)
    >>> kept_scores(knn, X, 12, top_k=3, above=0.5).nnz < 100 * 12
    True
    """
    method = chosen_response(estimator, response_method)
    if method == "decision_function":
        above = np.inf
    classes = getattr(estimator, "classes_", None)
    # Lists of classes are of one column each.
    if n_labels > 1 and isinstance(classes, np.ndarray) and len(classes) != n_labels:
        raise ValueError(
            f"{type(estimator).__name__} was fitted on {len(classes)} labels or classes, and y has"
            f" {n_labels} columns: expected as many."
        )
    rows, labels, scores = [], [], []
    for start, best in _blocks(estimator, X, n_labels, method):
        for row, label, score in _kept_of_block(best, n_labels, top_k, above):
            rows.append(row + start)
            labels.append(label)
            scores.append(score)
    shape = (_num_samples(X), n_labels)
    entries = [np.concatenate(each) for each in (scores, rows, labels)]
    kept = sparse.csr_matrix((entries[0], (entries[1], entries[2])), shape=shape)
    kept.sort_indices()
    return kept


def scores_of_topk(labels: NDArray[Any], scores: NDArray[Any], n_labels: int) -> sparse.csr_matrix:
    """Return lists of best labels in the form of kept scores.

    Parameters
    ----------
    labels, scores : ndarray of shape (n_samples, k)
        As ``predict_topk`` returns them.
    n_labels : int
        Number of all labels.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels)
    """
    n_samples, k = labels.shape
    indptr = np.arange(n_samples + 1) * k
    kept = sparse.csr_matrix(
        (scores.ravel(), labels.ravel(), indptr), shape=(n_samples, n_labels), copy=True
    )
    kept.sort_indices()
    return kept


def chosen_response(estimator: Any, response_method: str) -> str:
    """Return which method of an estimator gives the scores.

    Parameters
    ----------
    estimator : classifier
    response_method : {"auto", "predict_proba", "decision_function"}

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it has none.
    """
    names = ("predict_proba", "decision_function")
    wanted = names if response_method == "auto" else (response_method,)
    for name in wanted:
        if hasattr(estimator, name):
            return name
    raise ValueError(
        f"{type(estimator).__name__} has no {' and no '.join(wanted)}, so there are no scores to"
        " decide by."
    )


Best = Callable[[NDArray[np.intp], int], TopK]


class _Block:
    """The rows of a block, whose best labels may be asked for more than once."""

    def __init__(self, n_rows: int, best: Best) -> None:
        self.n_rows = n_rows
        self.best = best


def row_blocks(X: Any, n_rows: int) -> Iterator[tuple[int, Any]]:
    """Yield the rows of anything that scikit-learn indexes, some at a time.

    Parameters
    ----------
    X : {array-like, sparse, RowStore} of shape (n_samples, n_features)
        Rows.
    n_rows : int
        How many at a time.

    Yields
    ------
    start : int
        Index of the first row.
    block : of the type of `X`
        The next rows.
    """
    n_samples = _num_samples(X)
    if sparse.issparse(X):
        X = X.tocsr()
    # Of no rows at all there is one empty block, for the estimator to refuse.
    for start in range(0, max(1, n_samples), n_rows):
        stop = min(start + n_rows, n_samples)
        yield start, X if stop - start == n_samples else _safe_indexing(X, slice(start, stop))


def _blocks(estimator: Any, X: Any, n_labels: int, method: str) -> Iterator[tuple[int, _Block]]:
    ranking = None if n_labels == 1 else topk_method(estimator, response_method=method)
    n_rows = _BLOCK_ROWS
    if ranking is None:
        n_rows = max(1, min(n_rows, _BLOCK_BYTES // (8 * n_labels)))
    for start, block in row_blocks(X, n_rows):
        size = _num_samples(block)
        if ranking is not None:
            yield start, _Block(size, _asking(ranking, block, size))
        else:
            yield start, _Block(size, _ranking(all_scores(estimator, block, n_labels, method)))


def _asking(ranking: Any, part: Any, size: int) -> Best:
    def best(rows: NDArray[np.intp], k: int) -> TopK:
        chosen = part if len(rows) == size else _safe_indexing(part, rows)
        labels, scores = ranking(chosen, k)
        return np.asarray(labels), np.asarray(scores)

    return best


def _ranking(scores: NDArray[Any]) -> Best:
    def best(rows: NDArray[np.intp], k: int) -> TopK:
        return top_k_of_scores(scores if len(rows) == len(scores) else scores[rows], k)

    return best


def all_scores(estimator: Any, X: Any, n_labels: int, method: str) -> NDArray[Any]:
    """Return the scores of all labels.

    Parameters
    ----------
    estimator : fitted classifier
    X : array-like of shape (n_samples, n_features)
        Few rows.
    n_labels : int
        Number of columns of its `y`; 1 stands for two classes.
    method : {"predict_proba", "decision_function"}
        Which scores.

    Returns
    -------
    ndarray of shape (n_samples, n_labels)

    Raises
    ------
    ValueError
        If they are not of that shape, or NaN.
    """
    responses = EstimatorResponses(estimator, X)
    if method == "predict_proba":
        scores = np.asarray(responses.probabilities())
    else:
        scores = np.asarray(estimator.decision_function(X))
    if n_labels == 1:
        scores = scores.reshape(len(scores), -1)[:, -1:]
    if scores.ndim != 2 or scores.shape[1] != n_labels:
        raise ValueError(
            f"{method} of {type(estimator).__name__} gave scores of shape {scores.shape} for the"
            f" {n_labels} labels of y: expected one column per label."
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"{method} of {type(estimator).__name__} gave NaN for some labels, so there is nothing"
            " to decide them by."
        )
    return scores


def _kept_of_block(
    block: _Block, n_labels: int, top_k: int, above: float
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any], NDArray[Any]]]:
    """Yield rows, labels and scores; more labels are asked for where the last one is not small."""
    rows, k = np.arange(block.n_rows), min(top_k, n_labels)
    while True:
        labels, scores = block.best(rows, k)
        unfinished = (scores[:, -1] > above) & (k < n_labels)
        done = ~unfinished
        kept = (np.arange(k) < top_k) | (scores[done] > above)
        row, rank = np.nonzero(kept)
        yield rows[done][row], labels[done][row, rank], scores[done][row, rank]
        rows, k = rows[unfinished], min(2 * k, n_labels)
        if not len(rows):
            return
