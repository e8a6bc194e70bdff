"""The one door to private or versioned names of scikit-learn, scikeras and Keras.

The rest of the package imports such names from here, so that a new release of theirs is met in one
file.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.utils._param_validation import Interval, Options, StrOptions, validate_params
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight

__all__ = [
    "BaseScorer",
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "StrOptions",
    "_check_feature_names_in",
    "_check_sample_weight",
    "_fit_context",
    "adam_moments",
    "keras_wrapper",
    "sgd_momentums",
    "shared_predictions",
    "validate_params",
    "with_callbacks",
]

Method = TypeVar("Method", bound=Callable[..., Any])


class CallbackSupportMixin:
    """Stands for scikit-learn's mixin of that name, which came with 1.9."""


def with_callbacks(method: Method) -> Method:
    """Stand for scikit-learn's decorator of that name, which came with 1.9."""
    return method


with contextlib.suppress(ImportError):
    from sklearn.callback import CallbackSupportMixin, with_callbacks


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
