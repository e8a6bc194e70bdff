"""The workers that train one network together, and what they tell each other between steps."""

import atexit
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from skmlclf._compat import (
    abort_collectives,
    check_peer,
    start_collectives,
    tensorflow_has_started,
)
from skmlclf.training._cluster import Cluster, read_cluster
from skmlclf.training._hardware import take_share_of_cores

GROUP_KEY = 1
_START_SECONDS = 600.0
_CHECK_EVERY_SECONDS = 2.0
_ANSWER_SECONDS = 10.0
_N_CHECKS = 3
# What the others wait for may still be on its way when the operation here has ended.
_LINGER_SECONDS = 1.0
_KEYS_OF_A_FIT = 4096
_MARK = re.compile(r"\[\[skmlclf: (.*?)\]\]", re.DOTALL)

_lock = threading.Lock()
_connected: "Workers | None" = None


class WorkersError(RuntimeError):
    """Workers that train together cannot: one is gone, or differs from the others."""


class Workers:
    """All workers of a fit, of which this process is one.

    Every worker has to call the same methods in the same order.

    Parameters
    ----------
    cluster : Cluster
        Who they are.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._next_key = 0
        self._agreed: BaseException | None = None
        self._lost: str | None = None
        self._broken: str | None = None
        self._last_exchange = time.monotonic()

    @property
    def index(self) -> int:
        """Which of the workers this process is."""
        return self.cluster.index

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self.cluster.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this worker measures, prints and writes for all."""
        return self.index == 0

    def name(self, index: int) -> str:
        """Return what errors call a worker."""
        return f"worker {index} ({self.cluster.addresses[index]})"

    def new_keys(self, n: int = _KEYS_OF_A_FIT) -> int:
        """Return the first of some numbers that no operation has had, the same on every worker."""
        self._next_key += n
        return self._next_key - n

    def together(self, function: Callable[[], Any], what: str = "prepare") -> list[Any]:
        """Call a function on every worker, and return what each of them got.

        Parameters
        ----------
        function : callable
            Returns something that JSON can hold.
        what : str
            Says in errors what a worker could not do.

        Returns
        -------
        list
            One result per worker.

        Raises
        ------
        Exception
            What the function has raised here.
        WorkersError
            If it has raised an error on another worker only.
        """
        own: Exception | None = None
        try:
            message = {"value": function()}
        except Exception as error:
            own, message = error, {"error": f"{type(error).__name__}: {error}"}
        messages = [json.loads(text) for text in self._gather(json.dumps(message, default=float))]
        if own is not None:
            self._agreed = own
            raise own
        failed = [i for i, message in enumerate(messages) if "error" in message]
        if failed:
            texts = [f"{self.name(i)} could not {what}: {messages[i]['error']}" for i in failed]
            self._agreed = WorkersError(f"Training on {self.size} workers: {'; '.join(texts)}")
            raise self._agreed
        return [message["value"] for message in messages]

    def from_chief(self, function: Callable[[], Any], what: str) -> Any:
        """Call a function on the chief, and return what it got there on every worker."""
        return self.together(function if self.is_chief else lambda: None, what)[0]

    def any(self, value: bool) -> bool:
        """Say whether a value is true on any worker."""
        return any(self.together(lambda: bool(value)))

    def refuse(self, error: Exception) -> None:
        """Raise an error that every worker raises."""
        self._agreed = error
        raise error

    def _gather(self, text: str) -> list[str]:
        """Return the texts of all workers."""
        own = np.frombuffer(text.encode(), dtype=np.uint8)
        lengths = self._all_gather(np.array([len(own)])).ravel()
        padded = np.zeros(int(lengths.max()), dtype=np.int32)
        padded[: len(own)] = own
        parts = self._all_gather(padded).reshape(self.size, -1)
        return [
            part[:length].astype(np.uint8).tobytes().decode()
            for part, length in zip(parts, lengths, strict=True)
        ]

    def _all_gather(self, values: np.ndarray) -> np.ndarray:
        gathered = tf.raw_ops.CollectiveGatherV2(
            input=tf.constant(values[None], tf.int32),
            group_size=self.size,
            group_key=GROUP_KEY,
            instance_key=self.new_keys(1),
            ordering_token=[],
        )
        self._last_exchange = time.monotonic()
        result: np.ndarray = gathered.numpy()
        return result

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Watch the other workers inside, and end their work too where this one ends by an error.

        Raises
        ------
        WorkersError
            If a worker is gone; the error names it.
        RuntimeError
            If another fit of this process is at it.
        """
        if self._broken is not None:
            raise WorkersError(
                "This process has lost the other workers in an earlier fit and cannot exchange"
                f" anything with them any more ({self._broken}). Start the programs of all workers"
                " again."
            )
        if not _lock.acquire(blocking=False):
            raise RuntimeError(
                'Another fit with distribute="multi_worker" is running in this process, and workers'
                " run one at a time, in the same order: fit them one after the other, with"
                " n_jobs=None in a search."
            )
        done = threading.Event()
        threading.Thread(
            target=self._watch, args=(done,), daemon=True, name="skmlclf-workers"
        ).start()
        try:
            yield
        except BaseException as error:
            if error is not self._agreed and not getattr(error, "on_every_worker", False):
                self._end(error)
            raise
        finally:
            done.set()
            self._last_exchange = time.monotonic()
            _lock.release()

    def _watch(self, done: threading.Event) -> None:
        """Look every so often whether the others are alive, until one is not."""
        others = [i for i in range(self.size) if i != self.index]
        while not done.wait(_CHECK_EVERY_SECONDS):
            for i in others:
                if not self._answers(i) and not done.is_set():
                    self._lost = f"{self.name(i)} no longer answers"
                    abort_collectives(f"[[skmlclf: {self._lost}]]")
                    return

    def _answers(self, index: int) -> bool:
        for attempt in range(_N_CHECKS):
            try:
                check_peer(index, _ANSWER_SECONDS)
            except tf.errors.FailedPreconditionError:
                return False  # It was started anew.
            except tf.errors.OpError:
                time.sleep(0.2 * attempt)
            else:
                return True
        return False

    def _end(self, error: BaseException) -> None:
        """Let the others know that this worker has ended, and say who it was that ended first."""
        if not isinstance(error, tf.errors.OpError):
            self._broken = f"{type(error).__name__}: {error}"[:300]
            text = f"{self.name(self.index)} has ended with {self._broken}".replace("]]", "] ]")
            abort_collectives(f"[[skmlclf: {text}]]")
            return
        said = _MARK.search(str(error))
        reason = self._lost or (said[1] if said else None)
        if reason is None:
            gone = [i for i in range(self.size) if i != self.index and not self._answers(i)]
            reason = f"{' and '.join(map(self.name, gone))} no longer answers" if gone else None
        if reason is None:
            reason = f"the exchange with the others has failed: {error.message:.300}"
        self._broken = reason
        abort_collectives(f"[[skmlclf: {reason}]]")
        raise WorkersError(
            f"Training on {self.size} workers has ended on {self.name(self.index)}, because"
            f" {reason}. Start the programs of all workers again; a fit with a Checkpoint among its"
            " callbacks resumes from the last one."
        ) from error


@contextlib.contextmanager
def workers_of(distribute: str | None) -> Iterator[Workers | None]:
    """Yield the workers that a fit is distributed over.

    Parameters
    ----------
    distribute : {"mirrored", "multi_worker"} or None
        The parameter of the classifiers.

    Yields
    ------
    Workers or None
        None where this process trains alone.

    Raises
    ------
    ValueError
        If ``TF_CONFIG`` cannot be used.
    WorkersError
        If TensorFlow has already started, a worker does not start, or one is lost.
    """
    workers = _connect(read_cluster()) if distribute == "multi_worker" else None
    if workers is None:
        yield None
        return
    with workers.session():
        yield workers


def _connect(cluster: Cluster) -> Workers | None:
    """Meet the other workers, once in the life of a process."""
    global _connected
    if len(cluster.addresses) == 1:
        return None
    if _connected is not None:
        if _connected.cluster != cluster:
            raise WorkersError(
                f"TF_CONFIG says {cluster}, and in an earlier fit of this process it said"
                f" {_connected.cluster}: start the program again."
            )
        return _connected
    if tensorflow_has_started():
        raise WorkersError(
            "TensorFlow has already started in this process, and the exchange between workers has"
            ' to be set up first: call fit with distribute="multi_worker" before any other fit or'
            " prediction, and before any operation of TensorFlow or Keras."
        )
    workers = Workers(cluster)
    take_share_of_cores()
    try:
        start_collectives(cluster.addresses, cluster.index)
    except tf.errors.OpError as error:
        raise WorkersError(
            f"{workers.name(cluster.index)} cannot listen on the port that TF_CONFIG gives it:"
            f" {error.message:.300}. Choose another port for it on every worker."
        ) from error
    _wait_for_all(workers)
    _connected = workers
    atexit.register(_linger, workers)
    return workers


def _wait_for_all(workers: Workers) -> None:
    deadline = time.monotonic() + _START_SECONDS
    for index in range(workers.size):
        while True:
            try:
                check_peer(index, _ANSWER_SECONDS)
            except tf.errors.OpError as error:
                if time.monotonic() > deadline:
                    raise WorkersError(
                        f"{workers.name(index)} did not start within {_START_SECONDS:.0f} seconds:"
                        f" {error.message:.200}. Start the programs of all workers again."
                    ) from error
                time.sleep(0.1)
            else:
                break


def _linger(workers: Workers) -> None:
    time.sleep(max(0.0, workers._last_exchange + _LINGER_SECONDS - time.monotonic()))
