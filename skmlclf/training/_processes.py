"""Checks of the process: forks and global settings that training cannot work with."""

import os

import keras

from skmlclf._compat import tensorflow_has_started

_forked_after_start = False


def _note_fork() -> None:
    global _forked_after_start
    _forked_after_start = _forked_after_start or tensorflow_has_started()


os.register_at_fork(after_in_child=_note_fork)


def check_process() -> None:
    """Refuse a forked process, and global settings of Keras that the compiled steps lack.

    Raises
    ------
    RuntimeError
        If the process was forked from one in which TensorFlow had run: its threads are gone, and
        the first operation would wait for them for ever.
    ValueError
        If Keras' default of floating-point numbers is not float32.
    """
    if _forked_after_start:
        raise RuntimeError(
            "This process was forked from one in which TensorFlow had already run, and would hang"
            " here for ever. Start worker processes with spawn or forkserver (multiprocessing's"
            " start methods), or with loky (joblib's default); of gunicorn, load the model after"
            " the fork instead of with --preload."
        )
    if keras.config.floatx() != "float32":
        raise ValueError(
            f"keras.config.floatx() is {keras.config.floatx()!r}, and networks are trained in"
            " float32: call keras.config.set_floatx('float32') first."
        )
