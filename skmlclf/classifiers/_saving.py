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
            The file, usually with the ending ``.safetensors``.
        with_optimizer : bool, default=False
            Whether to include the state of the optimizer, also of an inner classifier, so that
            training can be resumed.
        overwrite : bool, default=False
            Whether to replace an existing file.

        Raises
        ------
        ValueError
            If a parameter cannot be written. Nothing is written then.
        FileExistsError
            If the file exists and `overwrite` is false.
        OSError
            If the file cannot be written. An existing file is left as it was.

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
        ``model_`` returns: float32 probabilities with one column per output unit: for two classes,
        only the probability of the second one.

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
            Whether to replace an earlier export.

        Raises
        ------
        ValueError
            If there is no such format.
        ImportError
            If a library that the format needs is missing.
        FileExistsError
            If `path` exists and `overwrite` is false, or is not an earlier export.
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
