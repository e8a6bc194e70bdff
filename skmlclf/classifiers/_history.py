"""The record of a fit: its history, and the epoch whose weights are there."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

_SAMPLE = 4096


class HistoryRecorder(keras.callbacks.Callback):
    """Keep ``history_``, ``n_iter_`` and ``best_epoch_`` of an estimator true to its weights.

    Callbacks may bring back the weights of an earlier epoch, or put others in their place, so the
    weights that are there at the end are compared with those of each epoch.

    Parameters
    ----------
    estimator : estimator
        Its ``history_`` is extended in place; ``n_iter_`` and ``best_epoch_`` are set.
    evaluate : callable
        Measures the held-out rows with the weights that are there.
    """

    def __init__(self, estimator: Any, evaluate: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.evaluate = evaluate
        self._n_completed = 0
        self._completed: list[np.ndarray] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Count what was run before."""
        n_before = len(self.estimator.history_.get("loss", ()))
        self._samples: list[bytes | None] = [None] * n_before
        self.estimator.n_iter_ = n_before
        if n_before:
            # A resumed fit starts from the weights that were kept.
            self._samples[self.estimator.best_epoch_] = _sample(self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the weights of the epoch before, for as long as this one may be interrupted."""
        self._completed = self.model.get_weights() if self._n_completed else None

    def measure(self) -> dict[str, float]:
        """Measure the held-out rows after an epoch, before any callback changes the weights."""
        self._samples.append(_sample(self.model))
        return self.evaluate()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Append the values."""
        self._completed = None
        history = self.estimator.history_
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        self.estimator.n_iter_ = len(history["loss"])
        self.estimator.best_epoch_ = self._kept_epoch()
        self._n_completed += 1

    def restore(self) -> bool:
        """Bring back the weights of the last epoch that was completed.

        Returns
        -------
        bool
            Whether there was one in this fit.
        """
        if self._completed is not None:
            self.model.set_weights(self._completed)
        return self._n_completed > 0

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Say which epoch's weights are kept; measure again those that are of none."""
        if _sample(self.model) not in self._samples:
            for name, value in self.evaluate().items():
                self.estimator.history_[name][-1] = float(value)
            self._samples[-1] = _sample(self.model)
        self.estimator.best_epoch_ = self._kept_epoch()

    def _kept_epoch(self) -> int:
        """Return the last epoch that had these weights, or the last one where none had."""
        present = _sample(self.model)
        epochs = [epoch for epoch, sample in enumerate(self._samples) if sample == present]
        return epochs[-1] if epochs else len(self._samples) - 1


def _sample(model: keras.Model) -> bytes:
    """Return enough of the weights to tell those of one epoch from those of another."""
    parts = []
    for variable in model.trainable_variables:
        flat = tf.reshape(variable.value, [-1])
        parts.append(flat[:: max(1, flat.shape[0] // _SAMPLE)].numpy().tobytes())
    return b"".join(parts)
