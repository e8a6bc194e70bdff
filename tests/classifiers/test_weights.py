import numpy as np
import pytest
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight

from skmlclf.classifiers._rows import Rows
from skmlclf.classifiers._targets import read_targets

Y = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])


def rows_of(targets, y, weight=None):
    """Rows without features, which weights do not look at."""
    return Rows(None, None, np.arange(len(y)), targets.encode(y), weight)


def weights_of(y, sample_weight=None, class_weight=None):
    targets = read_targets(y)
    factors = targets.class_factors(class_weight)
    return targets.loss_weights(rows_of(targets, y, sample_weight), factors)


def test_bias_is_the_log_odds_of_each_label():
    bias = weights_of(Y).bias
    np.testing.assert_allclose(bias[1], np.log(1 / 3))
    # Half an observation stands for what was not seen.
    np.testing.assert_allclose(bias[0], np.log(3.5 / 0.5))
    np.testing.assert_allclose(bias[2], -bias[0])
    assert np.isfinite(bias).all()


def test_weights_count_as_repetitions():
    weight = np.array([3.0, 1.0, 2.0, 1.0])
    repeated = weights_of(np.repeat(Y, weight.astype(int), axis=0))
    weighted = weights_of(Y, weight)
    np.testing.assert_allclose(weighted.bias, repeated.bias)
    np.testing.assert_allclose(weighted.rows, weight * 4 / 7)


def test_balanced_labels_start_undecided():
    weights = weights_of(Y, class_weight="balanced")
    negative, positive = weights.labels
    present = Y.sum(axis=0)
    np.testing.assert_allclose(weights.bias[[1, 3]], 0, atol=1e-12)
    np.testing.assert_allclose((positive * present)[[1, 3]], (negative * (4 - present))[[1, 3]])
    assert np.isfinite(weights.bias).all()


def test_one_weight_per_label():
    by_column = weights_of(Y, class_weight={1: 5.0, 3: 2.0})
    by_array = weights_of(Y, class_weight=[1.0, 5.0, 1.0, 2.0])
    for a, b in zip(by_column.labels, by_array.labels, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(by_array.bias[1], np.log(5 / 3))


@pytest.mark.parametrize("y", [[0, 1, 1, 1], [0, 1, 2, 2]])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5}])
def test_class_weights_are_those_of_scikit_learn(y, class_weight):
    y = np.array(y)
    if isinstance(class_weight, dict) and y.max() == 2:
        class_weight = {**class_weight, 2: 1.5}
    factors = compute_class_weight(class_weight, classes=np.unique(y), y=y)
    weights = weights_of(y, class_weight=class_weight)
    np.testing.assert_allclose(weights.rows, factors[y])
    assert weights.labels is None
    if class_weight == "balanced":
        np.testing.assert_allclose(weights.bias, weights.bias[0])


def test_the_best_constant_is_where_the_loss_has_no_gradient():
    weight = np.array([1.0, 2.0, 0.5, 4.0])
    weights = weights_of(Y, weight, class_weight=[1.0, 5.0, 1.0, 0.2])
    p = 1 / (1 + np.exp(-weights.bias))
    gradient = np.where(Y == 1, weights.labels[1] * (p - 1), weights.labels[0] * p)
    np.testing.assert_allclose(
        (weights.rows[:, None] * gradient).sum(axis=0)[[1, 3]], 0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ([1.0, 2.0], "each of the 4 labels"),
        ({7: 1.0}, "names the label 7"),
        ([1.0, -1.0, 1.0, 1.0], "not negative"),
        ([1.0, np.nan, 1.0, 1.0], "finite"),
    ],
)
def test_bad_class_weights(class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights_of(sparse.csr_matrix(Y), class_weight=class_weight)


@pytest.mark.parametrize("classes", [["a", "b"], ["0", "1", "2"]])
def test_weights_of_classes_do_not_depend_on_which_are_there(classes):
    targets = read_targets(classes)
    factors = targets.class_factors({classes[1]: 5.0})
    np.testing.assert_array_equal(factors, [1, 5, 1][: len(classes)])
    some = targets.loss_weights(rows_of(targets, [classes[0]] * 3), factors)
    np.testing.assert_array_equal(some.rows, 1)
    np.testing.assert_array_equal(targets.class_factors([1, 2, 3][: len(classes)])[:2], [1, 2])


@pytest.mark.parametrize("y", [["a", "b", "a", "a"], ["a", "b", "c", "a"]])
def test_balanced_classes_count_sample_weights_as_repetitions(y):
    weight = np.array([3, 1, 2, 1])
    targets = read_targets(y)
    weighted = targets.loss_weights(rows_of(targets, y, weight.astype(float)), "balanced")
    repeated = targets.loss_weights(rows_of(targets, np.repeat(y, weight)), "balanced")
    np.testing.assert_allclose(weighted.bias, repeated.bias)
    np.testing.assert_allclose(np.repeat(weighted.rows / weight, weight) * 7 / 4, repeated.rows)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ([-1, 1], "not negative"),
        ([np.nan, 1], "finite"),
        ({"a": np.inf}, "finite"),
        ([0, 0], "not zero for all"),
        ({"z": 1}, r"'z', expected some of \['a', 'b'\]"),
        ([1, 2, 3], "one weight for each of the 2"),
    ],
)
def test_bad_weights_of_classes(class_weight, message):
    with pytest.raises(ValueError, match=message):
        read_targets(["a", "b"]).class_factors(class_weight)


def test_weights_that_leave_nothing_are_refused():
    targets = read_targets(["a", "b"])
    with pytest.raises(ValueError, match="nothing to train on"):
        targets.loss_weights(rows_of(targets, ["a", "a"]), np.array([0.0, 1.0]))
    for size in (1e308, 1e-320):
        with pytest.raises(ValueError, match="sample_weight must have a sum"):
            targets.loss_weights(rows_of(targets, ["a", "b"], np.full(2, size)), None)


def test_after_a_few_rows_labels_not_seen_weigh_no_more_than_those_seen():
    y = np.zeros((5, 1000), dtype=int)
    y[:, :3] = 1
    y[0, 3:8] = 1
    p = 1 / (1 + np.exp(-weights_of(y).bias))
    assert p[8:].max() < 0.01
    seen = p[:8].sum()
    np.testing.assert_allclose(seen, 4, rtol=0.2)
    assert p[8:].sum() <= 1.1 * seen


def test_rows_of_later_calls_count_in_the_bias():
    targets = read_targets(Y)
    first = targets.loss_weights(rows_of(targets, Y[:1]), None)
    both = targets.loss_weights(rows_of(targets, Y[1:]), None, first.counts)
    np.testing.assert_allclose(both.bias, weights_of(Y).bias)
    np.testing.assert_array_equal(both.counts.present, Y.sum(axis=0))
