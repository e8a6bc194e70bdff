"""The checkpoint of a fit: written while it trains, read when it is run again."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from skmlclf._atomic import leftovers
from skmlclf.callbacks import Checkpoint
from skmlclf.classifiers._best_epoch import BestEpoch
from skmlclf.classifiers._description import Description, describe_parameters, difference
from skmlclf.classifiers._history import HistoryRecorder
from skmlclf.classifiers._state import assign_arrays, model_variables
from skmlclf.persistence import (
    check_fields,
    random_state_from_plain,
    random_state_to_plain,
    read_plain,
    write_plain,
)
from skmlclf.training import Position, WeightAverages

_FILE = "checkpoint.safetensors"
_FIELDS = {
    "parameters": dict,
    "drawn": (list, None),
    "data": dict,
    "position": dict,
    "generator": dict,
    "split_generator": dict,
    "variables": list,
    "optimizer": list,
    "averages": (list, None),
    "record": dict,
    "best": (dict, None),
}
_POSITION = {
    "epoch": int,
    "n_batches": int,
    "loss": float,
    "weight": float,
    "stops": bool,
    "finished": bool,
}


@dataclass(frozen=True)
class Training:
    """What changes while a fit trains.

    Attributes
    ----------
    model : keras.Model
        Its variables and those of its optimizer.
    split_start : RandomState
        State from which held-out rows are drawn.
    recorder : HistoryRecorder
        History, and which epoch has which weights.
    best_epoch : BestEpoch or None
        Early stopping, where it is asked for.
    averages : WeightAverages or None
        Averages of the weights, where they are asked for.
    """

    model: keras.Model
    split_start: np.random.RandomState
    recorder: HistoryRecorder
    best_epoch: BestEpoch | None
    averages: WeightAverages | None

    def to_plain(self, position: Position) -> dict[str, Any]:
        """Return everything that a fit needs to be resumed from here."""
        values = position._asdict()
        return {
            "generator": random_state_to_plain(values.pop("rng")),
            "position": values,
            "split_generator": random_state_to_plain(self.split_start),
            "variables": [keras.ops.convert_to_numpy(v) for v in model_variables(self.model)],
            "optimizer": [keras.ops.convert_to_numpy(v) for v in self.model.optimizer.variables],
            "averages": None
            if self.averages is None
            else [np.asarray(v) for v in self.averages.variables],
            "record": self.recorder.to_plain(),
            "best": None if self.best_epoch is None else self.best_epoch.to_plain(),
        }

    def from_plain(self, plain: dict[str, Any], first_epoch: int) -> Position:
        """Restore what `to_plain` returned, and return how far the fit was."""
        check_fields(plain["position"], _POSITION, "position")
        position = Position(rng=random_state_from_plain(plain["generator"]), **plain["position"])
        assign_arrays(model_variables(self.model), plain["variables"], "variables")
        assign_arrays(self.model.optimizer.variables, plain["optimizer"], "optimizer")
        if self.averages is not None:
            assign_arrays(self.averages.variables, plain["averages"] or [], "averages")
        between_epochs = position.n_batches == 0 and position.epoch > first_epoch
        self.recorder.resume_from(plain["record"], between_epochs=between_epochs)
        if plain["best"] is not None and self.best_epoch is not None:
            self.best_epoch.resume_from(plain["best"])
        return position


class NoCheckpoints:
    """A fit that is not written to disk."""

    save_every: int | None = None

    def new_generator(self, estimator: Any) -> np.random.RandomState:
        """Return the generator that the fit starts from."""
        rng: np.random.RandomState = estimator._new_generator()
        return rng

    def description(self) -> Description:
        """Describe the checkpoint that the fit resumes from, where there may be one."""
        return {}

    def check(self, describe: Callable[[], Description]) -> None:
        """Refuse a checkpoint of a fit on other data, or from other weights.

        Parameters
        ----------
        describe : callable
            Returns what the data and the weights are that the fit starts from.

        Raises
        ------
        ValueError
            If there is one.
        """

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Keep other fits out of the folder, and clear what a killed one has left half written.

        Raises
        ------
        RuntimeError
            If another fit is writing to it.
        OSError
            If it cannot be written to.
        """
        yield

    def resume(self, training: Training, first_epoch: int) -> Position | None:
        """Restore the fit as the checkpoint has it.

        Parameters
        ----------
        training : Training
            What is restored.
        first_epoch : int
            Number of the first epoch of the fit.

        Returns
        -------
        Position or None
            How far it was; None where there is no checkpoint.
        """
        return None

    def save(self, training: Training, position: Position) -> None:
        """Write a checkpoint; the one before is there until it is whole.

        Parameters
        ----------
        training : Training
            What is written.
        position : Position
            How far the fit is.

        Raises
        ------
        OSError
            If it cannot be written.
        """


