import numpy as np
import tensorflow as tf

from skmlclf.training._gradients import FAST_PRODUCTS


def test_slopes_of_a_product_are_those_of_tensorflow():
    rng = np.random.default_rng(0)
    x, kernel, upstream = (
        tf.constant(rng.standard_normal(shape)) for shape in ((4, 3), (3, 5), (4, 5))
    )

    def slopes(overrides):
        @tf.function
        def run():
            with tf.compat.v1.get_default_graph().gradient_override_map(overrides):
                product = tf.matmul(x, kernel)
            return tf.gradients(product, [x, kernel], grad_ys=upstream)

        operations = {op.type for op in run.get_concrete_function().graph.get_operations()}
        return run(), operations

    expected, plain = slopes({})
    found, overridden = slopes(FAST_PRODUCTS)
    assert "Transpose" in overridden - plain
    for ours, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), reference.numpy(), rtol=1e-13)
