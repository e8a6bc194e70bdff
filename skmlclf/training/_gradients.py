"""Gradients of a dense layer by the means that are fast, and exact, on a CPU."""

from typing import Any

import tensorflow as tf

from skmlclf.training._hardware import has_accelerator

FAST_GRADIENTS = {
    "float32": {"MatMul": "SkmlclfMatMul", "BiasAdd": "SkmlclfBiasAdd"},
    "bfloat16": {"BiasAdd": "SkmlclfBiasAdd"},
}
"""By precision, the gradients that are faster on a processor, or more exact."""
# Of what TensorFlow has no gradient that is right here.
_GRADIENTS = {"CollectiveReduceV2": "SkmlclfAllReduce"}


def gradients_for(precision: str) -> dict[str, str]:
    """Return which gradients stand in for TensorFlow's own on this machine.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        Of the network.

    Returns
    -------
    dict of str to str
        What ``tf.Graph.gradient_override_map`` takes. An accelerator has faster kernels of its own.
    """
    return _GRADIENTS if has_accelerator() else {**_GRADIENTS, **FAST_GRADIENTS[precision]}


@tf.RegisterGradient("SkmlclfMatMul")  # type: ignore[untyped-decorator]  # no types in TensorFlow
def _matmul_gradient(operation: Any, upstream: Any) -> tuple[Any, Any]:
    r"""Gradients of :math:`XW`: :math:`(W G^\mathsf{T})^\mathsf{T}` and :math:`X^\mathsf{T} G`.

    TensorFlow's own gradient takes the first as :math:`G W^\mathsf{T}`. In single precision that
    product takes up to twice as long for batches of 64 and 128 rows, and as long from 256 on.
    """
    inputs, kernel = operation.inputs
    transposed = operation.get_attr("transpose_a"), operation.get_attr("transpose_b")
    if transposed == (False, False):
        by_inputs = tf.transpose(tf.matmul(kernel, upstream, transpose_b=True))
        return by_inputs, tf.matmul(inputs, upstream, transpose_a=True)
    if transposed == (False, True):
        return tf.matmul(upstream, kernel), tf.matmul(upstream, inputs, transpose_a=True)
    if transposed == (True, False):
        return tf.matmul(kernel, upstream, transpose_b=True), tf.matmul(inputs, upstream)
    return (
        tf.matmul(kernel, upstream, transpose_a=True, transpose_b=True),
        tf.matmul(upstream, inputs, transpose_a=True, transpose_b=True),
    )


@tf.RegisterGradient("SkmlclfBiasAdd")  # type: ignore[untyped-decorator]  # no types in TensorFlow
def _bias_gradient(operation: Any, upstream: Any) -> tuple[Any, Any]:
    """Gradients of adding a bias: that of the sum, and the sums of its columns.

    TensorFlow's own gradient adds up bfloat16 in bfloat16, which loses what is small beside the
    sum so far: a tenth of it over some hundred rows. A reduction adds up in single precision, in
    two thirds of the time.
    """
    axes = list(range(upstream.shape.rank))
    # Channels stand last, or second.
    del axes[1 if operation.get_attr("data_format") == b"NCHW" else -1]
    return upstream, tf.reduce_sum(upstream, axis=axes)
