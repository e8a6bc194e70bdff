"""What does not go together in a tuned classifier, refused before anything is fitted."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skmlclf.classifiers._targets import (
    MulticlassTargets,
    MultilabelTargets,
    SingleClassTargets,
    Targets,
)


def is_fitted_before(tuned: Any) -> bool:
    """Say whether the estimator of a tuned classifier is used as it is."""
    prefit = isinstance(tuned.cv, str) and tuned.cv == "prefit"
    return prefit or isinstance(tuned.estimator, FrozenEstimator)


def check_given(tuned: Any, y: Any, X_val: Any, y_val: Any) -> None:
    """Refuse targets that are missing, with a ValueError."""
    if y is None:
        raise ValueError(
            f"{type(tuned).__name__} requires y to be passed, but the target y is None."
        )
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val are given together, got one of them alone.")


def check_tuning(tuned: Any, targets: Targets, *, held_out: bool) -> None:
    """Refuse targets and parameters that do not go together.

    Parameters
    ----------
    tuned : LabelThresholdClassifier
        With its parameters.
    targets : Targets
        Of the rows given.
    held_out : bool
        Whether held-out rows are given.

    Raises
    ------
    ValueError
        If something does not go together.
    NotFittedError
        If the estimator should be fitted, and is not.
    """
    if isinstance(targets, SingleClassTargets):
        raise ValueError(
            "There is nothing to decide between: y holds 1 class, expected two, or several labels"
            " as the columns of a 2-d y."
        )
    if isinstance(targets, MulticlassTargets):
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass. Labels"
            " that do not exclude each other are the columns of a 2-d y."
        )
    if tuned.objective == "samples_f1" and not isinstance(targets, MultilabelTargets):
        raise ValueError(
            "objective='samples_f1' chooses among the labels of each row, and this y has two"
            " classes: use 'macro_f1', which is the F1 of the second."
        )
    needs = "objective='samples_f1'" if tuned.objective == "samples_f1" else None
    needs = "calibrate=True" if tuned.calibrate else needs
    gives = tuned.response_method != "decision_function" and hasattr(
        tuned.estimator, "predict_proba"
    )
    if needs is not None and not gives:
        raise ValueError(
            f"{needs} needs probabilities, and these are decision values of"
            f" {type(tuned.estimator).__name__}: put a calibrated classifier inside, or leave it"
            " out."
        )
    if tuned.max_labels is not None and tuned.max_labels < tuned.min_labels:
        raise ValueError(
            f"max_labels={tuned.max_labels} is below min_labels={tuned.min_labels}: expected at"
            " least as many."
        )
    if is_fitted_before(tuned):
        if held_out:
            raise ValueError(
                "X_val is for an estimator that is yet to be fitted. This one is used as it is, and"
                " tuned on the rows given as X and y."
            )
        check_is_fitted(tuned.estimator)
        known = getattr(tuned.estimator, "label_names_", None)
        names = targets.label_names
        if known is not None and names is not None and not np.array_equal(known, names):
            raise ValueError(
                "The columns of y must be the labels that the estimator was fitted on, in the same"
                f" order: got {list(names)[:5]}, expected {list(known)[:5]}."
            )
