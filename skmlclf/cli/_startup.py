"""Importing TensorFlow for a command: quietly, and set up for the work of a command."""

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def tensorflow_starts(*, rewrites_graphs: bool = True) -> Iterator[None]:
    """Import TensorFlow and find its devices, then run the imports inside that build on it.

    Parameters
    ----------
    rewrites_graphs : bool, default=True
        Whether TensorFlow rewrites each graph before its first call. That takes up to half a second
        per graph, and makes the calls after it a tenth faster: a loss where they are few.

    Notes
    -----
    TensorFlow keeps the memory that it has taken, for the arrays of the next step, unless the user
    has set ``TF_CPU_ALLOCATOR_USE_BFC`` otherwise.

    Examples
    --------
    >>> from skmlclf.cli._startup import tensorflow_starts
    >>> with tensorflow_starts():
    ...     from skmlclf.comparison import compare
    """
    if "tensorflow" in sys.modules:
        yield
        return
    # A level that the user has set is kept.
    quiet = "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # By itself TensorFlow gives the memory of large arrays back to the system after each step,
    # which has to clear it for the next one.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    with _collector_off(), native_log_held_back() if quiet else contextlib.nullcontext():
        import tensorflow as tf

        # It looks for accelerators, and says so, no later than here.
        tf.config.list_physical_devices()
        if not rewrites_graphs:
            tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        yield


@contextlib.contextmanager
def native_log_held_back() -> Iterator[None]:
    """Hold back what native code writes to standard error, and print it if the block fails.

    TensorFlow writes its first lines whatever its log level is. What Python code prints, warnings
    included, is printed as ever.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log, os.fdopen(os.dup(2), "w") as terminal:
        python_stderr = sys.stderr
        if _is_standard_error(python_stderr):
            sys.stderr = terminal
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):
                log.seek(0)
                terminal.write(log.read().decode(errors="replace"))
            raise
        finally:
            terminal.flush()
            os.dup2(terminal.fileno(), 2)
            sys.stderr = python_stderr


def _is_standard_error(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (AttributeError, OSError):
        return False


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """Keep Python's collector from what is imported inside and lives as long as the process.

    TensorFlow brings hundreds of thousands of objects. Visiting them while they are made, and again
    at the end of the process, takes a third of the time of importing them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
