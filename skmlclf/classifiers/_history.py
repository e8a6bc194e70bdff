"""The record of a fit: its history, and the epoch whose weights the model has."""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from skmlclf.classifiers._state import check_history, snapshot
from skmlclf.persistence import check_fields

_SAMPLE = 4096


class HistoryRecorder(keras.callbacks.Callback):
    """Keep ``history_``, ``n_iter_`` and ``best_epoch_`` of an estimator true to its weights.

    Callbacks may restore the weights of an earlier epoch, or set others, so the weights at the end
    are compared with those of each epoch.

    Parameters
    ----------
    estimator : estimator
        Its ``history_``, ``n_iter_`` and ``best_epoch_`` are replaced after each epoch.
    evaluate : callable
        Measures the held-out rows with the present weights.
    """

    def __init__(self, estimator: Any, evaluate: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.evaluate = evaluate
        self._n_completed = 0
        self._undo: Callable[[], None] | None = None
        self._resumed: dict[str, Any] | None = None
        self._samples: list[str | None] = []

    def to_plain(self) -> dict[str, Any]:
        """Return the record so far, for a checkpoint."""
        estimator = self.estimator
        return {
            "history": estimator.history_,
            "n_iter": estimator.n_iter_,
            "best_epoch": getattr(estimator, "best_epoch_", None),
            "samples": self._samples,
        }

    def resume_from(self, plain: dict[str, Any], *, between_epochs: bool) -> None:
        """Let a fit resume with the record that `to_plain` returned.

        Parameters
        ----------
        plain : dict
            The record.
        between_epochs : bool
            Whether the weights are those of its last epoch, rather than of the midst of the next.
        """
        check_fields(
            plain,
            {"history": dict, "n_iter": int, "best_epoch": (int, None), "samples": list},
            "record",
        )
        check_history(plain)
        self._resumed = plain
        self._between_epochs = between_epochs
        self.estimator.history_ = plain["history"]
        self.estimator.n_iter_ = plain["n_iter"]
        if plain["best_epoch"] is not None:
            self.estimator.best_epoch_ = plain["best_epoch"]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Count what was run before."""
        if self._resumed is not None:
            self._samples = list(self._resumed["samples"])
            self._n_completed = int(self._between_epochs)
            return
        n_before = len(self.estimator.history_.get("loss", ()))
        self._samples = [None] * n_before
        self.estimator.n_iter_ = n_before
        if n_before:
            # A resumed fit starts from the weights that were kept.
            self._samples[self.estimator.best_epoch_] = weights_digest(self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep what the epoch before has left, for as long as this one may be interrupted."""
        self._undo = snapshot(self.estimator) if self._n_completed else None

    def measure(self) -> dict[str, float]:
        """Measure the held-out rows after an epoch, before any callback changes the weights."""
        self._samples.append(weights_digest(self.model))
        values: dict[str, float] = self.evaluate()
        return values

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Append the values.

        Raises
        ------
        TypeError
            If a callback has put anything but a number into the logs.
        """
        values = {name: _as_float(name, value) for name, value in (logs or {}).items()}
        # Replaced and not changed, so that an interruption leaves the old one whole.
        history = dict(self.estimator.history_)
        for name, value in values.items():
            history[name] = [*history.get(name, ()), value]
        self.estimator.history_, self.estimator.n_iter_ = history, len(history["loss"])
        self.estimator.best_epoch_ = self._kept_epoch(weights_digest(self.model))
        self._n_completed += 1
        self._undo = None

    def restore(self) -> bool:
        """Restore what the last completed epoch has left.

        Returns
        -------
        bool
            Whether there was one in this fit.
        """
        if self._n_completed and self._undo is not None:
            self._undo()
        elif self._n_completed:
            # Early stopping, or another callback, may have brought back the weights of another.
            self.estimator.best_epoch_ = self._kept_epoch(weights_digest(self.model))
        return self._n_completed > 0

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Say which epoch's weights are kept; measure again those that are of none."""
        present = weights_digest(self.model)
        if present not in self._samples:
            for name, value in self.evaluate().items():
                self.estimator.history_[name][-1] = float(value)
            self._samples[-1] = present
        self.estimator.best_epoch_ = self._kept_epoch(present)

    def _kept_epoch(self, present: str) -> int:
        """Return the last epoch that had the present weights, or the last one where none had."""
        epochs = [epoch for epoch, sample in enumerate(self._samples) if sample == present]
        return epochs[-1] if epochs else len(self._samples) - 1


def _as_float(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"What callbacks put into the logs of an epoch must be numbers, got {name!r}:"
            f" {value!r:.60}."
        ) from error


def weights_digest(model: keras.Model) -> str:
    """Return what tells the weights of one epoch from those of another."""
    digest = hashlib.sha256()
    for variable in model.trainable_variables:
        flat = tf.reshape(variable.value, [-1])
        digest.update(flat[:: max(1, flat.shape[0] // _SAMPLE)].numpy().tobytes())
    return digest.hexdigest()
