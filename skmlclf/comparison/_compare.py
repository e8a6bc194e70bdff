"""Fit several classifiers on the same data and measure them on the same held-out rows."""

import traceback
import warnings
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any, Literal, TextIO

import numpy as np
from scipy import sparse
from sklearn.exceptions import FitFailedWarning

from skmlclf._indicator import label_names_of, read_indicator
from skmlclf.callbacks import DEFAULT_METRICS, EpochMetrics
from skmlclf.comparison._candidate import Candidate, make_candidates
from skmlclf.comparison._decisions import held_out_scores, measure_decisions
from skmlclf.comparison._measures import HeldOutResponses, Measurable, Measures
from skmlclf.comparison._memory import peak_memory
from skmlclf.comparison._result import Comparison, ComparisonInterrupted, Result
from skmlclf.comparison._text import fit_line
from skmlclf.thresholds import OBJECTIVES


def compare(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    X_val: Any,
    y_val: Any,
    *,
    metrics: Iterable[Measurable] | Mapping[str, Measurable] = DEFAULT_METRICS,
    objective: str | None = "micro_macro_f1",
    error_score: float | Literal["raise"] = np.nan,
    verbose: bool = True,
    file: TextIO | None = None,
) -> Comparison:
    """Fit multilabel classifiers on the same rows and measure them on the same held-out rows.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimators : mapping of str to estimator
        Multilabel classifiers of this package or of scikit-learn's kind, pipelines and searches
        included, by name. Clones are fitted.
    X : array-like of shape (n_samples, n_features)
        Training rows.
    y : {array-like, DataFrame, sparse} of shape (n_samples, n_labels)
        Their labels, 0 or 1.
    X_val, y_val : array-like
        Held-out rows and their labels, in the same form. A pipeline transforms them.
    metrics : sequence or dict, default=("precision_at_20", "recall_samples", "f1_samples", \
"hamming", "multilabel_confusion_matrix")
        What to measure on the held-out rows: names that `skmlclf.metrics.get_scorer` knows, those
        of scikit-learn's scorers among them, instances of `Metric`, or scorers ``scorer(estimator,
        X_val, y_val) -> float``; a dict gives scorers their names. Metrics of several values, such
        as the totals of the confusion matrix, are printed and stored in the results, but are not
        columns of the table.
    objective : str or None, default="micro_macro_f1"
        What the tuned decisions, which the report shows beside those of ``predict``, are tuned for,
        as for `skmlclf.LabelThresholdClassifier`; None tunes none. The thresholds for each half of
        the held-out rows are tuned on the other half, and no estimator is fitted again.
    error_score : nan or "raise", default=nan
        What to do when a fit fails. NaN stores the error in the result of that estimator, warns and
        continues, as the searches of scikit-learn do; "raise" raises it.
    verbose : bool, default=True
        Whether to print a line after each epoch, or after the fit where there are no epochs.
    file : text stream, default=None
        Stream to print to; None stands for standard output.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        If `estimators` is not a mapping, or holds anything but multilabel classifiers.
    ValueError
        If there is nothing to fit, two names are equal as strings, a parameter is not as described,
        `y` is not a 0/1 matrix, or no metric can be a column of the table; and if every fit failed.
    ComparisonInterrupted
        After Ctrl-C: a `KeyboardInterrupt` whose attribute ``comparison`` has the results of the
        estimators that were finished.

    Warns
    -----
    FitFailedWarning
        If a fit failed and `error_score` is NaN.

    Notes
    -----
    Classifiers of this package, and any whose ``fit`` takes ``X_val`` and ``y_val`` and which has
    a parameter ``callbacks``, are measured after each epoch too. Others have no learning curve, no
    held-out loss and no number of parameters.

    Classifiers of this package and `OneVsRestClassifier` get `y` as a CSR matrix, all others as an
    int64 array: scikit-learn has no tag for estimators that support sparse targets, and some
    misread them. Scorers of scikit-learn's form get `y_val` as an int64 array.

    Metrics are those of the fitted estimator, with the weights that it kept.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.comparison import compare, default_architectures
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=50, random_state=0)
    >>> chosen = {
    ...     "base": default_architectures(epochs=2, random_state=0)["base"],
    ...     "neighbors": KNeighborsClassifier(10),
    ... }
    >>> comparison = compare(chosen, X[:250], y[:250], X[250:], y[250:], verbose=False)
    >>> [result.n_parameters for result in comparison.results]
    [1231922, None]
    """
    if error_score != "raise" and not (isinstance(error_score, float) and np.isnan(error_score)):
        raise ValueError(f"error_score must be nan or 'raise', got {error_score!r}.")
    if objective is not None and objective not in OBJECTIVES:
        raise ValueError(f"objective must be None or one of {OBJECTIVES}, got {objective!r}.")
    candidates = make_candidates(estimators)
    measures = Measures(metrics)
    label_names, names_val = label_names_of(y), label_names_of(y_val)
    y, y_val = (_indicator(labels, name) for labels, name in ((y, "y"), (y_val, "y_val")))
    if y.shape[1] != y_val.shape[1]:
        raise ValueError(f"y has {y.shape[1]} labels and y_val {y_val.shape[1]}: expected as many.")
    if label_names is not None and names_val is not None and (label_names != names_val).any():
        raise ValueError(
            "The columns of y_val must be those of y, in the same order: got"
            f" {names_val.tolist()[:5]}, expected {label_names.tolist()[:5]}."
        )
    for rows, labels, name in ((X, y, ""), (X_val, y_val, "_val")):
        if len(np.shape(rows)) != 2 or np.shape(rows)[0] != labels.shape[0]:
            raise ValueError(
                f"X{name} must have shape ({labels.shape[0]}, n_features), one row for each of"
                f" y{name}, got shape {np.shape(rows)}."
            )
    if label_names is None:
        known = (candidate.label_names for candidate in candidates)
        label_names = next((names for names in known if names is not None), None)
    comparison = Comparison(
        [],
        measures.names,
        measures.greater_is_better,
        _sizes(X, y, X_val),
        y,
        y_val,
        label_names,
    )
    raises = error_score == "raise"
    try:
        for candidate in candidates:
            if verbose:
                print(f"\n{candidate.name}", file=file, flush=True)
            start = perf_counter()
            try:
                result = _fit_and_measure(
                    candidate, X, y, X_val, y_val, measures, objective, raises, verbose, file
                )
            except BrokenPipeError:
                # The reader of the output has closed it, which is no failure of the fit.
                raise
            except Exception as error:
                if raises:
                    error.add_note(f"while {candidate.name!r} was fitted and measured")
                    raise
                warnings.warn(
                    f"{candidate.name} failed:\n{traceback.format_exc()}",
                    FitFailedWarning,
                    stacklevel=2,
                )
                result = Result(
                    candidate.name,
                    candidate.params,
                    perf_counter() - start,
                    error=f"{type(error).__name__}: {error}",
                )
            comparison.results.append(result)
    except KeyboardInterrupt as interrupt:
        if not comparison.results:
            raise
        raise ComparisonInterrupted(comparison) from interrupt
    if len(comparison.errors) == len(candidates):
        errors = "; ".join(f"{name}: {error}" for name, error in comparison.errors.items())
        raise ValueError(f"Every fit failed. {errors}")
    return comparison


