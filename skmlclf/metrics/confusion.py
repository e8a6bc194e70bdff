"""Which label is predicted in place of which, as a sparse labels x labels matrix."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from skmlclf.metrics._inputs import LabelPairs, checked, read_weights
from skmlclf.metrics.decisions import common, read_both


@checked()
def label_confusion_matrix(
    y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None
) -> sp.csr_array:
    """Count how often each label was predicted in place of each other label.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_pred : {array-like, sparse} of shape (n_samples, n_labels)
        The true and the predicted labels, entries 0 or 1. Any scipy sparse format will do, also
        one dense and one sparse.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_labels, n_labels)
        Entry ``(a, b)`` says how often ``b`` was predicted where ``a`` was true; the diagonal
        counts what was right.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is not 0 or 1.

    See Also
    --------
    multilabel_confusion_matrix : Right and wrong decisions of each label by itself.

    Notes
    -----
    A row with one true and one predicted label adds 1 where they meet, as in
    :func:`sklearn.metrics.confusion_matrix`. With several of each, labels that are both true and
    predicted add 1 to the diagonal. What remains are the missed labels and the wrong ones: each
    missed label was replaced by the wrong ones in equal parts, so it adds ``1 / n_wrong`` to
    the column of each.

    A row of the matrix therefore sums to the number of times that its label was recognised or
    replaced. A label missed where nothing wrong was predicted, and a wrong label where nothing
    was missed, are no confusion of two labels and appear in no entry; they are the rest of what
    :func:`multilabel_confusion_matrix` counts.

    Examples
    --------
    >>> from skmlclf.metrics import label_confusion_matrix
    >>> y_true = [[1, 0, 1, 0], [0, 1, 0, 0]]
    >>> y_pred = [[1, 1, 0, 1], [0, 1, 0, 0]]
    >>> label_confusion_matrix(y_true, y_pred).toarray()
    array([[1. , 0. , 0. , 0. ],
           [0. , 1. , 0. , 0. ],
           [0. , 0.5, 0. , 0.5],
           [0. , 0. , 0. , 0. ]])
    """
    true, predicted = read_both(y_true, y_pred)
    n_samples, n_labels = true.shape
    weights = read_weights(sample_weight, n_samples)
    row_weights = np.ones(n_samples) if weights is None else weights
    diagonal = np.zeros(n_labels)
    confused = sp.csr_array((n_labels, n_labels))
    for start, stop in true.blocks():
        t, p = true.read(start, stop), predicted.read(start, stop)
        block_weights = row_weights[start:stop]
        right = LabelPairs(common(t, p), t.shape)
        missed = LabelPairs(np.setdiff1d(t.flat, right.flat, assume_unique=True), t.shape)
        wrong = LabelPairs(np.setdiff1d(p.flat, right.flat, assume_unique=True), t.shape)
        diagonal += np.bincount(right.columns, block_weights[right.rows], minlength=n_labels)
        shares = block_weights[wrong.rows] / wrong.row_counts[wrong.rows]
        confused += missed.to_csr().T @ wrong.to_csr(shares)
    confused = sp.csr_array(confused + sp.diags_array(diagonal, format="csr"))
    confused.eliminate_zeros()
    confused.sort_indices()
    return confused
