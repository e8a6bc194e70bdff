"""A fit that survives being killed."""

import os
from numbers import Integral
from typing import Any

import keras


class Checkpoint(keras.callbacks.Callback):
    """Write a fit to disk every so often, so that it is resumed where it was killed.

    Pass it among the ``callbacks`` of a classifier of the package. A fit that was interrupted at
    any moment, by a signal, a crash or a power cut, and is run again with the same arguments
    resumes from the last checkpoint in the folder. It ends with the weights, ``history_``,
    ``n_iter_`` and ``best_epoch_`` that it would have had without the interruption: in float32 bit
    for bit, on one machine with the same number of threads.

    .. versionadded:: 0.1

    Parameters
    ----------
    folder : str or path
        Where the checkpoint is; it is made if there is none. Every fit needs a folder of its own.
    every : "epoch" or int, default="epoch"
        Write after each epoch, or after this number of steps. An epoch has
        ``ceil(n_samples / batch_size)`` of them.

    Raises
    ------
    ValueError
        If `folder` is no path, or `every` is anything else. In `fit`, if the checkpoint is of a fit
        with other parameters, data or starting weights (the error names the difference), if its
        file is damaged, or if two are passed. In `partial_fit`, which runs one epoch: call ``save``
        after it.
    OSError
        In `fit`, if the folder cannot be written, which is found before the first step, or if the
        disk is full later. The last good checkpoint is still there then.
    RuntimeError
        In `fit`, if another fit is writing to the folder.

    Notes
    -----
    The folder holds one file, ``checkpoint.safetensors``: all variables of the network and its
    optimizer, the state of the generators, how far the epoch is, the history, the weights of the
    best epoch so far, and what tells this fit from another one. It is as large as these variables,
    with Adam three times the weights. It is written under another name, flushed to the disk and
    renamed, so that at any moment it is whole.

    To tell whether the data are the same, their shapes, dtypes, all targets and weights, and up to
    64 MB of evenly spaced rows of the features are compared. ``verbose`` and `every` may differ.

    A checkpoint is left behind by a fit that has ended too, and the same fit then returns its
    result at once, without a call of any callback. Delete the folder to fit anew. With
    ``random_state=None`` too a fit is resumed with the generators that it had.

    Callbacks of your own and of Keras' may keep a state, such as the patience of
    ``keras.callbacks.EarlyStopping``, which cannot be saved: after an interruption they start anew
    with the epoch that is resumed. What this package brings (early stopping by the parameter
    ``early_stopping``, `EpochMetrics`, `EpochTable`) resumes right; a table shows the epochs that
    were run since.

    On file systems without locks, of which some network drives are, two fits in one folder are not
    noticed.

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
        """Refuse the fit of a Keras model; of others nothing is kept.

        Parameters
        ----------
        params : dict
            What callbacks are told of a fit.

        Raises
        ------
        ValueError
            In Keras' own fit.
        """
        # A fit of this package says so, as Keras tells callbacks of a fit.
        if not (params or {}).get("measures_held_out"):
            raise ValueError(
                "Checkpoint works in the fit of skmlclf's classifiers. In the fit of a Keras model,"
                " use keras.callbacks.BackupAndRestore."
            )

    def set_model(self, model: keras.Model) -> None:
        """Keep nothing of the model: these are settings only, to be copied and pickled.

        Parameters
        ----------
        model : keras.Model
            The model that is trained.
        """


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0
