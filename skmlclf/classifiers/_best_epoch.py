"""Early stopping that keeps the best weights."""

from typing import Any

import keras
import numpy as np

from skmlclf.persistence import check_fields


class BestEpoch(keras.callbacks.Callback):
    """Stop when a value no longer improves, and restore the weights of its best epoch.

    Parameters
    ----------
    monitor : str
        Name of the value in the logs.
    greater_is_better : bool
        Its direction.
    patience : int
        Epochs without improvement after which to stop.
    tol : float
        What counts as an improvement: more than this over the best so far.
    """

    def __init__(self, monitor: str, *, greater_is_better: bool, patience: int, tol: float) -> None:
        super().__init__()
        self.monitor = monitor
        self.sign = 1.0 if greater_is_better else -1.0
        self.patience = patience
        self.tol = tol
        self._initial: float | None = None
        self._resumed: dict[str, Any] | None = None

    def start_from(self, value: float) -> None:
        """Count the weights that a resumed fit starts from as the best so far.

        Parameters
        ----------
        value : float
            Of the monitored value, under these weights.
        """
        self._initial = value

    def to_plain(self) -> dict[str, Any]:
        """Return the comparison so far, for a checkpoint."""
        return {
            "best": float(self._best),
            "mark": float(self._mark),
            "waited": self._waited,
            "weights": self._weights,
        }

    def resume_from(self, plain: dict[str, Any]) -> None:
        """Let a fit resume with the comparison that `to_plain` returned."""
        check_fields(plain, {"best": float, "mark": float, "waited": int, "weights": list}, "best")
        self._resumed = plain

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forget any earlier fit, but for the weights that this one starts from."""
        self._best = self._mark = -np.inf
        self._waited = 0
        self._weights: list[np.ndarray] = []
        if self._initial is not None:
            self._best = self._mark = self.sign * self._initial
            self._weights = self.model.get_weights()
        if self._resumed is not None:
            self._best, self._mark = self._resumed["best"], self._resumed["mark"]
            self._waited, self._weights = self._resumed["waited"], self._resumed["weights"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Update the best epoch, and stop when patience has run out.

        Raises
        ------
        ValueError
            If the value is NaN: it cannot be compared.
        """
        value = self.sign * (logs or {})[self.monitor]
        if np.isnan(value):
            raise ValueError(
                f"Early stopping looks at {self.monitor!r}, which is NaN after epoch {epoch + 1}:"
                " the held-out rows do not define it. Choose another scoring, or hold out rows"
                " with labels."
            )
        if value > self._best:
            self._best = value
            self._weights = self.model.get_weights()
        # The best weights are kept however small the gain; only patience asks for `tol`.
        if value > self._mark + self.tol:
            self._mark, self._waited = value, 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Restore the best weights."""
        if self._weights:
            self.model.set_weights(self._weights)
        self._weights = []
