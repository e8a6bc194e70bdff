"""Epochs as tasks of scikit-learn's callbacks."""

from typing import Any

import keras


class SklearnTasks(keras.callbacks.Callback):
    """Tell the callbacks set by ``set_callbacks`` of the fit and of each epoch.

    Parameters
    ----------
    estimator : classifier
        Being fitted. A copy of it is a snapshot of its weights, which is what a callback gets that
        asks for the fitted estimator of a task.
    data : FitData
        What `fit` was given.
    """

    def __init__(self, estimator: Any, data: Any) -> None:
        super().__init__()
        self.estimator = estimator
        weight = data.sample_weight
        metadata = None if weight is None else {"sample_weight": weight}
        self.task = {"estimator": estimator, "X": data.X, "y": data.y, "metadata": metadata}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the task of the whole fit."""
        # Known in advance only as a bound: a fit may stop early.
        self.fit_context = self.estimator._init_callback_context(
            max_subtasks=self.params["n_epochs"]
        )
        self.fit_context.call_on_fit_task_begin(**self.task)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Open the task of an epoch."""
        self.epoch_context = self.fit_context.subcontext(task_name="epoch")
        self.epoch_context.call_on_fit_task_begin(**self.task, reconstruction_attributes={})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Close the task of an epoch; a callback may ask to stop."""
        if self.epoch_context.call_on_fit_task_end(**self.task, reconstruction_attributes={}):
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Close the task of the whole fit."""
        self.fit_context.call_on_fit_task_end(**self.task, reconstruction_attributes={})
