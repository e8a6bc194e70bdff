"""Targets from the label ids of records."""

import numpy as np
from scipy.sparse import csr_matrix


def make_target(labels: np.ndarray, counts: np.ndarray, n_labels: int) -> csr_matrix:
    """Return an indicator of labels, which are given of one row after the other."""
    target = csr_matrix(
        (np.ones(len(labels), dtype=np.int64), labels, np.concatenate([[0], np.cumsum(counts)])),
        shape=(len(counts), n_labels),
    )
    target.sum_duplicates()
    target.data[:] = 1  # a label listed twice is still one label
    return target


def check_labelled(n_labels: dict[str, int]) -> None:
    """Check that no file is without labels beside files with labels."""
    without = [file for file, n in n_labels.items() if n == 0]
    if without and len(without) < len(n_labels):
        raise ValueError(
            f"Expected labels in every file. Received {without[0]!r}, in which no record has a "
            f"label, as in a test split (so it is with {len(without)} of {len(n_labels)} files). "
            "Leave such files out of paths, or load them by themselves, with labels_feature=None "
            "if their labels are withheld."
        )
