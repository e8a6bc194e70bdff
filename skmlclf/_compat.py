"""The one door to private or versioned names of scikit-learn, scikeras and Keras.

The rest of the package imports such names from here, so that a new release of theirs is met in one
file.
"""

from collections.abc import Iterator
from typing import Any

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.model_selection._split import _BaseKFold as BaseKFold
from sklearn.model_selection._split import _validate_shuffle_split as validate_shuffle_split
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    Interval,
    Options,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    _get_feature_names,
)

__all__ = [
    "BaseKFold",
    "BaseScorer",
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "_check_feature_names_in",
    "_check_sample_weight",
    "_fit_context",
    "_get_feature_names",
    "_safe_indexing",
    "adam_moments",
    "keras_wrapper",
    "sgd_momentums",
    "shared_predictions",
    "validate_params",
    "validate_shuffle_split",
    "with_callbacks",
]

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for scikit-learn's mixin of that name."""

    def with_callbacks(method: Any) -> Any:
        """Stand for scikit-learn's decorator of that name."""
        return method


def adam_moments(optimizer: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the first and second moment variables of a built ``keras.optimizers.Adam``."""
    return zip(optimizer._momentums, optimizer._velocities, strict=True)


def sgd_momentums(optimizer: Any) -> list[Any]:
    """Return the momentum variables of a built ``keras.optimizers.SGD``."""
    return list(optimizer.momentums)


def keras_wrapper() -> type:
    """Return scikeras' ``BaseWrapper``, able to serve as a base under today's scikit-learn."""
    from scikeras.wrappers import BaseWrapper

    # scikeras still defines the `_more_tags` of scikit-learn before 1.6, which is refused where
    # the same class lacks the method that took its place.
    if "__sklearn_tags__" not in vars(BaseWrapper):

        def __sklearn_tags__(self: Any) -> Any:
            return super(BaseWrapper, self).__sklearn_tags__()

        BaseWrapper.__sklearn_tags__ = __sklearn_tags__
    return BaseWrapper


def shared_predictions(method_caller: Any) -> dict[Any, Any] | None:
    """Return the cache that the scorers of one multi-metric call share, if there is one."""
    cache = next(iter(getattr(method_caller, "args", ())), None)
    return cache if isinstance(cache, dict) else None
