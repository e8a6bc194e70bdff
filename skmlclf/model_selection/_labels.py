"""Reading the labels to stratify by."""

from typing import Any

import scipy.sparse as sp

from skmlclf._indicator import read_indicator


def read_labels(y: Any, name: str) -> sp.csr_matrix:
    """Read a 0/1 label matrix, and send one class per row to scikit-learn."""
    shape = getattr(y, "shape", ())
    if len(shape) == 1:
        raise ValueError(
            f"{name} must be a 0/1 indicator of shape (n_samples, n_labels), got shape {shape}. For"
            " one class per row, use scikit-learn's StratifiedKFold, StratifiedShuffleSplit or"
            " train_test_split."
        )
    return read_indicator(y, name)
