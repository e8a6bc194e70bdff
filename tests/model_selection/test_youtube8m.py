"""The splits of real videos, beside random ones."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit

from skmlclf.datasets import load_tfrecords
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def y():
    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if not folder:
        pytest.skip("SKMLCLF_YT8M_DIR is not set: no YouTube-8M files to read")
    return load_tfrecords(Path(folder) / "train" / "*.tfrecord").target


def counts_on_both_sides(cv, y):
    for train, test in cv.split(np.zeros(y.shape[0]), y):
        yield tuple(
            np.asarray(y[rows].sum(axis=0, dtype=np.int64)).ravel() for rows in (train, test)
        )


def deviation(cv, y):
    """How far the counts of a label on the test side are from its share, in rows on average."""
    share = 1 / cv.n_splits if hasattr(cv, "shuffle") else cv.test_size
    return np.mean(
        [
            np.abs(test - share * (train + test)).mean()
            for train, test in counts_on_both_sides(cv, y)
        ]
    )


def test_folds(y):
    cv = MultilabelStratifiedKFold(5, shuffle=True, random_state=0)
    missing = 0
    for train, test in counts_on_both_sides(cv, y):
        total = train + test
        assert (train[total >= 2] > 0).all()
        missing += ((test == 0) & (total >= 5)).sum()
        common = total >= 100
        assert np.abs(test - total / 5)[common].max() < 4
    assert missing <= 2  # of 1,557 labels, whose rows are not free of one another
    assert deviation(cv, y) < 0.45 * deviation(KFold(5, shuffle=True, random_state=0), y)


def test_one_split(y):
    cv = MultilabelStratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    for train, test in counts_on_both_sides(cv, y):
        twice = train + test >= 2
        assert (train[twice] > 0).all()
        assert (test[twice] > 0).all()
    assert deviation(cv, y) < 0.45 * deviation(ShuffleSplit(1, test_size=0.2, random_state=0), y)
