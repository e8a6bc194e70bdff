import numpy as np
import pytest
import tensorflow as tf

from skmlclf.training import _gradients
from skmlclf.training._gradients import FAST_GRADIENTS, gradients_for


def gradients(overrides, dtype, *arrays):
    @tf.function
    def run(x, kernel, bias, upstream):
        with tf.compat.v1.get_default_graph().gradient_override_map(overrides):
            out = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        return tf.gradients(out, [x, kernel, bias], grad_ys=upstream)

    tensors = [tf.constant(array, dtype) for array in arrays]
    operations = {op.type for op in run.get_concrete_function(*tensors).graph.get_operations()}
    return [tf.cast(gradient, tf.float64).numpy() for gradient in run(*tensors)], operations


@pytest.mark.parametrize("precision", FAST_GRADIENTS)
def test_gradients_of_a_layer_are_those_of_tensorflow(precision):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in ((4, 3), (3, 5), (5,), (4, 5))]
    expected, plain = gradients({}, tf.float64, *arrays)
    found, overridden = gradients(FAST_GRADIENTS[precision], tf.float64, *arrays)
    assert "BiasAddGrad" in plain - overridden
    for ours, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-13)


def test_gradients_of_a_bias_are_added_up_in_single_precision():
    rng = np.random.default_rng(0)
    upstream = np.abs(rng.standard_normal((512, 50)))
    upstream = tf.cast(tf.constant(upstream, tf.bfloat16), tf.float64).numpy()
    arrays = (np.zeros((512, 2)), np.zeros((2, 50)), np.zeros(50), upstream)
    found, _ = gradients(FAST_GRADIENTS["bfloat16"], tf.bfloat16, *arrays)
    # Half a unit of bfloat16's eight bits: the result is rounded once.
    np.testing.assert_allclose(found[2], upstream.sum(axis=0), rtol=2.0**-8)


@pytest.mark.parametrize("precision", FAST_GRADIENTS)
def test_an_accelerator_keeps_its_own_gradients(monkeypatch, precision):
    fast = FAST_GRADIENTS[precision]
    assert fast.items() <= gradients_for(precision).items()
    monkeypatch.setattr(_gradients, "has_accelerator", lambda: True)
    assert not fast.keys() & gradients_for(precision).keys()