def _fit_and_measure(
    candidate: Candidate,
    X: Any,
    y: sparse.csr_matrix,
    X_val: Any,
    y_val: sparse.csr_matrix,
    measures: Measures,
    objective: str | None,
    raises: bool,
    verbose: bool,
    file: TextIO | None,
) -> Result:
    after_each_epoch = EpochMetrics(measures.each_epoch, verbose=verbose, file=file)
    with peak_memory() as peak:
        targets, targets_val = candidate.targets(y), candidate.targets(y_val)
        start = perf_counter()
        candidate.fit(X, targets, X_val, targets_val, after_each_epoch)
        seconds = perf_counter() - start
    responses = HeldOutResponses(candidate.estimator, X_val, y.shape[1])
    topk = responses.best_labels()
    values = measures.measure(candidate.name, responses, y_val, raises=raises)
    if verbose and not candidate.trains_by_epoch:
        print(fit_line(seconds, values), file=file, flush=True)
    y_pred = sparse.csr_matrix(responses.decisions())
    scores, are_probabilities = held_out_scores(candidate.estimator, responses, X_val, y.shape[1])
    decisions = None
    tunable = are_probabilities if objective == "samples_f1" else scores is not None
    if objective is not None and tunable and y_val.shape[0] > 1:
        decisions = measure_decisions(
            scores, y_val, y_pred, objective, of_probabilities=are_probabilities
        )
    history, best_epoch = candidate.history, candidate.best_epoch
    losses = history.get("val_loss")
    return Result(
        candidate.name,
        candidate.params,
        seconds,
        peak.bytes,
        candidate.n_parameters,
        np.nan if losses is None or best_epoch is None else losses[best_epoch],
        values,
        history,
        best_epoch,
        topk,
        y_pred,
        probabilities=scores if are_probabilities else None,
        decisions=decisions,
    )


def _indicator(labels: Any, name: str) -> sparse.csr_matrix:
    try:
        return read_indicator(labels, name)
    except ValueError as error:
        raise ValueError(f"compare needs one column per label: {error}") from error


def _sizes(X: Any, y: sparse.csr_matrix, X_val: Any) -> dict[str, float]:
    n_samples, n_features = np.shape(X)
    return {
        "n_train_samples": n_samples,
        "n_val_samples": np.shape(X_val)[0],
        "n_features": n_features,
        "n_labels": y.shape[1],
        "labels_per_train_sample": y.nnz / n_samples,
    }
