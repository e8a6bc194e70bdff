"""Saving estimators to one file each, and loading them."""

import os
from collections.abc import Mapping
from typing import Any

from skmlclf._versions import library_versions
from skmlclf.persistence._checks import check_fields
from skmlclf.persistence._estimators import estimator_from_document, estimator_to_document
from skmlclf.persistence._file import read_file, write_file


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    with_optimizer: bool = False,
    overwrite: bool = False,
) -> None:
    """Save an estimator to one file that holds no code.

    The file is a safetensors file [1]_: the weights and other arrays as tensors, everything else as
    one JSON document in its metadata. It is about as large as the weights. `load` rebuilds the
    network from the parameters, and its predictions are equal to those of the estimator bit for
    bit.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator
        A classifier or transformer of the package, fitted or not, or a
        `sklearn.pipeline.Pipeline` of them and of transformers of scikit-learn: ``PCA``,
        ``IncrementalPCA``, ``TruncatedSVD``, ``StandardScaler``, ``MinMaxScaler``,
        ``MaxAbsScaler``, ``RobustScaler``, ``QuantileTransformer``, ``Normalizer``, ``Binarizer``,
        ``SelectKBest``, ``SelectPercentile`` and ``VarianceThreshold``. Of a search, save its
        ``best_estimator_``.
    path : str or path
        The file, usually with the ending ``.safetensors``.
    with_optimizer : bool, default=False
        Whether to include the state of the optimizer, so that training can be resumed with
        `partial_fit` or ``warm_start=True``. With Adam it is twice as large as the weights. Resumed
        training of the loaded estimator is then equal bit for bit; without it, the optimizer starts
        anew.
    overwrite : bool, default=False
        Whether to replace an existing file.

    Raises
    ------
    ValueError
        If the estimator is of another class, or a parameter cannot be written. Nothing is written
        then.
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the file cannot be written. An existing file is left as it was.

    See Also
    --------
    load : Read the file again.

    Notes
    -----
    The file is written under a temporary name, flushed to disk and renamed, so that at any moment
    either the old or the new file exists and is complete. A process that is killed may leave a
    hidden folder whose name ends in ``.tmp``; it can be deleted.

    Parameters can be numbers, strings, arrays, lists, dictionaries, a RandomState (saved by its
    state) and Keras' own optimizers (saved by name and settings). Functions are saved by name, and
    must be passed to `load`. ``callbacks`` are not saved, since they can be objects of any kind.
    Anything else raises an error.

    Transformers of scikit-learn are saved as their parameters and documented attributes, and not
    through skops: the format of the file does not depend on private attributes of one version of
    scikit-learn. To use skops instead, pass `SKOPS_TRUSTED` to it.

    References
    ----------
    .. [1] https://huggingface.co/docs/safetensors

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import skmlclf
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    >>> pipe = skmlclf.make_feature_mlp("audio", n_components=32, epochs=2, random_state=0)
    >>> path = Path(mkdtemp()) / "model.safetensors"
    >>> skmlclf.save(pipe.fit(X, y), path)
    >>> bool((skmlclf.load(path).predict_proba(X) == pipe.predict_proba(X)).all())
    True
    """
    document, tensors = estimator_to_document(estimator, with_optimizer=with_optimizer)
    content = {"versions": library_versions(), "model": document}
    write_file(path, content, tensors, overwrite=overwrite)


def load(path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Load an estimator that `save` wrote.

    Loading runs no code from the file, imports nothing that the file names, and allocates nothing
    that is much larger than the file: names are looked up in a fixed table, and shapes and dtypes
    are compared with the structure of the network before it is built.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path
        The file.
    custom_objects : mapping of str to callable, default=None
        Your own functions by name, where the estimator uses some, such as the one that builds the
        network of a `NetworkClassifier`. They are called as in a fit.

    Returns
    -------
    estimator
        As it was saved, without callbacks.

    Raises
    ------
    ValueError
        If it is not a file that `save` wrote, is damaged, was written by a newer version, or needs
        a function that is not passed.
    FileNotFoundError
        If there is no file.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import skmlclf
    >>> skmlclf.load("missing.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no file 'missing.safetensors'.
    """
    try:
        content, tensors = read_file(path)
        check_fields(content, {"versions": dict, "model": dict}, "its document")
        return estimator_from_document(content["model"], tensors, dict(custom_objects or {}))
    except (ValueError, TypeError, RecursionError) as error:
        # Constructors and validators of other libraries meet values of other types with both.
        raise ValueError(f"{os.fspath(path)!r} cannot be loaded: {error}") from error
