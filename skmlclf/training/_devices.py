"""The devices of this process that train one network together, each on a part of every batch.

The variables lie on one device. In every step the others are sent the weights, and their gradients
are added up where the variables are, so that a model, its optimizer and its callbacks are those of
a fit on one device.
"""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import tensorflow as tf

from skmlclf.training._batches import Share
from skmlclf.training._exchange import Exchange

T = TypeVar("T")


def devices_of(distribute: str | None) -> tuple[str, ...]:
    """Return the devices that a fit is distributed over.

    Parameters
    ----------
    distribute : {"mirrored", "multi_worker"} or None
        The parameter of the classifiers.

    Returns
    -------
    tuple of str
        For "mirrored" all GPUs, or where there are none all logical processors; empty where there
        is but one, and for anything else.
    """
    if distribute != "mirrored":
        return ()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tuple(device.name for device in devices) if len(devices) > 1 else ()


class DeviceExchange(Exchange):
    """The sums of one compiled step over the devices of this process, while it is traced.

    Parameters
    ----------
    lockstep : Lockstep
        Runs what is traced for the devices.
    index : int
        Which of them this is.
    share : Share of scalar tensors
        The part of the batch that it has.
    """

    def __init__(self, lockstep: "Lockstep", index: int, share: Share) -> None:
        super().__init__(share)
        self._lockstep = lockstep
        self._index = index

    def sum_all(self, values: Sequence[Any]) -> list[Any]:
        """Return the sums of several tensors.

        Raises
        ------
        ValueError
            If they are computed inside of another function, loop or condition of TensorFlow, whose
            tensors the other devices cannot use.
        """
        if tf.compat.v1.get_default_graph() is not self._lockstep.graph:
            raise ValueError(
                "The network has a batch normalisation inside of a tf.function, a loop or a"
                ' condition of TensorFlow, which distribute="mirrored" does not support.'
            )
        return self._lockstep.meet(self._index, list(values), _sums)


def _sums(values: Sequence[Sequence[Any]]) -> list[Any]:
    return [tf.add_n(list(each)) for each in zip(*values, strict=True)]


class Lockstep:
    """Functions that run in turn, each up to the next point where all of them have to meet.

    Each has a thread of its own, of which only one runs at a time, so that what they trace has the
    same order whenever it is traced.

    Parameters
    ----------
    n : int
        How many functions there are.
    """

    def __init__(self, n: int) -> None:
        self.graph: Any = None
        self._turns = [threading.Semaphore(0) for _ in range(n)]
        self._n_meetings = [0] * n
        self._values: list[Any] = [None] * n
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, functions: Sequence[Callable[[], T]]) -> list[T]:
        """Run functions that meet equally often, and return their results.

        Raises
        ------
        Exception
            The first that one of them has raised.
        RuntimeError
            If they do not meet equally often.
        """
        results: list[Any] = [None] * len(functions)
        self.graph = graph = tf.compat.v1.get_default_graph()
        # Or the threads would share the stacks of devices and names that they are in.
        graph.switch_to_thread_local()

        def run_one(index: int) -> None:
            self._turns[index].acquire()
            if self._error is not None:
                return
            try:
                with graph.as_default():
                    results[index] = functions[index]()
                self._check_meetings(index)
            except BaseException as error:
                self._end(error)
            else:
                self._pass_turn(index)

        with ThreadPoolExecutor(len(functions), "skmlclf-devices") as pool:
            try:
                futures = [
                    pool.submit(contextvars.copy_context().run, run_one, index)
                    for index in range(len(functions))
                ]
                self._turns[0].release()
                wait(futures)
            except BaseException as error:
                # Such as a KeyboardInterrupt, which this thread alone gets.
                self._end(error)
                raise
        if self._error is not None:
            raise self._error
        return results

    def meet(self, index: int, value: Any, combine: Callable[[Sequence[Any]], T]) -> T:
        """Wait for the values of all functions, and return what is made of them.

        Parameters
        ----------
        index : int
            Which function calls.
        value : object
            What it brings.
        combine : callable
            Called once with all values.
        """
        self._n_meetings[index] += 1
        # The first function is at each meeting before the others.
        self._check_meetings(index)
        self._values[index] = value
        if index == len(self._values) - 1:
            self._result = combine(self._values)
        self._pass_turn(index)
        self._turns[index].acquire()
        if self._error is not None:
            raise RuntimeError("what is traced for another device has raised an error")
        result: T = self._result
        return result

    def _check_meetings(self, index: int) -> None:
        if self._n_meetings[index] != self._n_meetings[0]:
            raise RuntimeError(
                "A layer computes something else for one device than for another, which"
                ' distribute="mirrored" does not support.'
            )

    def _end(self, error: BaseException) -> None:
        """Let all functions end with an error, the first of them."""
        if self._error is None:
            self._error = error
        for turn in self._turns:
            turn.release()

    def _pass_turn(self, index: int) -> None:
        self._turns[(index + 1) % len(self._turns)].release()
