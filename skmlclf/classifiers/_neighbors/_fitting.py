"""Fitting the inner classifier, with held-out rows where it takes some."""

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skmlclf.classifiers._neighbors._rows import LabelledRows


def fit_with_held_out(estimator: Any, rows: LabelledRows, held_out: LabelledRows | None) -> None:
    """Fit a classifier, or a pipeline that ends in one.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Changed.
    rows : LabelledRows
        The training rows.
    held_out : LabelledRows or None
        Rows that its ``fit`` gets as ``X_val`` and ``y_val``, where it takes such. They pass
        through the transformers of a pipeline.

    Raises
    ------
    TypeError
        If weights are given to a classifier that takes none.
    """
    classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    X, y, given = rows.X, rows.y, {}
    if held_out is not None and has_fit_parameter(classifier, "X_val"):
        given = {"X_val": held_out.X, "y_val": held_out.y}
        if held_out.sample_weight is not None:
            given["sample_weight_val"] = held_out.sample_weight
    if rows.sample_weight is not None:
        if not has_fit_parameter(classifier, "sample_weight"):
            raise TypeError(f"{type(classifier).__name__}.fit takes no sample_weight.")
        given["sample_weight"] = rows.sample_weight
    if not given or not isinstance(estimator, Pipeline):
        estimator.fit(X, y, **given)
        return
    # Without metadata routing, which is off by default, a pipeline hands nothing through its
    # transformers but X.
    if len(estimator) > 1:
        steps = estimator[:-1]
        X = steps.fit_transform(X, y)
        estimator.steps[:-1] = steps.steps
        if "X_val" in given:
            given["X_val"] = steps.transform(given["X_val"])
    classifier.fit(X, y, **given)
