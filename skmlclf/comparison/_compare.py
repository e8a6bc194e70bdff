"""Fit several classifiers on the same data: the main job."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, TextIO

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmlclf.callbacks import DEFAULT_METRICS, EpochMetrics
from skmlclf.classifiers import BaseKerasClassifier
from skmlclf.comparison._memory import peak_memory
from skmlclf.comparison._result import Comparison, Result
from skmlclf.metrics import get_metric

_KEPT_LABELS = 20


def compare(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    X_val: Any,
    y_val: Any,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    verbose: bool = True,
    file: TextIO | None = None,
) -> Comparison:
    """Fit classifiers of this package, or pipelines that end in one, on the same rows.

    Parameters
    ----------
    estimators : mapping of str to estimator
        What to fit, by name. Clones are fitted.
    X, y : array-like
        Training rows and targets.
    X_val, y_val : array-like
        Held-out rows and targets. They pass through the transformers of a pipeline.
    metrics : sequence of str, default=("precision_at_20", "recall_samples", "f1_samples", \
"hamming", "multilabel_confusion_matrix")
        What to compute on the held-out rows after each epoch. The totals of the confusion matrix
        are shown with the epochs and kept in the histories; they are no column of the table.
    verbose : bool, default=True
        Whether to print a line after each epoch.
    file : text stream, default=None
        Where to print; None stands for standard output.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        If `estimators` is no mapping, or an estimator none of this package.
    ValueError
        If there is nothing to fit, a parameter is not as described, `y` is not 2-d, or `metrics`
        names nothing that can be a column of the table.

    Examples
    --------
    >>> from skmlclf.comparison import compare, default_architectures
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=50, random_state=0)
    >>> chosen = {"base": default_architectures(epochs=2, random_state=0)["base"]}
    >>> comparison = compare(chosen, X[:250], y[:250], X[250:], y[250:], verbose=False)
    >>> comparison.results[0].n_parameters
    1231922
    """
    _check_estimators(estimators)
    y, y_val = (labels if sparse.issparse(labels) else np.asarray(labels) for labels in (y, y_val))
    if y.ndim != 2:
        raise ValueError(
            "compare needs a 2-d y with a column a label, got shape"
            f" {y.shape}. For classes, pass their indicator, as LabelBinarizer makes it."
        )
    table_metrics = tuple(name for name in metrics if not get_metric(name).keys)
    if not table_metrics:
        raise ValueError(
            f"metrics must name at least one figure to compare by, got {list(metrics)}: a metric of"
            " several values is no column of the table. Add one, such as 'precision_at_20'."
        )
    results = []
    for name, estimator in estimators.items():
        name, estimator = str(name), clone(estimator)
        classifier = _classifier_of(estimator)
        measured = EpochMetrics(metrics, verbose=verbose, file=file)
        params = _settings(estimator)
        classifier.set_params(callbacks=[*(classifier.callbacks or ()), measured])
        if verbose:
            print(f"\n{name}", file=file, flush=True)
        start = perf_counter()
        with peak_memory() as peak:
            try:
                _fit(estimator, classifier, X, y, X_val, y_val)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        seconds = perf_counter() - start
        transformed = X_val if classifier is estimator else estimator[:-1].transform(X_val)
        n_kept = min(_KEPT_LABELS, len(classifier.classes_))
        results.append(
            Result(
                name,
                params,
                sum(int(np.prod(v.shape)) for v in classifier.model_.trainable_variables),
                seconds,
                peak.bytes,
                classifier.history_,
                classifier.best_epoch_,
                classifier.predict_topk(transformed, k=n_kept),
                sparse.csr_matrix(classifier.predict(transformed)),
            )
        )
    return Comparison(results, table_metrics, _sizes(X, y, X_val), y, y_val)


def _check_estimators(estimators: Any) -> None:
    """Refuse, before the first fit, what one of them could not be fitted with."""
    if not isinstance(estimators, Mapping):
        raise TypeError(f"estimators must be a mapping from names to them, got {estimators!r}.")
    if not estimators:
        raise ValueError("estimators must hold at least one estimator, got none.")
    for name, estimator in estimators.items():
        classifier = _classifier_of(estimator)
        if not isinstance(classifier, BaseKerasClassifier):
            raise TypeError(
                f"estimators[{name!r}] must be a classifier of skmlclf, or a Pipeline that ends in"
                f" one, got {estimator!r}."
            )
        try:
            classifier._check_parameters()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _classifier_of(estimator: Any) -> Any:
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _settings(estimator: Any) -> dict[str, Any]:
    """Return the parameters that decide the fit, of every step where there are several."""
    if not isinstance(estimator, Pipeline):
        return {k: v for k, v in estimator.get_params().items() if k != "callbacks"}
    return {
        f"{step}__{name}": value
        for step, part in estimator.steps
        if hasattr(part, "get_params")
        for name, value in _settings(part).items()
    }


def _sizes(X: Any, y: Any, X_val: Any) -> dict[str, float]:
    positives = y.count_nonzero() if sparse.issparse(y) else np.count_nonzero(y)
    return {
        "training samples": len(X),
        "held-out samples": len(X_val),
        "features": np.shape(X)[1],
        "labels": y.shape[1],
        "labels a training sample": positives / len(X),
    }


def _fit(
    estimator: Any, classifier: Any, X: ArrayLike, y: Any, X_val: ArrayLike, y_val: Any
) -> None:
    # Only with routing does a pipeline take held-out rows through its transformers.
    with config_context(enable_metadata_routing=True):
        if estimator is not classifier:
            estimator.set_params(transform_input=["X_val"])
            classifier.set_fit_request(X_val=True, y_val=True)
        estimator.fit(X, y, X_val=X_val, y_val=y_val)
