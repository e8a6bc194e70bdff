"""What those that train together exchange in a compiled step: sums over the whole of a batch."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from itertools import count
from typing import Any

import keras
import tensorflow as tf

from skmlclf._compat import batch_moments, losses_kept, next_seed
from skmlclf.networks import Dropping, drawing_with
from skmlclf.training._batches import Share
from skmlclf.training._workers import GROUP_KEY

_PHILOX = 1
_NUMBERS_PER_COUNT = 4
# Rows of other workers' shares are this far away in the space of seeds.
_SEEDS_APART = 1_000_003


class Exchange(ABC):
    """The sums of one compiled step over all that train together, while it is traced.

    Parameters
    ----------
    share : Share of scalar tensors
        The part of the batch that this one has.
    """

    def __init__(self, share: Share) -> None:
        self.share = share

    @abstractmethod
    def sum_all(self, values: Sequence[Any]) -> list[Any]:
        """Return the sums of several tensors, which have a gradient."""

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Let what is traced inside be this one's share.

        Dropouts of this package draw what they would draw for its rows if they had all rows, and
        inside of `with_whole_batches` batch normalisations take their statistics from the
        whole batch.
        """
        token = _active.set(self)
        try:
            with drawing_with(self._uniform):
                yield
        finally:
            _active.reset(token)

    def moments(self, layer: Any, inputs: Any, mask: Any) -> tuple[Any, Any]:
        if mask is not None:
            raise ValueError(
                f"The batch normalisation {layer.name!r} has a mask, which training with distribute"
                " does not support."
            )
        axes = list(layer._reduction_axes)
        width = [1 if i in axes else n for i, n in enumerate(inputs.shape)]
        # Relative to a number near the mean, so that the difference of squares loses nothing.
        shift = tf.reshape(tf.stop_gradient(tf.convert_to_tensor(layer.moving_mean)), width)
        relative = inputs - shift
        first, second = self.sum_all(
            [tf.reduce_sum(relative, axes), tf.reduce_sum(tf.square(relative), axes)]
        )
        n = tf.cast(self.share.n_rows, inputs.dtype)
        for axis in axes[1:]:
            n *= tf.cast(tf.shape(inputs)[axis], inputs.dtype)
        mean = first / n
        variance = tf.maximum(second / n - tf.square(mean), 0.0)
        return mean + tf.reshape(shift, [-1]), variance

    def _uniform(self, shape: Any, dtype: str, seed: Any) -> Any:
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=next_seed(seed))
        # A Philox generator makes four numbers per count, and can start at any of them.
        width = tf.reduce_prod(shape[1:])
        start = tf.cast(self.share.first, tf.int64) * tf.cast(width, tf.int64)
        skipped = start // _NUMBERS_PER_COUNT
        counter += tf.stack([tf.cast(skipped, tf.uint64), tf.zeros([], tf.uint64)])
        before = tf.cast(start % _NUMBERS_PER_COUNT, tf.int32)
        n = tf.reduce_prod(shape)
        numbers = tf.raw_ops.StatelessRandomUniformV2(
            shape=[before + n], key=key, counter=counter, alg=_PHILOX, dtype=tf.as_dtype(dtype)
        )
        return tf.reshape(numbers[before:], shape)

    def own_seeds(self, model: keras.Model, variables: Sequence[Any]) -> list[Any]:
        """Return what is added to the state of each generator of other layers' random numbers.

        Their draws are of the shape of the share, and would be the same for every share.

        Parameters
        ----------
        model : keras.Model
            That is traced.
        variables : sequence of tf.Variable
            In the order of its non-trainable variables.

        Returns
        -------
        list of tensor or None
            One per variable; None for everything else.
        """
        whole = {
            id(layer.seed_generator.state)
            for layer in model._flatten_layers()
            if isinstance(layer, Dropping)
        }
        added: list[Any] = []
        for keras_variable, variable in zip(model.non_trainable_variables, variables, strict=True):
            is_seed = variable.dtype.is_integer and tuple(variable.shape) == (2,)
            if not is_seed or id(keras_variable) in whole:
                added.append(None)
                continue
            distance = tf.cast(self.share.first, variable.dtype) * _SEEDS_APART
            added.append(tf.stack([distance, tf.zeros([], variable.dtype)]))
        return added


_active: ContextVar[Exchange] = ContextVar("active")


@contextlib.contextmanager
def with_whole_batches(model: keras.Model) -> Iterator[None]:
    """Let several exchanges be active in turn, each for its own trace of a model.

    Batch normalisations ask the one that is active for their statistics.
    """
    moments = batch_moments(model, lambda *args: _active.get().moments(*args))
    with moments, losses_kept(model):
        yield


class WorkerExchange(Exchange):
    """The sums of one compiled step over several workers.

    Parameters
    ----------
    n_workers : int
        How many take part.
    key : scalar tensor, int32
        First of the numbers that tell the sums of this step from those of others; the next ones
        are this one's too.
    share : Share of scalar tensors
        This worker's part of the batch.
    """

    def __init__(self, n_workers: int, key: Any, share: Share) -> None:
        super().__init__(share)
        self.n_workers = n_workers
        self._key = key
        # The sum of the gradient has the number after that of the sum itself.
        self._numbers = count(step=2)

    def sum_all(self, values: Sequence[Any]) -> list[Any]:
        """Return the sums of several tensors, exchanged as one."""
        values = [tf.convert_to_tensor(value) for value in values]
        flat = tf.concat([tf.reshape(value, [-1]) for value in values], axis=0)
        total = _all_reduce(flat, self.n_workers, self._key + next(self._numbers))
        parts = tf.split(total, [value.shape.num_elements() for value in values])
        return [tf.reshape(p, value.shape) for p, value in zip(parts, values, strict=True)]


def _all_reduce(value: Any, n_workers: Any, key: Any) -> Any:
    return tf.raw_ops.CollectiveReduceV2(
        input=value,
        group_size=n_workers,
        group_key=GROUP_KEY,
        instance_key=key,
        ordering_token=[],
        merge_op="Add",
        final_op="Id",
        # Sent in as many pieces, large sums take half the time.
        max_subdivs_per_device=8,
    )


@tf.RegisterGradient("SkmlclfAllReduce")  # type: ignore[untyped-decorator]  # no types in TensorFlow
def _all_reduce_gradient(operation: Any, upstream: Any) -> tuple[Any, None, None, None]:
    """Gradient of a sum over workers: what all of them do with it, for each of its terms."""
    n_workers, key = operation.inputs[1], operation.inputs[3]
    return _all_reduce(upstream, n_workers, key + 1), None, None, None
