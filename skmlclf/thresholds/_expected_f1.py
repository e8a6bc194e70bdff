"""The number of labels that is best for a row, under independent probabilities."""

import numpy as np
from numpy.typing import NDArray

# Nodes of the quadrature: more of them change the expectation by less than rounding, since the
# integrand is a smooth polynomial.
_N_NODES = 32
_BLOCK_ROWS = 512


def best_number_of_labels(
    probabilities: NDArray[np.floating], indptr: NDArray[np.integer], max_labels: int
) -> NDArray[np.intp]:
    r"""Return how many of its best labels give each row the highest expected F1.

    Parameters
    ----------
    probabilities : ndarray of shape (n_kept,)
        Of the kept labels of all rows, row after row, the best of each first.
    indptr : ndarray of shape (n_samples + 1,)
        Where each row starts, with the end appended.
    max_labels : int
        The most that a row may get.

    Returns
    -------
    ndarray of shape (n_samples,)
        At least 1, or 0 where no label was kept.

    Notes
    -----
    With independent labels of probabilities :math:`p_i` and :math:`S` true ones among them, the
    first :math:`m` are expected to have the F1

    .. math:: F(m) = \sum_{i \le m} E \frac{2 y_i}{m + S}
        = 2 \int_0^1 u^{m-1} G(u) \sum_{i \le m} \frac{p_i u}{1 - p_i + p_i u} \, du,
        \qquad G(u) = \prod_l (1 - p_l + p_l u),

    from :math:`1 / (m + S) = \int_0^1 u^{m + S - 1} du`; for given probabilities the best set of
    :math:`m` labels are the :math:`m` most probable. The integral is computed by Gauss-Legendre
    quadrature.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    u, weights = 0.5 * (nodes + 1), 0.5 * weights
    best = np.zeros(len(indptr) - 1, dtype=np.intp)
    for start in range(0, len(best), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(best))
        p, sizes = _as_rows(probabilities, indptr[start : stop + 1])
        depth = min(p.shape[1], max_labels)
        generating = np.ones((len(p), _N_NODES))
        for label in range(p.shape[1]):
            generating *= 1 - p[:, label, None] * (1 - u)
        found = np.zeros_like(generating)
        expected = np.full((len(p), depth), -1.0)
        for label in range(depth):
            found += p[:, label, None] * u / (1 - p[:, label, None] * (1 - u))
            expected[:, label] = (generating * found) @ (weights * u**label)
        expected[np.arange(depth) >= sizes[:, None]] = -1
        if depth:
            best[start:stop] = np.where(sizes > 0, expected.argmax(axis=1) + 1, 0)
    return best


def _as_rows(
    values: NDArray[np.floating], indptr: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Return values row by row, filled up with zeros, and how many each row has."""
    sizes = np.diff(indptr)
    rows = np.zeros((len(sizes), int(sizes.max(initial=0))))
    rows[np.arange(rows.shape[1]) < sizes[:, None]] = values[indptr[0] : indptr[-1]]
    return rows, sizes
