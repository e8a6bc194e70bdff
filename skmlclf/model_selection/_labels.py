"""Reading the labels to stratify by."""

from typing import Any

import numpy as np
import scipy.sparse as sp


def read_indicator(y: Any, name: str) -> sp.csr_matrix:
    """Read a 0/1 label matrix.

    Parameters
    ----------
    y : array-like or sparse of shape (n_samples, n_labels)
        Entries 0 or 1. A sparse `y` may hold stored zeros, unsorted indices and duplicates; a pair
        that is stored twice is one label. It is not changed.
    name : str
        What error messages call it.

    Returns
    -------
    csr_matrix of shape (n_samples, n_labels), dtype uint8
        In canonical form.

    Raises
    ------
    ValueError
        If `y` is not 2-d or holds other values than 0 and 1.
    """
    # Through coordinates, the one format that adds nothing up.
    if not sp.issparse(y):
        y = np.asarray(y)
        if y.dtype.kind == "O":
            y = y.astype(np.float64)
    if len(y.shape) != 2:
        raise ValueError(
            f"{name} must be a 0/1 indicator of shape (n_samples, n_labels), got shape {y.shape}. "
            "For one class per row, use scikit-learn's StratifiedKFold, StratifiedShuffleSplit or "
            "train_test_split; for lists of labels, sklearn.preprocessing.MultiLabelBinarizer."
        )
    coo = y.tocoo() if sp.issparse(y) else sp.coo_matrix(y)
    present = coo.data != 0
    if (coo.data[present] != 1).any():
        wrong = coo.data[present][coo.data[present] != 1][0]
        raise ValueError(f"{name} must hold only 0 and 1, got {wrong!r}.")
    pairs = (coo.row[present], coo.col[present])
    indicator = sp.csr_matrix((np.ones(len(pairs[0]), dtype=bool), pairs), shape=y.shape)
    indicator.sum_duplicates()
    return indicator.astype(np.uint8)
