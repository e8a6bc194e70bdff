"""Temperature scaling of probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from skmlclf.thresholds._cuts import Floats, are_stored

# Logits of float32 probabilities are in this range.
_LARGEST_LOGIT = 16.0
_LARGEST = 1 - 1e-7
_N_BINS = 4096
_LOG_RANGE = np.log(0.1), np.log(10.0)


def fit_temperature(
    scores: sparse.csr_matrix, y: sparse.csr_matrix, sample_weight: Floats | None = None
) -> float:
    r"""Return the temperature that maximises the likelihood of kept probabilities.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        Probabilities, as :func:`kept_scores` returns them, of rows that were not trained on.
    y : csr_matrix of shape (n_samples, n_labels)
        True labels.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        From 0.1 to 10; 1 where nothing, or everything, that was kept is true. Above 1 the
        probabilities are overconfident.

    Notes
    -----
    The temperature :math:`T` minimises the binary cross-entropy of
    :math:`\sigma(\mathrm{logit}(p) / T)`, the mean over the kept labels [1]_. Logits are rounded
    to 4,096 values for it.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Examples
    --------
    >>> from scipy import sparse
    >>> from skmlclf.thresholds import fit_temperature
    >>> scores = sparse.csr_matrix([[0.99, 0.01], [0.99, 0.01], [0.99, 0.01]])
    >>> fit_temperature(scores, sparse.csr_matrix([[1, 0], [1, 1], [0, 0]])) > 1
    True
    """
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    hits = are_stored(y, rows, scores.indices)
    if hits.all() or not hits.any():
        return 1.0
    weights = np.ones(len(rows)) if sample_weight is None else sample_weight[rows]
    step = 2 * _LARGEST_LOGIT / (_N_BINS - 1)
    bins = np.rint((_logits(scores.data) + _LARGEST_LOGIT) / step).astype(np.intp)
    present = np.bincount(bins, weights * hits, minlength=_N_BINS)
    total = np.bincount(bins, weights, minlength=_N_BINS)
    logits = np.arange(_N_BINS) * step - _LARGEST_LOGIT

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(total @ np.logaddexp(0, scaled) - present @ scaled)

    found = minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def with_temperature(probabilities: NDArray[np.floating], temperature: float) -> NDArray[Any]:
    r"""Return :math:`\sigma(\mathrm{logit}(p) / T)`.

    Parameters
    ----------
    probabilities : ndarray
        Of any shape.
    temperature : float
        As :func:`fit_temperature` returns it.

    Returns
    -------
    ndarray
        Of the same shape and dtype, in the same order within float rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlclf.thresholds import with_temperature
    >>> with_temperature(np.array([0.02, 0.5, 0.98]), 2.0).round(3)
    array([0.125, 0.5  , 0.875])
    """
    if temperature == 1:
        return probabilities
    scaled = expit(_logits(probabilities) / temperature)
    return np.asarray(scaled, dtype=probabilities.dtype)


def scores_to_decide_by(
    scores: sparse.csr_matrix, temperature: float, *, nonempty: bool
) -> sparse.csr_matrix:
    r"""Return kept probabilities at a temperature, given that each row has a label.

    Parameters
    ----------
    scores : csr_matrix of shape (n_samples, n_labels)
        As :func:`kept_scores` returns them.
    temperature : float
        As :func:`fit_temperature` returns it.
    nonempty : bool
        Whether each row is known to have a label.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels)

    Notes
    -----
    Independent labels of probabilities :math:`p_j`, at least one of which is there, have the
    probabilities :math:`p_j / (1 - \prod_l (1 - p_l))`. Of a row whose labels are certain they are
    the same; those of a row without a likely label rise.

    Examples
    --------
    >>> from scipy import sparse
    >>> from skmlclf.thresholds import scores_to_decide_by
    >>> scores = sparse.csr_matrix([[0.99, 0.1], [0.1, 0.1]])
    >>> scores_to_decide_by(scores, 1.0, nonempty=True).toarray().round(3)
    array([[0.999, 0.101],
           [0.526, 0.526]])
    """
    if temperature == 1 and not nonempty:
        return scores
    values = with_temperature(scores.data, temperature)
    if nonempty:
        none = np.zeros(scores.shape[0])
        filled = np.flatnonzero(np.diff(scores.indptr))
        if len(filled):
            absent = np.log1p(-np.minimum(values.astype(np.float64), _LARGEST))
            none[filled] = np.add.reduceat(absent, scores.indptr[filled])
        some = np.repeat(-np.expm1(none), np.diff(scores.indptr))
        values = np.divide(values, some, out=np.zeros(len(some)), where=some > 0)
    return sparse.csr_matrix((values, scores.indices, scores.indptr), shape=scores.shape)


def _logits(probabilities: NDArray[np.floating]) -> Floats:
    with np.errstate(divide="ignore"):
        logits = logit(probabilities.astype(np.float64))
    return np.asarray(np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT))
