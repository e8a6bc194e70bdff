"""What a comparison measures on the held-out rows."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.callbacks import DEFAULT_METRICS
from skmlclf.metrics import (
    EstimatorResponses,
    Metric,
    evaluate_metrics,
    named_scorers,
    top_k_of_scores,
)

COSTS = ("n_parameters", "seconds", "peak_bytes")

# Keys of a result in a comparison's JSON, beside those of its metrics.
_RESERVED = {*COSTS, "name", "error", "loss", "best_epoch", "history", "params"}
_KEPT_LABELS = 20

Measurable = str | Metric | Callable[..., float]


class Measures:
    """Metrics and scorers by name.

    Parameters
    ----------
    metrics : iterable of str, Metric or callable, or mapping of str to them
        As `compare` takes them.

    Attributes
    ----------
    names : tuple of str
        Those with one value, in the order given.
    columns : tuple of str
        Columns of the table: what a fit costs, its loss, and `names`.
    """

    def __init__(self, metrics: Any) -> None:
        self._metrics: dict[str, Metric] = {}
        self._scorers: dict[str, Callable[..., float]] = {}
        order = []
        for name, each in _entries(metrics):
            found, scorers = named_scorers([each])
            own_name = next(iter({**found, **scorers}))
            name = own_name if name is None else name
            if found and name != own_name:
                raise ValueError(
                    f"The metric {own_name!r} cannot be called {name!r} here: register it under"
                    " that name, or leave its own."
                )
            if name in _RESERVED:
                raise ValueError(f"A metric cannot be called {name!r} in a comparison.")
            self._metrics |= found
            if scorers:
                self._scorers[name] = scorers[own_name]
            order.append(name)
        several = {name for name, metric in self._metrics.items() if metric.keys}
        self.names = tuple(name for name in dict.fromkeys(order) if name not in several)
        if not self.names:
            raise ValueError(
                f"metrics must name at least one metric to compare by, got {order}: metrics of"
                " several values are no column of the table. Add one, such as 'precision_at_20'."
            )
        self.columns = (*COSTS, "loss", *self.names)

    @property
    def each_epoch(self) -> list[Metric]:
        """Those to measure after each epoch: scorers would ask the estimator anew."""
        return list(self._metrics.values())

    @property
    def greater_is_better(self) -> dict[str, bool]:
        """Direction of every column."""
        costs = dict.fromkeys((*COSTS, "loss"), False)
        return costs | {
            name: name in self._scorers or self._metrics[name].greater_is_better is not False
            for name in self.names
        }

    def measure(
        self, name: str, responses: "HeldOutResponses", y_val: sparse.csr_matrix, *, raises: bool
    ) -> dict[str, float]:
        """Return every value, NaN where one cannot be computed.

        Parameters
        ----------
        name : str
            Name of the fitted estimator.
        responses : HeldOutResponses
            Of the fitted estimator.
        y_val : csr_matrix of shape (n_val_samples, n_labels)
            Targets of the held-out rows.
        raises : bool
            Whether a metric that cannot be computed raises; if not, it warns.

        Returns
        -------
        dict of str to float
            Of a metric of several values, each of them.
        """
        values: dict[str, float] = {}
        for measure in (*self._metrics, *self._scorers):
            try:
                if measure in self._metrics:
                    values |= evaluate_metrics([self._metrics[measure]], y_val, responses)
                else:
                    values[measure] = responses.score(self._scorers[measure], y_val)
            except Exception as error:
                if raises:
                    raise
                warnings.warn(f"{name}: {measure} could not be measured: {error}", stacklevel=4)
                values |= dict.fromkeys(self._keys(measure), float("nan"))
        return values

    def _keys(self, name: str) -> tuple[str, ...]:
        metric = self._metrics.get(name)
        return metric.keys if metric is not None and metric.keys else (name,)


class HeldOutResponses:
    """Responses of a fitted estimator for the held-out rows, one column per label.

    Parameters
    ----------
    estimator : fitted classifier
    X_val : array-like of shape (n_val_samples, n_features)
    n_labels : int
    """

    def __init__(self, estimator: Any, X_val: Any, n_labels: int) -> None:
        self._estimator = estimator
        self._X_val = X_val
        self._n_labels = n_labels
        self._responses = EstimatorResponses(estimator, X_val)

    def top_k(self, k: int) -> Any:
        """Return the best labels, where they are to be had without all scores."""
        # Where there is one label, `predict_topk` may rank the classes 0 and 1 instead.
        return None if self._n_labels == 1 else self._responses.top_k(k)

    def scores(self) -> Any:
        """Return scores of every label of which only the order counts."""
        return self._one_column(self._responses.scores())

    def probabilities(self) -> Any:
        """Return the probability of every label."""
        return self._one_column(self._responses.probabilities())

    def decisions(self) -> Any:
        """Return the predicted labels."""
        y_pred = self._responses.decisions()
        return y_pred if sparse.issparse(y_pred) else np.reshape(y_pred, (-1, self._n_labels))

    def _one_column(self, scores: Any) -> Any:
        if self._n_labels > 1:
            return scores
        # Of a classifier with one label scikit-learn asks for the scores of both classes.
        return np.reshape(scores, (len(scores), -1))[:, -1:]

    def best_labels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the 20 best labels of each row, or all if there are fewer, and their scores.

        Returns
        -------
        tuple of two ndarrays of shape (n_val_samples, k), or None
            None where the estimator gives no scores.
        """
        k = min(_KEPT_LABELS, self._n_labels)
        best = self.top_k(k)
        if best is not None:
            return best[0][:, :k], best[1][:, :k]
        try:
            scores = np.asarray(self.scores())
        except AttributeError:
            return None
        return top_k_of_scores(scores, k)

    def score(self, scorer: Callable[..., float], y_val: sparse.csr_matrix) -> float:
        """Return what a scorer of scikit-learn's form says."""
        y_true = y_val.toarray().astype(np.int64)
        if np.ndim(self._responses.decisions()) == 1:
            y_true = y_true.ravel()
        return float(scorer(self._estimator, self._X_val, y_true))


def table_columns(metrics: Any = DEFAULT_METRICS) -> list[str]:
    """Return the columns of a comparison's table where these metrics are measured.

    .. versionadded:: 0.1

    Parameters
    ----------
    metrics : sequence or dict, default as in `compare`
        As `compare` takes them.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If a name is unknown, or none of them can be a column.

    Examples
    --------
    >>> from skmlclf.comparison import table_columns
    >>> table_columns(["hit_at_1"])
    ['n_parameters', 'seconds', 'peak_bytes', 'loss', 'hit_at_1']
    """
    return list(Measures(metrics).columns)


def _entries(metrics: Any) -> Iterator[tuple[str | None, Measurable]]:
    """Yield metrics with the names that a dict gives them, else None."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(
            "metrics must be a sequence of names, metrics or scorers, or a dict of them, got"
            f" {metrics!r}."
        )
    if isinstance(metrics, Mapping):
        yield from metrics.items()
    else:
        yield from ((None, each) for each in metrics)
