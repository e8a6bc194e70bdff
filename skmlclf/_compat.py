"""Private and version-dependent names of scikit-learn and Keras, used through this file only.

A new release of these libraries has to be dealt with in one file.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sklearn.base import _fit_context as _sklearn_fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.model_selection._split import _BaseKFold as BaseKFold
from sklearn.model_selection._split import _validate_shuffle_split as validate_shuffle_split
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils._param_validation import validate_params as _sklearn_validate_params
from sklearn.utils.metaestimators import available_if as _sklearn_available_if
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_method_params,
    _check_sample_weight,
    _get_feature_names,
    _num_samples,
)

__all__ = [
    "BaseKFold",
    "BaseScorer",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "_check_feature_names_in",
    "_check_method_params",
    "_check_sample_weight",
    "_fit_context",
    "_get_feature_names",
    "_num_samples",
    "_safe_indexing",
    "abort_collectives",
    "adam_moments",
    "available_if",
    "batch_moments",
    "check_backend",
    "check_peer",
    "learning_rate_variable",
    "next_seed",
    "operation_of",
    "sgd_momentums",
    "shared_predictions",
    "start_collectives",
    "tensorflow_has_started",
    "validate_params",
    "validate_shuffle_split",
    "variable_value",
    "with_callbacks",
]

F = TypeVar("F", bound=Callable[..., Any])

# scikit-learn has no types: what its decorators decorate keeps its own.
_fit_context: Callable[..., Callable[[F], F]] = _sklearn_fit_context
validate_params: Callable[..., Callable[[F], F]] = _sklearn_validate_params
available_if: Callable[..., Callable[[F], F]] = _sklearn_available_if

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _sklearn_with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]  # it stands for the one imported above
        """Stands for scikit-learn's mixin of that name."""

    def _sklearn_with_callbacks(method: Any) -> Any:
        return method


def with_callbacks(method: F) -> F:
    """Set up scikit-learn's callbacks around a method, where scikit-learn has them."""
    decorated: F = _sklearn_with_callbacks(method)
    return decorated


def adam_moments(optimizer: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the first and second moment variables of a built ``keras.optimizers.Adam``."""
    return zip(optimizer._momentums, optimizer._velocities, strict=True)


def sgd_momentums(optimizer: Any) -> list[Any]:
    """Return the momentum variables of a built ``keras.optimizers.SGD``."""
    return list(optimizer.momentums)


def learning_rate_variable(optimizer: Any) -> Any:
    """Return the variable that holds the learning rate of a Keras optimizer.

    None where the rate is a schedule of Keras' own.
    """
    rate = optimizer._learning_rate
    return rate if hasattr(rate, "assign") else None


@contextlib.contextmanager
def variable_value(variable: Any, value: Any) -> Iterator[None]:
    """Let a Keras variable stand for another TensorFlow variable, or a tensor, inside."""
    before = variable._value
    variable._value = value
    try:
        yield
    finally:
        variable._value = before


def operation_of(tensor: Any) -> Any:
    """Return the layer or operation that a symbolic tensor of Keras comes from."""
    return tensor._keras_history.operation


def tensorflow_has_started() -> bool:
    """Say whether TensorFlow has started the threads of this process."""
    from tensorflow.python.eager import context

    present = context.context_safe()
    return present is not None and present._context_handle is not None


def start_collectives(addresses: Sequence[str], index: int) -> None:
    """Start TensorFlow with the collective operations of several processes.

    ``tf.distribute.MultiWorkerMirroredStrategy`` does the same when it is made, and starts a
    coordination service besides, whose errors this package could not tell of by itself.

    Parameters
    ----------
    addresses : sequence of str
        ``host:port`` of every process, in one order everywhere.
    index : int
        Which of them this one is; it listens on that port.

    Raises
    ------
    RuntimeError
        If TensorFlow has already started.
    tf.errors.OpError
        If it cannot listen on the port.
    """
    from tensorflow.core.protobuf import cluster_pb2, tensorflow_server_pb2
    from tensorflow.python.eager import context

    own = f"/job:worker/task:{index}"
    present = context.context()
    # Without the filter, operations could be placed on the devices of another process.
    present.configure_collective_ops(
        collective_leader=_task(0), scoped_allocator_enabled_ops=(), device_filters=(own,)
    )
    config = present.config
    config.device_filters.append(own)
    config.experimental.collective_group_leader = _task(0)
    job = cluster_pb2.JobDef(name="worker", tasks=dict(enumerate(addresses)))
    present.enable_collective_ops(
        tensorflow_server_pb2.ServerDef(
            cluster=cluster_pb2.ClusterDef(job=[job]),
            default_session_config=config,
            job_name="worker",
            task_index=index,
            protocol="grpc",
        )
    )
    present.ensure_initialized()


def check_peer(index: int, seconds: float) -> None:
    """Raise a ``tf.errors.OpError`` if a process of `start_collectives` does not answer in time.

    One that was started anew since the first answer is taken for another one.
    """
    from tensorflow.python.eager import context

    context.context().check_collective_ops_peer_health(_task(index), int(1000 * seconds))


def abort_collectives(message: str) -> None:
    """End the collective operations of this process, now and for ever, with an error.

    Processes that wait for this one get the error too.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    context.context().abort_collective_ops(tf.errors.ABORTED, message)


def _task(index: int) -> str:
    return f"/job:worker/replica:0/task:{index}"


def next_seed(generator: Any) -> Any:
    """Draw the seed that ``keras.random`` would hand to TensorFlow's stateless generators."""
    from keras.src.backend.tensorflow.random import _cast_seed

    return _cast_seed(generator.next())


@contextlib.contextmanager
def batch_moments(model: Any, moments: Callable[[Any, Any, Any], Any]) -> Iterator[None]:
    """Let the batch normalisations of a model take mean and variance from a function inside.

    Parameters
    ----------
    model : keras.Model
        Its layers, and those inside of them.
    moments : callable
        ``moments(layer, inputs, mask)`` returns both.
    """
    from keras.layers import BatchNormalization

    layers = [x for x in model._flatten_layers() if isinstance(x, BatchNormalization)]
    for layer in layers:
        # Beside Keras' own attributes, which a layer keeps track of.
        vars(layer)["_moments"] = functools.partial(moments, layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["_moments"]


@contextlib.contextmanager
def losses_kept(model: Any) -> Iterator[None]:
    """Let the layers of a model keep the losses of one call while another one is traced.

    A layer forgets at the start of a call which losses it has added in calls before.

    Parameters
    ----------
    model : keras.Model
        Its layers, and those inside of them.
    """
    layers = list(model._flatten_layers())
    for layer in layers:
        layer._clear_losses()
        vars(layer)["_clear_losses"] = lambda: None
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["_clear_losses"]
            layer._clear_losses()


def check_backend() -> None:
    """Refuse a backend of Keras that the compiled steps cannot run on.

    Raises
    ------
    RuntimeError
        If Keras runs on anything but TensorFlow.
    """
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {backend!r}, and skmlclf trains with TensorFlow: set"
            ' KERAS_BACKEND=tensorflow (or "backend" in keras.json) before Keras is imported.'
        )


def shared_predictions(method_caller: Any) -> dict[Any, Any] | None:
    """Return the cache that the scorers of one multi-metric call share, if there is one."""
    cache = next(iter(getattr(method_caller, "args", ())), None)
    return cache if isinstance(cache, dict) else None
