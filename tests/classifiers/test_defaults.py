"""The rules that "auto" stands for."""

import numpy as np
import pytest

from skmlclf import BaseMLPClassifier, DeepMLPClassifier
from skmlclf.classifiers._defaults import (
    MAX_EPOCHS,
    MIN_EPOCHS,
    resolve_batch_size,
    resolve_epochs,
    resolve_feature_groups,
)

ROWS = [1, 2, 50, 300, 1000, 4352, 4353, 27680, 10**6]


@pytest.mark.parametrize("min_epochs", [6, MIN_EPOCHS])
@pytest.mark.parametrize("n_rows", ROWS)
def test_epochs_make_enough_steps_and_no_more_than_needed(n_rows, min_epochs):
    batch_size = resolve_batch_size("auto", n_rows)
    assert 1 <= batch_size <= min(n_rows, 256)
    epochs = resolve_epochs("auto", n_rows, batch_size, min_epochs)
    per_epoch = -(-n_rows // batch_size)
    assert min_epochs <= epochs <= MAX_EPOCHS
    excess = epochs * per_epoch - 100 * min_epochs
    assert epochs in (MAX_EPOCHS, min_epochs) or 0 <= excess < per_epoch


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


@pytest.mark.parametrize(("make", "min_epochs"), [(BaseMLPClassifier, 6), (DeepMLPClassifier, 8)])
def test_a_fit_runs_the_epochs_of_the_rule(make, min_epochs):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1300, 5)), rng.integers(0, 2, (1300, 3))
    batch_size = resolve_batch_size("auto", 1300)
    expected = resolve_epochs("auto", 1300, batch_size, min_epochs)
    assert expected < MAX_EPOCHS
    assert make(4).fit(X, y).n_iter_ == expected
