"""The rules that "auto" stands for."""

import numpy as np
import pytest

from skmlclf import BaseMLPClassifier, DeepMLPClassifier
from skmlclf.classifiers._defaults import (
    MAX_EPOCHS,
    MIN_EPOCHS,
    MIN_STEPS,
    resolve_batch_size,
    resolve_epochs,
    resolve_feature_groups,
)

ROWS = [1, 2, 50, 300, 1000, 4352, 4353, 27680, 10**6]


@pytest.mark.parametrize("n_rows", ROWS)
def test_epochs_make_enough_steps_and_no_more_than_needed(n_rows):
    batch_size = resolve_batch_size("auto", n_rows)
    assert 1 <= batch_size <= min(n_rows, 256)
    epochs = resolve_epochs("auto", n_rows, batch_size)
    per_epoch = -(-n_rows // batch_size)
    assert MIN_EPOCHS <= epochs <= MAX_EPOCHS
    assert epochs in (MAX_EPOCHS, MIN_EPOCHS) or 0 <= epochs * per_epoch - MIN_STEPS < per_epoch


def test_numbers_are_taken_as_they_are():
    assert resolve_epochs(3, 10, 10) == 3
    assert resolve_batch_size(512, 10**4) == 512
    assert resolve_batch_size(512, 100) == 100


def test_feature_groups():
    assert resolve_feature_groups("auto", 1152) == (1024, 128)
    assert resolve_feature_groups("auto", 128) == ()
    assert resolve_feature_groups(None, 1152) == ()
    assert resolve_feature_groups([3, 2], 5) == (3, 2)


@pytest.mark.parametrize(
    ("groups", "message"),
    [((3, 3), "widths of 6 features, but X has 5"), ((5, 0), "positive ints"), ((), "positive")],
)
def test_groups_that_do_not_cover_the_features_are_refused(groups, message):
    clf = DeepMLPClassifier(4, feature_groups=groups)
    with pytest.raises(ValueError, match=message):
        clf.fit(np.ones((4, 5)), np.eye(4, dtype=int))
    assert not hasattr(clf, "model_")


def test_a_fit_runs_the_epochs_of_the_rule():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((130, 5)), rng.integers(0, 2, (130, 3))
    clf = BaseMLPClassifier(4).fit(X, y)
    assert clf.n_iter_ == resolve_epochs("auto", 130, resolve_batch_size("auto", 130))
