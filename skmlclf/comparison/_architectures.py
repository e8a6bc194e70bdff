"""The architectures to compare, not fitted."""

from collections.abc import Sequence
from typing import Any

from skmlclf.classifiers import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    NeighborBlendClassifier,
    make_feature_mlp,
)


def default_architectures(
    *,
    epochs: int = 5,
    random_state: int | None = None,
    precision: str = "float32",
    n_components: int = 256,
    max_components: int | None = None,
    out_of_core: bool = False,
) -> dict[str, Any]:
    """Return the four architectures of the package, and one with nearest neighbours, not fitted.

    .. versionadded:: 0.1

    Parameters
    ----------
    epochs : int, default=5
        Number of epochs of each.
    random_state : int or None, default=None
        Seed of each.
    precision : {"float32", "bfloat16", "auto"}, default="float32"
        Data type of the matrix products of each.
    n_components : int, default=256
        Number of principal components of ``"pca"``.
    max_components : int or None, default=None
        Upper bound of `n_components`, which cannot exceed the number of training rows or
        features. None sets no bound.
    out_of_core : bool, default=False
        Whether to compute the components block by block, for rows on disk.

    Returns
    -------
    dict of str to estimator
        ``"base"`` (`BaseMLPClassifier`), ``"pca"`` (`make_feature_mlp`), ``"blocks"``
        (`BlockMLPClassifier`) and ``"deep"`` (`DeepMLPClassifier`); and ``"deep+neighbors"``
        (`NeighborBlendClassifier` of ``"deep"``).

    Examples
    --------
    >>> from skmlclf.comparison import default_architectures
    >>> list(default_architectures())
    ['base', 'pca', 'blocks', 'deep', 'deep+neighbors']
    """
    shared: dict[str, Any] = {
        "epochs": epochs,
        "random_state": random_state,
        "precision": precision,
    }
    bound = n_components if max_components is None else max_components
    return {
        "base": BaseMLPClassifier(**shared),
        "pca": make_feature_mlp("all", min(n_components, bound), out_of_core=out_of_core, **shared),
        "blocks": BlockMLPClassifier(**shared),
        "deep": DeepMLPClassifier(**shared),
        "deep+neighbors": NeighborBlendClassifier(
            DeepMLPClassifier(**shared), random_state=random_state
        ),
    }


def feature_architectures(
    *,
    epochs: int = 5,
    random_state: int | None = None,
    precision: str = "float32",
    sizes: Sequence[int] = (64, 128, 256, 512),
    max_components: int | None = None,
    out_of_core: bool = False,
) -> dict[str, Any]:
    """Return the base network on different sets of features, not fitted.

    .. versionadded:: 0.1

    Parameters
    ----------
    epochs : int, default=5
        Number of epochs of each.
    random_state : int or None, default=None
        Seed of each.
    precision : {"float32", "bfloat16", "auto"}, default="float32"
        Data type of the matrix products of each.
    sizes : sequence of int, default=(64, 128, 256, 512)
        Numbers of principal components.
    max_components : int or None, default=None
        Maximum of `sizes`: larger ones are left out. None sets no maximum.
    out_of_core : bool, default=False
        Whether to compute the components block by block, for rows on disk.

    Returns
    -------
    dict of str to estimator
        ``"base"`` on all features, ``"video"``, ``"audio"``, and ``"pca-<size>"`` on all.

    Examples
    --------
    >>> from skmlclf.comparison import feature_architectures
    >>> list(feature_architectures(sizes=[32]))
    ['base', 'video', 'audio', 'pca-32']
    """
    shared: dict[str, Any] = {
        "epochs": epochs,
        "random_state": random_state,
        "precision": precision,
    }
    return {
        "base": BaseMLPClassifier(**shared),
        "video": make_feature_mlp("video", None, **shared),
        "audio": make_feature_mlp("audio", None, **shared),
        **{
            f"pca-{size}": make_feature_mlp("all", size, out_of_core=out_of_core, **shared)
            for size in sizes
            if max_components is None or size <= max_components
        },
    }
