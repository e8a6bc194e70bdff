import numpy as np
import pytest
import tensorflow as tf

from skmlclf.training._best_columns import best_columns


def best(values, k):
    found = best_columns(tf.constant(values, tf.float32), tf.constant(k))
    return tuple(part.numpy() for part in found)


@pytest.mark.parametrize("n_columns", [1, 15, 16, 17, 100, 333])
@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_best_columns_are_those_of_a_stable_sort(n_columns, levels):
    values = np.random.default_rng(0).integers(0, levels, (20, n_columns)).astype(np.float32)
    order = np.argsort(-values, axis=1, kind="stable")
    for k in {1, min(7, n_columns), max(1, n_columns // 2), n_columns}:
        found, columns = best(values, k)
        np.testing.assert_array_equal(columns, order[:, :k])
        np.testing.assert_array_equal(found, np.take_along_axis(values, order[:, :k], axis=1))


def test_best_columns_of_infinite_rows_are_columns():
    values = np.full((3, 18), -np.inf, np.float32)
    values[1, 17], values[2] = np.inf, np.nan
    _, columns = best(values, 18)
    np.testing.assert_array_equal(columns[0], np.arange(18))
    np.testing.assert_array_equal(columns[1], [17, *range(17)])
    assert columns.max() == 17


def test_best_columns_without_rows():
    found, columns = best(np.zeros((0, 40)), 3)
    assert found.shape == columns.shape == (0, 3)
