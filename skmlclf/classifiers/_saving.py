"""Saving and exporting, as methods of the classifiers."""

import os

import keras
from sklearn.utils.validation import check_is_fitted

from skmlclf.persistence import export, save


class Savable:
    """The method that writes a classifier to a file, whatever its class."""

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        with_optimizer: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Save the classifier to one file that holds no code; `skmlclf.load` reads it.

        Parameters
        ----------
        path : str or path
            The file; a usual ending is ``.safetensors``.
        with_optimizer : bool, default=False
            Whether to write the state of the optimizer, also of one inside, for training to be
            resumed.
        overwrite : bool, default=False
            Whether to replace a file that is there.

        Raises
        ------
        ValueError
            If a parameter cannot be written. Nothing is written then.
        FileExistsError
            If there is a file, and `overwrite` is false.
        OSError
            If the file cannot be written. A file that was there is as it was.

        See Also
        --------
        skmlclf.save : The same for pipelines and transformers; says what the file holds.
        """
        save(self, path, with_optimizer=with_optimizer, overwrite=overwrite)


class Saving(Savable):
    """Model files of a network."""

    model_: keras.Model

    def export(self, path: str | os.PathLike[str], *, format: str, overwrite: bool = False) -> None:
        """Export the fitted network for programs that serve it without this package.

        The exported network takes float32 of shape ``(n, n_features_in_)`` and returns what
        ``model_`` returns: float32 probabilities with one column per output unit, so that of two
        classes there is only the second's.

        Parameters
        ----------
        path : str or path
            The file, or for ``"savedmodel"`` the folder.
        format : {"onnx", "litert", "savedmodel"}
            - ``"onnx"``: for ONNX Runtime and others; needs ``pip install skmlclf[onnx]``.
            - ``"litert"``: for LiteRT, formerly TensorFlow Lite, on phones and small machines;
              needs ``pip install skmlclf[litert]`` to be run.
            - ``"savedmodel"``: for TensorFlow Serving.
        overwrite : bool, default=False
            Whether to replace what is there.

        Raises
        ------
        ValueError
            If there is no such format.
        ImportError
            If a library that the format needs is missing.
        FileExistsError
            If there is something at `path` and `overwrite` is false, or something that is no
            export.
        OSError
            If it cannot be written.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> import tensorflow as tf
        >>> from skmlclf import BaseMLPClassifier
        >>> from skmlclf.datasets import make_video_embeddings
        >>> X, y = make_video_embeddings(300, n_labels=100, random_state=0)
        >>> clf = BaseMLPClassifier(hidden_units=64, epochs=2, random_state=0).fit(X, y)
        >>> folder = Path(mkdtemp()) / "served"
        >>> clf.export(folder, format="savedmodel")
        >>> serve = tf.saved_model.load(folder).signatures["serving_default"]
        >>> [output] = serve(tf.constant(X)).values()
        >>> output.shape
        TensorShape([300, 100])
        """
        check_is_fitted(self, "model_")
        export(self.model_, path, format=format, overwrite=overwrite)
