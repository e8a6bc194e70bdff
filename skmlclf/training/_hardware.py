"""What the machine has: cores for this process, and arithmetic in bfloat16."""

import contextlib
import functools
import os
import re
import sys
from pathlib import Path

import tensorflow as tf

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def take_share_of_cores() -> None:
    """Let TensorFlow use the threads that ``OMP_NUM_THREADS`` grants this process.

    joblib and Dask's nannies give each of their worker processes its share of the cores through
    that variable, which TensorFlow does not read: every worker would start as many threads as the
    machine has cores. A Dask worker without a nanny has no such variable, and its own number of
    threads is its share. Without effect once TensorFlow has started its threads, or where they
    were set otherwise.
    """
    granted = os.environ.get("OMP_NUM_THREADS", "") or _threads_of_dask_worker()
    if granted.isdecimal() and not tf.config.threading.get_intra_op_parallelism_threads():
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(max(1, int(granted)))


def _threads_of_dask_worker() -> str:
    """Return the threads of the Dask worker whose task this is, as text; empty outside of one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return ""
    try:
        return str(distributed.get_worker().state.nthreads)
    except ValueError:
        return ""


def resolve_precision(precision: str) -> str:
    """Return what the matrix products compute in on this machine.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"}
        What was asked for.

    Returns
    -------
    {"float32", "bfloat16"}
        For "auto" bfloat16 where the machine has it.

    Raises
    ------
    ValueError
        If bfloat16 is asked for and neither the processor nor an accelerator has it.
    """
    if precision == "auto":
        return "bfloat16" if has_bfloat16() else "float32"
    if precision == "bfloat16" and not has_bfloat16():
        raise ValueError(
            'precision="bfloat16" needs an accelerator or a processor with bfloat16 instructions'
            f" ({', '.join(sorted(_BFLOAT16_FLAGS))}), and this machine has neither: it would be"
            ' slower than precision="float32", which is the one to use here. "auto" takes what'
            " the machine has."
        )
    return precision


def prediction_precision(precision: str) -> str:
    """Return what a fitted network predicts in on this machine.

    Weights are float32 whatever a network was fitted in, so where bfloat16 would be emulated, their
    products are computed in float32: faster, and more exact.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        What the network was fitted in.

    Returns
    -------
    {"float32", "bfloat16"}
    """
    return "bfloat16" if precision == "bfloat16" and has_bfloat16() else "float32"


@functools.cache
def has_accelerator() -> bool:
    """Say whether there is another device than the processor.

    Returns
    -------
    bool
    """
    return any(tf.config.list_physical_devices(kind) for kind in ("GPU", "TPU"))


@functools.cache
def has_bfloat16() -> bool:
    """Say whether matrix products in bfloat16 are native to this machine.

    Returns
    -------
    bool
    """
    if has_accelerator():
        return True
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, flags=re.MULTILINE)
    return flags is not None and bool(_BFLOAT16_FLAGS & set(flags[1].split()))
