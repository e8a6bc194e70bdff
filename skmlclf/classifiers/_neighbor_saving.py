"""Saving and pickling a blend."""

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from skmlclf.classifiers._neighbor_state import FITTED, fitted_state, restore
from skmlclf.classifiers._neighbors import check_estimator, is_frozen
from skmlclf.classifiers._saving import Savable


class NeighborSaving(Savable, BaseEstimator):
    """Files and pickles of a blend: one description of what a fit leaves, without the index."""

    estimator: Any

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        for name in FITTED:
            state.pop(name, None)
        return {**state, "_fitted": fitted_state(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: value for name, value in state.items() if name != "_fitted"})
        if state["_fitted"] is not None:
            restore(self, state["_fitted"])

    def _to_state(self, *, with_optimizer: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return parameters and fitted state as `skmlclf.persistence` writes them."""
        params = {**self.get_params(deep=False), "frozen": is_frozen(self.estimator)}
        if params["frozen"]:
            params["estimator"] = self.estimator.estimator
        return params, fitted_state(self)

    @classmethod
    def _from_state(cls, params: dict[str, Any], fitted: dict[str, Any] | None) -> Self:
        """Return the classifier of what `_to_state` returned, or raise a ValueError."""
        params = dict(params)
        frozen = params.pop("frozen", None)
        if not isinstance(frozen, bool):
            raise ValueError(f"{cls.__name__}.frozen must be True or False, got {frozen!r:.60}")
        try:
            blend = cls(**params)
            blend._validate_params()
            check_estimator(blend.estimator)
            if frozen:
                blend.estimator = FrozenEstimator(blend.estimator)
        except TypeError as error:
            raise ValueError(f"{cls.__name__} cannot be made: {error}") from error
        if fitted is not None:
            restore(blend, fitted)
        return blend
