"""Cross-entropies from logits and label ids, without a target matrix of the data's size."""

from typing import Any

import tensorflow as tf


def sigmoid_cross_entropy(
    logits: Any,
    rows: Any,
    cols: Any,
    row_weight: Any,
    negative_weight: Any = None,
    positive_weight: Any = None,
) -> tuple[Any, Any]:
    r"""Sum the binary cross-entropies of every row and label.

    With :math:`s_{ij} = -1` where row `i` has label `j` and :math:`+1` elsewhere,

    .. math:: \sum_i w_i \sum_j \omega_{ij}\, \mathrm{softplus}(s_{ij} z_{ij}),

    which is the binary cross-entropy of the sigmoid of `z`, exact for logits of any size: no
    difference of large numbers is taken. Only the positives are stored.

    Parameters
    ----------
    logits : tensor of shape (n_rows, n_labels), float32
        Scores before the sigmoid.
    rows, cols : tensors of shape (n_positives,), int32
        Row and label of every positive, each pair once.
    row_weight : tensor of shape (n_rows,) or scalar tensor, float32
        Factor of each row, or of all.
    negative_weight, positive_weight : tensors of shape (n_labels,), float32, or None
        Factors of each label's terms where it is absent and present.

    Returns
    -------
    total : scalar tensor
        The weighted sum.
    slope : tensor of shape (n_rows, n_labels)
        Its gradient by the logits. Returned, not registered with TensorFlow, whose registry of
        gradients keeps for ever what each trace adds to it.
    """
    pairs = tf.stack([rows, cols], axis=1)
    signed = _flip(logits, pairs)
    terms = _weigh(_softplus(signed), pairs, cols, negative_weight, positive_weight)
    slope = _flip(tf.sigmoid(signed), pairs)
    slope = _weigh(slope, pairs, cols, negative_weight, positive_weight)
    if row_weight.shape.rank:
        # A product with the weights sums the rows in one pass.
        total = tf.reduce_sum(tf.linalg.matvec(terms, row_weight, transpose_a=True))
    else:
        total = tf.reduce_sum(terms) * row_weight
    return total, slope * _by_row(row_weight)


def softmax_cross_entropy(logits: Any, rows: Any, cols: Any, row_weight: Any) -> tuple[Any, Any]:
    """Sum the cross-entropies of the softmax, where every row has exactly one class.

    Parameters
    ----------
    logits : tensor of shape (n_rows, n_classes), float32
        Scores before the softmax.
    rows, cols : tensors of shape (n_rows,), int32
        Row and class; the rows are in order.
    row_weight : tensor of shape (n_rows,) or scalar tensor, float32
        Factor of each row, or of all.

    Returns
    -------
    total : scalar tensor
        The weighted sum.
    slope : tensor of shape (n_rows, n_classes)
        Its gradient by the logits.
    """
    terms, slope = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=cols)
    return tf.reduce_sum(terms * row_weight), slope * _by_row(row_weight)


def _by_row(row_weight: Any) -> Any:
    """Let the weights multiply a matrix of rows; one for all does so as it is."""
    return row_weight[:, tf.newaxis] if row_weight.shape.rank else row_weight


def _softplus(values: Any) -> Any:
    """Compute log(1 + exp(x)), in two thirds of the time of TensorFlow's own."""
    # Below the bound the exponential is finite; far above 1 the softplus is x itself.
    return tf.maximum(tf.math.log1p(tf.exp(tf.minimum(values, 80.0))), values)


def _flip(values: Any, pairs: Any) -> Any:
    """Negate the entries of the pairs: subtracting twice a float is exact."""
    return tf.tensor_scatter_nd_sub(values, pairs, 2.0 * tf.gather_nd(values, pairs))


def _weigh(values: Any, pairs: Any, cols: Any, negative: Any, positive: Any) -> Any:
    if negative is None:
        return values
    present = tf.gather_nd(values, pairs) * tf.gather(positive, cols)
    return tf.tensor_scatter_nd_update(values * negative, pairs, present)
