"""Saving and pickling a tuned classifier."""

from typing import Any, Self

from sklearn.base import BaseEstimator

from skmlclf.classifiers._label_threshold_state import (
    parameters_from_plain,
    parameters_to_plain,
    restore_tuned,
    tuned_state,
)
from skmlclf.classifiers._saving import Savable
from skmlclf.classifiers._targets import Targets, targets_from_plain, targets_to_plain


class TunedSaving(Savable, BaseEstimator):
    """Files and pickles of a tuned classifier: plain values and the inner classifier."""

    _targets_: Targets

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__().copy()
        if "_targets_" in state:
            # Plain values, so that skops has nothing of it to trust.
            state["_targets_"] = targets_to_plain(self._targets_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_targets_" in state:
            self._targets_ = targets_from_plain(state["_targets_"])

    def _to_state(self, *, with_optimizer: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return parameters and fitted state as `skmlclf.persistence` writes them."""
        return parameters_to_plain(self), tuned_state(self)

    @classmethod
    def _from_state(cls, params: dict[str, Any], fitted: dict[str, Any] | None) -> Self:
        """Return the classifier of what `_to_state` returned, or raise a ValueError."""
        classifier = cls(**parameters_from_plain(params, cls))
        classifier._validate_params()
        if fitted is not None:
            restore_tuned(classifier, fitted)
            classifier._copy_features()
        return classifier
