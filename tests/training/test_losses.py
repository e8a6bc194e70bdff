import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from skmlclf.training.losses import BinaryCrossentropy, CategoricalCrossentropy

sigmoid_cross_entropy = BinaryCrossentropy().value_and_gradient
softmax_cross_entropy = CategoricalCrossentropy().value_and_gradient


def dense_reference(z, y, row_weight, w_neg, w_pos):
    """Binary cross-entropy and its gradient in float64, from the definition."""
    weight = row_weight[:, None] * np.where(y == 1, w_pos, w_neg)
    loss = np.logaddexp(0, z) - z * y
    gradient = 1 / (1 + np.exp(-z)) - y
    return (weight * loss).sum(), weight * gradient


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_sigmoid_cross_entropy_equals_the_dense_one(dtype, scale, weighted):
    rng = np.random.default_rng(0)
    z = (scale * rng.standard_normal((40, 30))).astype(dtype)
    y = (rng.random(z.shape) < 0.1).astype(int)
    y[3], y[4] = 1, 0
    row_weight = rng.random(40).astype(dtype)
    w_neg, w_pos = rng.random((2, 30)).astype(dtype) + 0.5
    expected, gradient = dense_reference(
        z.astype("float64"), y, row_weight, *((w_neg, w_pos) if weighted else (1.0, 1.0))
    )
    rows, cols = (a.astype(np.int32) for a in np.nonzero(y))
    loss, found = sigmoid_cross_entropy(
        tf.constant(z),
        tf.constant(rows),
        tf.constant(cols),
        tf.constant(row_weight),
        (tf.constant(w_neg), tf.constant(w_pos)) if weighted else None,
    )
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(found.numpy(), gradient, rtol=1e-5, atol=1e-6)


def test_one_weight_for_all_rows_is_that_weight_for_each():
    rng = np.random.default_rng(0)
    z = tf.constant(rng.standard_normal((6, 5)), tf.float32)
    pairs = tf.constant([0, 2, 5]), tf.constant([1, 4, 0])
    each = sigmoid_cross_entropy(z, *pairs, tf.fill([6], 0.25))
    once = sigmoid_cross_entropy(z, *pairs, tf.constant(0.25))
    np.testing.assert_allclose(once[0].numpy(), each[0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(once[1].numpy(), each[1].numpy())
    classes = tf.range(6), tf.constant([0, 1, 2, 3, 4, 0])
    each = softmax_cross_entropy(z, *classes, tf.fill([6], 0.25))
    once = softmax_cross_entropy(z, *classes, tf.constant(0.25))
    np.testing.assert_allclose(once[0].numpy(), each[0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(once[1].numpy(), each[1].numpy())


def test_sigmoid_cross_entropy_keeps_tiny_losses():
    # A sum over all labels less the sum over the positives would round this to zero.
    z = tf.constant(np.array([[20.0, -20.0]], dtype=np.float32))
    loss, _ = sigmoid_cross_entropy(z, tf.constant([0]), tf.constant([0]), tf.constant([1.0]))
    np.testing.assert_allclose(loss.numpy(), 2 * np.log1p(np.exp(-20.0)), rtol=1e-5)


def test_sigmoid_cross_entropy_without_positives():
    z = tf.zeros((2, 3))
    none = tf.zeros(0, tf.int32)
    loss, _ = sigmoid_cross_entropy(z, none, none, tf.ones(2))
    np.testing.assert_allclose(loss.numpy(), 6 * np.log(2), rtol=1e-6)


def test_softmax_cross_entropy():
    rng = np.random.default_rng(0)
    z, classes, weight = rng.standard_normal((9, 4)), rng.integers(0, 4, 9), rng.random(9)
    loss, gradient = softmax_cross_entropy(
        tf.constant(z), tf.range(9), tf.constant(classes.astype(np.int32)), tf.constant(weight)
    )
    log_p = log_softmax(z, axis=1)
    expected = -(weight * log_p[np.arange(9), classes]).sum()
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(
        gradient.numpy(), weight[:, None] * (np.exp(log_p) - np.eye(4)[classes]), atol=1e-12
    )
