"""Freeing the memory of models that are no longer referenced."""

import gc
import threading

import keras

_LIMIT_BYTES = 2**27
_lock = threading.Lock()
_built_bytes = 0


def collect_dropped_models(model: keras.Model) -> None:
    """Run Python's collector once the models built since the last run may weigh 128 MiB.

    A Keras model is full of reference cycles, so only the collector frees one, and the collector
    goes by the number of objects: a few hundred of them that hold hundreds of megabytes can wait
    for a long time, and a grid search drops one model per fit.

    Parameters
    ----------
    model : keras.Model
        Compiled model that was just built.
    """
    global _built_bytes
    n_bytes = 4 * sum(v.value.shape.num_elements() for v in model.variables)
    n_bytes += 4 * sum(v.value.shape.num_elements() for v in model.optimizer.variables)
    with _lock:
        _built_bytes += n_bytes
        if _built_bytes < _LIMIT_BYTES:
            return
        _built_bytes = 0
    gc.collect()
