"""Targets and ids: what records hold of them, and what a user passes to be written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse


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


def check_ids(ids: Sequence[str] | None, n_rows: int) -> list[bytes]:
    """Check ids, and encode them; number the rows if there are none."""
    names = [str(i) for i in range(n_rows)] if ids is None else list(ids)
    if len(names) != n_rows:
        raise ValueError(
            f"Expected one id for each of {n_rows} rows. Received {len(names)}. Pass ids of the "
            "same rows as X."
        )
    for row, name in enumerate(names):
        if not isinstance(name, str) or name.endswith("\0") or not _is_text(name):
            raise ValueError(
                "Expected ids to be strings of Unicode characters that do not end in a null. "
                f"Received {name!r} for row {row}. Convert it with str, or leave out ids to number "
                "the rows."
            )
    return [name.encode() for name in names]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def check_labels(y: Any, n_rows: int) -> csr_matrix:
    """Check that a target holds 0 and 1 of so many rows, and return it without stored zeros."""
    if not issparse(y):
        y = np.asarray(y)
        if y.ndim != 2:
            raise ValueError(
                "Expected y of shape (n_samples, n_labels) with 1 where a row has a label. "
                f"Received {y.ndim} dimensions. Convert it with LabelBinarizer or "
                "MultiLabelBinarizer."
            )
    labels = csr_matrix(y, copy=True)
    if labels.shape[0] != n_rows:
        raise ValueError(
            f"Expected y to have the {n_rows} rows of X. Received {labels.shape[0]}. Pass labels "
            "of the same rows."
        )
    other = labels.data[~np.isin(labels.data, [0, 1])]
    if len(other):
        raise ValueError(
            f"Expected y to hold 0 and 1. Received {other[0]}. Convert it to an indicator of "
            "labels first."
        )
    labels.eliminate_zeros()
    labels.sum_duplicates()
    return labels
