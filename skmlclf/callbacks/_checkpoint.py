"""Checkpoints of a fit."""

import os
from numbers import Integral
from typing import Any

import keras


class Checkpoint(keras.callbacks.Callback):
    """Save checkpoints of a fit to disk, from which an interrupted fit is resumed.

    Pass it among the ``callbacks`` of a classifier of the package. A fit that was interrupted at
    any moment, by a signal, a crash or a power failure, resumes from the last checkpoint in the
    folder when it is run again with the same arguments. It ends with the weights, ``history_``,
    ``n_iter_`` and ``best_epoch_`` that it would have had without the interruption: in float32 bit
    for bit, on one machine with the same number of threads.

    .. versionadded:: 0.1

    Parameters
    ----------
    folder : str or path
        Folder of the checkpoint, created if it does not exist. Every fit needs its own.
    every : "epoch" or int, default="epoch"
        "epoch" writes a checkpoint after each epoch, an int after each such number of steps. An
        epoch has ``ceil(n_samples / batch_size)`` steps.

    Raises
    ------
    ValueError
        If `folder` is not a path, or `every` is not as described. In `fit`, if the checkpoint is of
        a fit with other parameters, data or initial weights (the error names the difference), if
        its file is damaged, or if two `Checkpoint` callbacks are passed. In `partial_fit`, which
        runs one epoch: call ``save`` after it.
    OSError
        In `fit`, if the folder cannot be written to, which is checked before the first step, or if
        the disk is full later. The last complete checkpoint is kept then.
    RuntimeError
        In `fit`, if another fit is writing to the folder.

    Notes
    -----
    The folder holds one file, ``checkpoint.safetensors``: all variables of the network and its
    optimizer, the states of the random generators, the position in the epoch, the history, the
    weights of the best epoch so far, and a description of the fit. It is as large as these
    variables, with Adam three times the weights. It is written under a temporary name, flushed to
    disk and renamed, so that it is complete at any moment.

    The data of two fits count as the same if their shapes, dtypes, all targets and weights, and up
    to 64 MB of evenly spaced rows of the features are equal. ``verbose`` and `every` may differ.

    A fit that has ended leaves a checkpoint as well, and the same fit then returns its result at
    once, without calling any callback. Delete the folder to fit anew. A fit is resumed with the
    states of its random generators, also with ``random_state=None``.

    The state of your own callbacks and those of Keras, such as the patience of
    ``keras.callbacks.EarlyStopping``, cannot be saved: after an interruption they start anew with
    the epoch that is resumed. Early stopping by the parameter ``early_stopping``, `EpochMetrics`
    and `EpochTable` resume correctly; a table shows the epochs that were run since.

    On file systems without locks, such as some network drives, two fits that write to one folder
    are not detected.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from skmlclf import BaseMLPClassifier
    >>> from skmlclf.callbacks import Checkpoint
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(120, n_labels=50, random_state=0)
    >>> checkpoint = Checkpoint(mkdtemp(), every="epoch")
    >>> clf = BaseMLPClassifier(epochs=2, callbacks=[checkpoint], random_state=0).fit(X, y)
    >>> same = clf.fit(X, y)  # there is nothing left to do
    >>> clf.set_params(epochs=3).fit(X, y)
    Traceback (most recent call last):
    ...
    ValueError: The checkpoint in ... is of another fit: epochs was 2, is 3. ...
    """

    def __init__(self, folder: str | os.PathLike[str], *, every: str | int = "epoch") -> None:
        super().__init__()
        if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
            raise ValueError(
                f"folder must be the path of a folder, got {folder!r}. Name one of this fit's own."
            )
        if not (every == "epoch" or _is_count(every)):
            raise ValueError(f'every must be "epoch" or a positive int, got {every!r}.')
        self.folder = folder
        self.every = every

    def set_params(self, params: dict[str, Any]) -> None:
        """Raise an error in the `fit` of a Keras model; nothing is stored.

        Parameters
        ----------
        params : dict
            The parameters of a fit that Keras passes to callbacks.

        Raises
        ------
        ValueError
            In Keras' `fit`.
        """
        # A fit of this package says so, as Keras tells callbacks of a fit.
        if not (params or {}).get("measures_held_out"):
            raise ValueError(
                "Checkpoint works in the fit of skmlclf's classifiers. In the fit of a Keras model,"
                " use keras.callbacks.BackupAndRestore."
            )

    def set_model(self, model: keras.Model) -> None:
        """Store no reference to the model, so that the callback can be copied and pickled.

        Parameters
        ----------
        model : keras.Model
            The model that is trained.
        """


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0
