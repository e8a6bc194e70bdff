"""A tuned classifier as plain values and the inner classifier, and back."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from skmlclf.classifiers._targets import targets_from_plain, targets_to_plain
from skmlclf.persistence import check_array, check_fields

_CV_RESULTS = ("scores", "scores_at_half", "n_positives")
_ARRAY = (np.ndarray, None)
_FIELDS = {
    "estimator": object,
    "thresholds": _ARRAY,
    "nonempty": bool,
    "temperature": float,
    "best_score": float,
    "cv_results": (dict, None),
    "targets": dict,
    "label_names": _ARRAY,
}


def parameters_to_plain(tuned: Any) -> dict[str, Any]:
    """Return the parameters, a frozen estimator as what is frozen."""
    params = tuned.get_params(deep=False)
    frozen = isinstance(tuned.estimator, FrozenEstimator)
    if frozen:
        params["estimator"] = tuned.estimator.estimator
    return {**params, "frozen": frozen}


def parameters_from_plain(params: dict[str, Any], cls: Any) -> dict[str, Any]:
    """Return the parameters of what `parameters_to_plain` returned, or raise a ValueError."""
    params = dict(params)
    frozen = params.pop("frozen", None)
    if type(frozen) is not bool or set(params) != set(cls._get_param_names()):
        raise ValueError(f"{cls.__name__} has other parameters than {sorted(params)}")
    if frozen:
        params["estimator"] = FrozenEstimator(params["estimator"])
    return params


def tuned_state(tuned: Any) -> dict[str, Any] | None:
    """Return what was learnt; None where it is not fitted."""
    if not hasattr(tuned, "estimator_"):
        return None
    # An estimator that was fitted before is a parameter, and written as one.
    own = tuned.estimator_ is not tuned.estimator
    return {
        "estimator": tuned.estimator_ if own else None,
        "thresholds": tuned.thresholds_,
        "nonempty": tuned.nonempty_,
        "temperature": tuned.temperature_,
        "best_score": tuned.best_score_,
        "cv_results": getattr(tuned, "cv_results_", None),
        "targets": targets_to_plain(tuned._targets_),
        "label_names": tuned.label_names_,
    }


def restore_tuned(tuned: Any, state: dict[str, Any]) -> None:
    """Make a classifier one that has learnt what a state says, or raise a ValueError."""
    check_fields(state, _FIELDS, "the fitted state")
    targets = targets_from_plain(state["targets"])
    n_labels = targets.n_outputs
    if state["thresholds"] is not None:
        check_array(state["thresholds"], (n_labels,), "f", "thresholds")
    elif tuned.objective != "samples_f1":
        raise ValueError(f"objective={tuned.objective!r} has thresholds")
    if not 0 < state["temperature"] < np.inf:
        raise ValueError(f"temperature must be positive, got {state['temperature']!r}")
    if state["label_names"] is not None:
        check_array(state["label_names"], (n_labels,), "O", "label_names")
    results = state["cv_results"]
    if results is not None:
        check_fields(results, dict.fromkeys(_CV_RESULTS, np.ndarray), "cv_results")
        for name in _CV_RESULTS:
            check_array(results[name], (n_labels,), "if", f"cv_results.{name}")
        tuned.cv_results_ = results
    estimator = tuned.estimator if state["estimator"] is None else state["estimator"]
    if not hasattr(estimator, "fit"):
        raise ValueError("the fitted state must hold an estimator")
    tuned.estimator_, tuned._targets_ = estimator, targets
    tuned.thresholds_, tuned.nonempty_ = state["thresholds"], state["nonempty"]
    tuned.temperature_ = state["temperature"]
    tuned.best_score_, tuned.label_names_ = state["best_score"], state["label_names"]
