"""Calibration of the probabilities of the best labels of each row."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval
from skmlclf.metrics._inputs import checked
from skmlclf.metrics._ranked import read_ranking_inputs
from skmlclf.metrics._topk import ScoreLike


class ReliabilityCurve(NamedTuple):
    """Mean probability and fraction of true labels in bins of probabilities.

    .. versionadded:: 0.1

    Attributes
    ----------
    probability : ndarray of shape (n_bins,)
        Mean probability in each bin, NaN where the bin is empty.
    share : ndarray of shape (n_bins,)
        Fraction of true labels in each bin, NaN where the bin is empty.
    weight : ndarray of shape (n_bins,)
        Number of labels in each bin, or their total weight.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.metrics import ReliabilityCurve
    >>> curve = ReliabilityCurve(np.array([0.2, 0.8]), np.array([0.1, 0.8]), np.array([10, 5]))
    >>> curve.probability - curve.share
    array([0.1, 0. ])
    """

    probability: NDArray[np.float64]
    share: NDArray[np.float64]
    weight: NDArray[np.float64]


@checked(n_bins=[Interval(Integral, 1, None, closed="left")])
def reliability_at_k_curve(
    y_true: Any,
    y_score: ScoreLike,
    *,
    k: int = 20,
    n_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> ReliabilityCurve:
    """Compare the probabilities of the k best labels of each row with how often they are true.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Probabilities, or the pair ``(labels, probabilities)`` of the best labels of each row, best
        first, as ``predict_topk`` returns it.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    n_bins : int, default=15
        Number of bins of equal width between 0 and 1. A probability on the border of two belongs
        to the upper one, and 1 to the last.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.

    Returns
    -------
    ReliabilityCurve
        A tuple of three arrays: ``probability``, ``share`` and ``weight``.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, a probability is not between 0 and 1, or a pair is
        too short for `k`.

    See Also
    --------
    expected_calibration_error : The mean absolute difference of the two.
    sklearn.calibration.calibration_curve : The same for one label.

    Notes
    -----
    Labels that are tied at rank `k` count in part: the value is the mean over all their orders.

    Examples
    --------
    >>> from skmlclf.metrics import reliability_at_k_curve
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> curve = reliability_at_k_curve(y_true, y_score, k=2, n_bins=2)
    >>> curve.probability.round(2), curve.share.round(2), curve.weight
    (array([0.2 , 0.77]), array([0.  , 0.67]), array([1., 3.]))
    """
    inputs = read_ranking_inputs(y_true, y_score, sample_weight)
    n_samples, n_labels = inputs.true.shape
    row_weights = np.ones(n_samples) if inputs.weights is None else inputs.weights
    weight, probability, share = np.zeros((3, n_bins))
    for block in inputs.ranked(min(k, n_labels)):
        scores = np.asarray(block.scores, dtype=np.float64)
        if scores[:, 0].max() > 1 or scores[:, -1].min() < 0:
            raise ValueError(
                "y_score must hold probabilities, from 0 to 1, got"
                f" {scores[:, -1].min():.3g} to {scores[:, 0].max():.3g}: calibration says nothing"
                " of other scores. Take those of predict_proba."
            )
        bins = np.minimum((scores * n_bins).astype(np.intp), n_bins - 1).ravel()
        weights = np.repeat(row_weights[block.rows], scores.shape[1])
        weight += np.bincount(bins, weights, minlength=n_bins)
        probability += np.bincount(bins, weights * scores.ravel(), minlength=n_bins)
        share += np.bincount(bins, weights * block.gains().ravel(), minlength=n_bins)
    filled = np.where(weight > 0, weight, np.nan)
    return ReliabilityCurve(probability / filled, share / filled, weight)


@checked(n_bins=[Interval(Integral, 1, None, closed="left")])
def expected_calibration_error(
    y_true: Any,
    y_score: ScoreLike,
    *,
    k: int = 20,
    n_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Expected calibration error (ECE) of the probabilities of the k best labels of each row.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : {array-like, sparse} of shape (n_samples, n_labels)
        The true labels, entries 0 or 1. Any scipy sparse format will do.
    y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
        Probabilities, or the pair ``(labels, probabilities)`` of the best labels of each row, best
        first, as ``predict_topk`` returns it.
    k : int, default=20
        Number of best-ranked labels of each row. With a pair, at most ``n_kept``.
    n_bins : int, default=15
        Number of bins of equal width between 0 and 1.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.

    Returns
    -------
    float
        Between 0 and 1, lower is better.

    Raises
    ------
    ValueError
        If shapes differ, `y_true` is not 0/1, a probability is not between 0 and 1, or a pair is
        too short for `k`.

    See Also
    --------
    reliability_at_k_curve : The bins behind it.
    skmlclf.displays.ReliabilityDisplay : A plot of the curve.

    Notes
    -----
    With the probabilities of all rows' `k` best labels in bins :math:`B`, :math:`n` of them
    altogether, the value is [1]_

    .. math:: \sum_B \frac{|B|}{n} \, \Bigl| \frac{1}{|B|} \sum_{(i, j) \in B} y_{ij}
        - \frac{1}{|B|} \sum_{(i, j) \in B} p_{ij} \Bigr|.

    With thousands of labels, nearly all probabilities are near 0, and rightly so: without the
    restriction to the best labels the value would be near 0 for any classifier. For the same reason
    values at different `k` cannot be compared. In small samples it is above 0 for calibrated
    probabilities too.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
       Binning", AAAI 2015; Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
       Networks", ICML 2017.

    Examples
    --------
    >>> from skmlclf.metrics import expected_calibration_error
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_score = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.6, 0.1, 0.1]]
    >>> round(expected_calibration_error(y_true, y_score, k=2, n_bins=2), 3)
    0.125
    """
    curve = reliability_at_k_curve(y_true, y_score, k=k, n_bins=n_bins, sample_weight=sample_weight)
    distance = np.nan_to_num(np.abs(curve.share - curve.probability))
    return float(np.average(distance, weights=curve.weight))
