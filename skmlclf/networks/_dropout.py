"""Dropout of single units, and of whole columns of a batch whose products are left out."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import keras
import tensorflow as tf

_uniform: ContextVar[Callable[..., Any]] = ContextVar("uniform", default=keras.random.uniform)


@contextlib.contextmanager
def drawing_with(uniform: Callable[..., Any]) -> Iterator[None]:
    """Let the dropouts that are traced inside draw their numbers from another function.

    Parameters
    ----------
    uniform : callable
        As ``keras.random.uniform``: of a shape, a dtype and a generator of seeds.
    """
    token = _uniform.set(uniform)
    try:
        yield
    finally:
        _uniform.reset(token)


class Dropping(keras.layers.Layer):
    """A layer with a dropout rate that is a non-trainable weight, and a generator of its own.

    ``keras.layers.Dropout`` writes its rate into the traced graph, so every rate of a grid search
    pays for a trace of its own. Here the rate is an input of the graph like any other weight.

    Parameters
    ----------
    rate : float
        Fraction of the units that are dropped during training, in [0, 1).
    seed : int
        Seed of the layer's own generator.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, rate: float, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial_rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.rate = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.initial_rate),
            trainable=False,
            autocast=False,
            dtype="float32",
            name="rate",
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.initial_rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="skmlclf")
class VariableDropout(Dropping):
    """Inverted dropout: what is dropped is zero, and what is kept makes up for it.

    Parameters
    ----------
    rate : float
        Fraction of the units set to zero during training, in [0, 1).
    seed : int
        Seed of the layer's own generator.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        # One draw of 32 bits decides each unit: a float32 uniform compared with the rate.
        uniform = _uniform.get()(keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        kept = keras.ops.cast(uniform >= self.rate, inputs.dtype)
        scale = keras.ops.cast(1.0 / (1.0 - self.rate), inputs.dtype)
        return inputs * kept * scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


@keras.saving.register_keras_serializable(package="skmlclf")
class DropoutDense(Dropping):
    r"""Dense layer that drops some of its inputs during training.

    With the index set :math:`K` of the kept inputs of `n` the output is

    .. math:: \frac{n}{|K|} \sum_{i \in K} x_i W_i + b.

    :math:`K` is drawn for each batch and is the same for all of its rows [1]_, so that neither the
    products with what is dropped are computed nor their gradients.

    Parameters
    ----------
    units : int
        Number of outputs.
    rate : float, default=0.0
        Fraction of the inputs that are dropped, in [0, 1). At least one input is kept.
    seed : int, default=0
        Seed of the layer's own generator.
    use_bias : bool, default=True
        Whether :math:`b` is there.
    kernel_initializer : str or keras.initializers.Initializer, default="glorot_uniform"
        Of :math:`W`.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.

    References
    ----------
    .. [1] B. Graham, J. Reizenstein, L. Robinson (2015). Efficient batchwise dropout training using
       submatrices. arXiv:1502.02478.
    """

    def __init__(
        self,
        units: int,
        rate: float = 0.0,
        seed: int = 0,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed, **kwargs)
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias") if self.use_bias else None
        super().build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        kernel = tf.convert_to_tensor(self.kernel)
        if training:
            outputs = product_of_kept(inputs, kernel, self._draw(inputs.shape[-1]))
        else:
            outputs = tf.matmul(inputs, kernel)
        return outputs if self.bias is None else tf.nn.bias_add(outputs, self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.units)

    def _draw(self, width: int) -> Any:
        """Return the indices of the inputs that are kept, in ascending order."""
        uniform = keras.random.uniform((width + 1,), dtype="float32", seed=self.seed_generator)
        # A random number rounds the number of inputs, so that the rate is right on average.
        n_dropped = tf.cast(self.rate * width + uniform[width], tf.int32)
        n_kept = width - tf.minimum(n_dropped, width - 1)
        return tf.sort(tf.math.top_k(uniform[:width], n_kept).indices)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def product_of_kept(inputs: Any, kernel: Any, kept: Any) -> Any:
    """Return the product with a kernel of some columns, scaled as if it were of all.

    Columns and rows are taken as rows, which copies memory in large pieces. While a function is
    traced, so do the gradients; TensorFlow's own add up number by number.

    Parameters
    ----------
    inputs : tensor of shape (n_rows, n)
        Batch.
    kernel : tensor of shape (n, n_outputs)
        Weights.
    kept : tensor of shape (n_kept,), int32
        Indices of columns of the batch and rows of the kernel, none of them twice.

    Returns
    -------
    tensor of shape (n_rows, n_outputs)
    """
    scale = tf.cast(tf.shape(kernel)[0] / tf.size(kept), inputs.dtype)
    columns = tf.gather(tf.transpose(inputs), kept) * scale
    weights = tf.gather(kernel, kept)
    product = tf.matmul(columns, weights, transpose_a=True)
    if tf.executing_eagerly():
        return product
    # What `tf.custom_gradient` does, with one gradient for all traces: of its own, each would be
    # registered for good, with the graph that it belongs to.
    with tf.compat.v1.get_default_graph().gradient_override_map({"IdentityN": _GRADIENT}):
        return tf.identity_n([product, inputs, kernel, kept, scale, columns, weights])[0]


_GRADIENT = "SkmlclfProductOfKept"


@tf.RegisterGradient(_GRADIENT)  # type: ignore[untyped-decorator]  # no types in TensorFlow
def _product_of_kept_gradient(operation: Any, upstream: Any, *_: Any) -> list[Any]:
    _, inputs, kernel, kept, scale, columns, weights = operation.inputs
    n, n_kept = tf.shape(kernel)[0], tf.size(kept)
    # What was dropped has the gradients of a row of zeros that stands after those of the kept.
    sources = tf.tensor_scatter_nd_update(
        tf.fill([n], n_kept), kept[:, tf.newaxis], tf.range(n_kept)
    )
    by_columns = tf.matmul(weights, upstream, transpose_b=True) * scale
    by_inputs = tf.transpose(tf.gather(_and_zeros(by_columns), sources))
    by_kernel = tf.gather(tf.matmul(_and_zeros(columns), upstream), sources)
    by_inputs.set_shape(inputs.shape)
    by_kernel.set_shape(kernel.shape)
    return [None, by_inputs, by_kernel, None, None, None, None]


def _and_zeros(rows: Any) -> Any:
    return tf.pad(rows, [[0, 1], [0, 0]])