def checkpoints_of(
    settings: Checkpoint | None, estimator: Any, *, writes: bool = True
) -> NoCheckpoints:
    """Return what writes and reads the checkpoints of a fit, if there are to be any.

    Parameters
    ----------
    settings : Checkpoint or None
        Where and how often to write.
    estimator : classifier
        Before anything was drawn from its ``random_state``.
    writes : bool, default=True
        Whether this process writes them; one that does not reads what another has written.

    Returns
    -------
    NoCheckpoints
        Or its subclass that does something.

    Raises
    ------
    ValueError
        If there is a checkpoint of a fit with other parameters, or a damaged one.
    """
    return NoCheckpoints() if settings is None else _Checkpoints(settings, estimator, writes)


class _Checkpoints(NoCheckpoints):
    """The checkpoint that an earlier run of a fit has left, if there is one, and those to come."""

    def __init__(self, settings: Checkpoint, estimator: Any, writes: bool) -> None:
        self._writes = writes
        self.folder = Path(settings.folder)
        self.save_every = None if settings.every == "epoch" else int(settings.every)
        self._saved = self._read()
        self._parameters = describe_parameters(estimator)
        self._data: Description = {}
        # What a RandomState of the caller's was after the fit asked it for its number.
        self._drawn: list[str] | None = None
        if self._saved is not None:
            # Checkpoints from before there was the parameter do not have it.
            before = {"distribute": ["None", ""], **self._saved["parameters"]}
            now = self._parameters
            self._drawn = self._saved["drawn"]
            self._has_drawn = self._drawn is not None and now["random_state"] == self._drawn
            if self._has_drawn:
                now["random_state"] = before["random_state"]
            self._compare(before, now)

    def new_generator(self, estimator: Any) -> np.random.RandomState:
        """Return the generator that the fit starts from, or that its earlier run has started from.

        Either way the caller's generator is asked for one number, and once.
        """
        if self._saved is None:
            rng: np.random.RandomState = estimator._new_generator()
            self._drawn = describe_parameters(estimator)["random_state"]
            return rng
        if not self._has_drawn:
            estimator._new_generator()
        return random_state_from_plain(self._saved["split_generator"])

    def description(self) -> Description:
        if self._saved is None:
            return {"the checkpoint": ["not there", ""]}
        position = self._saved["position"]
        text = f"of epoch {position.get('epoch')}, batch {position.get('n_batches')}"
        return {"the checkpoint": [text, ""]}

    def check(self, describe: Callable[[], Description]) -> None:
        self._data = describe()
        if self._saved is not None:
            self._compare(self._saved["data"], self._data)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        finished = self._saved is not None and self._saved["position"].get("finished")
        if finished or not self._writes:
            yield
            return
        with self._named_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise RuntimeError(
                f"Another fit is writing checkpoints to {str(self.folder)!r}: give every fit a"
                " folder of its own."
            ) from None
        except OSError:
            pass  # The file system has no locks.
        try:
            with self._named_errors():
                for name, stale in leftovers(self.folder):
                    if name == _FILE:
                        shutil.rmtree(stale)
            yield
        finally:
            os.close(lock)

    def resume(self, training: Training, first_epoch: int) -> Position | None:
        if self._saved is None:
            return None
        saved, self._saved = self._saved, None
        with self._named_damage():
            return training.from_plain(saved, first_epoch)

    def save(self, training: Training, position: Position) -> None:
        if not self._writes:
            return
        values = {
            "parameters": self._parameters,
            "drawn": self._drawn,
            "data": self._data,
            **training.to_plain(position),
        }
        with self._named_errors():
            write_plain(self.folder / _FILE, "checkpoint", values)

    def _read(self) -> dict[str, Any] | None:
        try:
            with self._named_damage():
                saved = read_plain(self.folder / _FILE, "checkpoint")
                check_fields(saved, _FIELDS, "the checkpoint")
        except FileNotFoundError:
            return None
        return saved

    def _compare(self, before: Description, now: Description) -> None:
        found = difference(before, now)
        if found is not None:
            raise ValueError(
                f"The checkpoint in {str(self.folder)!r} is of another fit: {found}. Restore what"
                " was there to resume it, or fit with another folder."
            )

    @contextlib.contextmanager
    def _named_damage(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise ValueError(
                f"The checkpoint in {str(self.folder)!r} cannot be resumed from: {error}. Delete it"
                " to fit anew."
            ) from error

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            text = f"Checkpoints cannot be written to {str(self.folder)!r}: {reason}"
            # Of the subclass that belongs to the number.
            raise (OSError(text) if error.errno is None else OSError(error.errno, text)) from error
