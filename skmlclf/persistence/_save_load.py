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

    The file is a safetensors file [1]_: the weights and other arrays as tensors, everything else
    as one JSON document among its metadata. It takes up as much as the weights. `load` builds the
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
        The file; a usual ending is ``.safetensors``.
    with_optimizer : bool, default=False
        Whether to write the state of the optimizer as well, where training is to be resumed:
        with `partial_fit`, or with ``warm_start=True``. With Adam it is twice as large as the
        weights. A resumed fit of the loaded estimator is then equal bit for bit; without it, the
        optimizer starts anew.
    overwrite : bool, default=False
        Whether to replace a file that is there.

    Raises
    ------
    ValueError
        If the estimator is of another class, or a parameter cannot be written. Nothing is written
        then.
    FileExistsError
        If there is a file, and `overwrite` is false.
    OSError
        If the file cannot be written. A file that was there is as it was.

    See Also
    --------
    load : Read the file again.

    Notes
    -----
    The file is written beside its place, flushed to the disk and renamed, so that the old file or
    the new one is there at any moment. A process that is killed may leave a hidden folder whose
    name ends in ``.tmp``; it can be deleted.

    What is written of the parameters: numbers, texts, arrays, lists, dictionaries, a RandomState by
    its state, Keras' own optimizers by their names and settings. Functions are written by their
    names, and `load` must be given them. ``callbacks`` are left out: they are objects of any kind
    and have done their work. Anything else is refused.

    Transformers of scikit-learn are written as their parameters and the attributes that its
    documentation lists, from a closed table, and not through skops: the file stays one format with
    one way of checking it, which does not depend on the private attributes of one version of
    scikit-learn. `SKOPS_TRUSTED` is for those who prefer skops.

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

    No code of the file is run, nothing is imported because the file says so, and nothing is
    allocated that is much larger than the file: names are looked up in a closed table, and shapes
    and dtypes are compared with the structure of the network before it is built.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path
        The file.
    custom_objects : mapping of str to callable, default=None
        Functions of your own by their names, where the estimator has some, such as the one that
        builds the network of a `NetworkClassifier`. They are called as they are in a fit.

    Returns
    -------
    estimator
        As it was saved, without callbacks.

    Raises
    ------
    ValueError
        If it is no such file, is damaged, was written by a newer version, or needs a function
        that is not passed.
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
