"""Precision of each row where as many labels are retrieved as it has (PERR)."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf.metrics._inputs import checked, weighted_mean
from skmlclf.metrics._ranked import Ranked, read_ranking_inputs
from skmlclf.metrics._topk import ScoreLike
from skmlclf.metrics.ranking import divide


@checked(logits=["boolean", None])
def precision_at_equal_recall_score(
    y_true: Any,
    y_score: ScoreLike,
    *,
    logits: bool | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Precision of each row when as many labels are retrieved as it has (PERR).

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each row,
        best first, with ``n_kept`` at least the largest number of labels of a row.
    logits : bool, default=None
        Whether scores are logits. A label counts as retrieved only if its probability is positive:
        if its score is greater than 0 (False), or always (True). None takes the scores for logits
        if one of those retrieved is negative.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row in the mean.

    Returns
    -------
    float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, `y_score` holds NaN, or a pair is shorter than the
        largest number of labels of a row.

    Notes
    -----
    The value is ``sum_i |{true labels of positive probability among the n_i best}| / n_i`` over
    ``n_samples``, with ``n_i`` the number of labels of row ``i``; a row without labels adds 0 and
    stays in the mean. That is what the code published with YouTube-8M computes [2]_. The paper [1]_
    averages over the rows with labels (give the others weight 0) and does not require a positive
    probability, which matters only for probabilities of exactly 0. A logit of any sign stands for a
    positive probability, hence `logits`.

    With equal scores, the value is the expectation over all orders of the tied labels [3]_, as in
    :func:`precision_at_k_score`.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: A Large-Scale Video Classification Benchmark",
       arXiv:1609.08675, 2016.
    .. [2] https://github.com/google/youtube-8m, ``eval_util.py``.
    .. [3] McSherry and Najork, "Computing information retrieval performance measures efficiently
       in the presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> from skmlclf.metrics import precision_at_equal_recall_score
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> precision_at_equal_recall_score(y_true, y_score)
    0.75
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    counts = inputs.true.row_counts
    found = EqualRecall(counts)
    for block in inputs.ranked(counts):
        found.add(block)
    return weighted_mean(found.values(logits), inputs.weights)


class EqualRecall:
    """PERR of each row, for either reading of the scores.

    Parameters
    ----------
    row_counts : ndarray of shape (n_samples,)
        How many labels each row has.
    """

    def __init__(self, row_counts: NDArray[np.int64]) -> None:
        self._row_counts = row_counts
        self.of_logits = np.zeros(len(row_counts))
        self.of_probabilities = np.zeros(len(row_counts))
        self.any_negative = False

    def add(self, block: Ranked) -> None:
        """Take rows that are ranked at least as deep as they have labels."""
        n_retrieved = self._row_counts[block.rows]
        retrieved = np.arange(block.hits.shape[1]) < n_retrieved[:, None]
        self.any_negative |= bool((block.scores[retrieved] < 0).any())
        gains = block.gains()
        for values, floor in ((self.of_logits, -np.inf), (self.of_probabilities, 0)):
            found = np.where(retrieved & (block.scores > floor), gains, 0)
            values[block.rows] = divide(found.sum(axis=1), n_retrieved)

    def values(self, logits: bool | None = None) -> NDArray[np.float64]:
        """Return the rows' values, the reading chosen by the sign of the scores if not given."""
        as_logits = self.any_negative if logits is None else logits
        return self.of_logits if as_logits else self.of_probabilities
