"""Results of several estimators, side by side."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.comparison._decisions import DECISION_METRICS, Decisions
from skmlclf.comparison._report import write_report
from skmlclf.comparison._text import aligned, cell, column_name, format_difference


@dataclass(frozen=True)
class Result:
    """Result of one estimator.

    .. versionadded:: 0.1

    Attributes
    ----------
    name : str
        Name that `compare` was given.
    params : dict
        Parameters of the estimator that was fitted.
    seconds : float
        Wall time of the fit in seconds, including all steps of a pipeline and the metrics of every
        epoch.
    peak_bytes : int or None
        Peak of the process's resident memory during the fit; None where the system
        does not report it.
    n_parameters : int or None
        Number of trainable weights of the network; None for other estimators.
    loss : float
        Loss on the held-out rows with the weights that were kept; NaN where there are no epochs.
    metrics : dict of str to float
        Metrics of the fitted estimator on the held-out rows, NaN where one cannot be computed.
    history : dict of str to list of float
        Losses and metrics by epoch; names with ``val_`` are those of held-out rows. Empty where
        there are no epochs.
    best_epoch : int or None
        Index in the history of the epoch whose weights were kept.
    topk : tuple of two ndarrays of shape (n_val_samples, k), or None
        The best labels of the held-out rows and their scores, `k` being 20 or all labels; None
        where the estimator gives no scores.
    y_pred : csr_matrix of shape (n_val_samples, n_labels) or None
        Labels predicted for the held-out rows; None where the fit failed.
    error : str or None
        Message of the error, if the fit failed.
    probabilities : csr_matrix of shape (n_val_samples, n_labels) or None
        Probabilities of the held-out rows, those of the best labels and all that are not small;
        None where the estimator has none.
    decisions : Decisions or None
        Decisions of ``predict`` beside tuned ones; None where none were tuned.

    Examples
    --------
    >>> from skmlclf.comparison import Result
    >>> result = Result("base", {"epochs": 5}, seconds=1.5, metrics={"hit_at_1": 0.75})
    >>> result.metrics["hit_at_1"], result.error
    (0.75, None)
    """

    name: str
    params: dict[str, Any]
    seconds: float
    peak_bytes: int | None = None
    n_parameters: int | None = None
    loss: float = math.nan
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict, repr=False)
    best_epoch: int | None = None
    topk: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    y_pred: sparse.csr_matrix | None = field(default=None, repr=False)
    error: str | None = None
    probabilities: sparse.csr_matrix | None = field(default=None, repr=False)
    decisions: Decisions | None = field(default=None, repr=False)


@dataclass(frozen=True, repr=False)
class Differences:
    """Relative differences between several estimators and one of them; prints as a table.

    .. versionadded:: 0.1

    Attributes
    ----------
    base : str
        Name of the estimator that the others are compared with.
    values : dict of str to dict of str to float
        By estimator, then by column: -0.25 is a quarter less than the value of the base.

    Examples
    --------
    >>> from skmlclf.comparison import Differences
    >>> Differences("base", {"deep": {"hit_at_1": 0.05}})
    against base  hit@1
    ------------  -----
    deep          +5.0%
    """

    base: str
    values: dict[str, dict[str, float]]

    def __str__(self) -> str:
        columns = list(next(iter(self.values.values()), {}))
        header = [f"against {self.base}", *map(column_name, columns)]
        rows = [[name, *map(format_difference, row.values())] for name, row in self.values.items()]
        return aligned([header, *rows])

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class DecisionTable:
    """Metrics of the predicted and the tuned decisions of several estimators; prints as a table.

    .. versionadded:: 0.1

    Attributes
    ----------
    values : dict of str to dict of str to dict of str to float
        By estimator, then ``"predicted"`` and ``"tuned"``, then by metric: see `Decisions`.

    Examples
    --------
    >>> from skmlclf.comparison import DecisionTable
    >>> predicted = {
    ...     "f1_samples": 0.4, "f1_micro": 0.5, "f1_macro": 0.3, "hamming": 0.01,
    ...     "labels_per_sample": 1.5,
    ... }
    >>> table = DecisionTable({"base": {"predicted": predicted, "tuned": predicted}})
    >>> [name for name, values in table.rows()]
    ['base, as predicted', 'base, tuned']
    """

    values: dict[str, dict[str, dict[str, float]]]

    def __str__(self) -> str:
        header = ["decisions", *map(column_name, DECISION_METRICS)]
        rows = [
            [name, *(cell(metric, row[metric]) for metric in DECISION_METRICS)]
            for name, row in self.rows()
        ]
        return aligned([header, *rows])

    __repr__ = __str__

    def rows(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Yield the rows of the table.

        Yields
        ------
        name : str
            Name of the row.
        values : dict of str to float
            By metric.
        """
        for name, decisions in self.values.items():
            yield f"{name}, as predicted", decisions["predicted"]
            yield f"{name}, tuned", decisions["tuned"]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Results of several estimators on the same rows; prints as a table.

    .. versionadded:: 0.1

    Attributes
    ----------
    results : list of Result
        In the order of fitting.
    metrics : tuple of str
        The metrics of the table.
    greater_is_better : dict of str to bool
        Direction of every column of the table.
    data : dict of str to number
        Sizes of the data.
    y_train, y_val : csr_matrix
        Targets of the training and of the held-out rows.
    label_names : sequence of str or None
        Column names of `y`, where it was a DataFrame, or those that a classifier was given.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.comparison import compare
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> classifiers = {"near": KNeighborsClassifier(3), "wide": KNeighborsClassifier(15)}
    >>> comparison = compare(
    ...     classifiers, X[:80], y[:80], X[80:], y[80:], metrics=["hit_at_1"], verbose=False
    ... )
    >>> {name: row["hit_at_1"] for name, row in comparison.values().items()}
    {'near': 0.725, 'wide': 0.675}
    >>> round(comparison.against("near").values["wide"]["hit_at_1"], 3)
    -0.069
    """

    results: list[Result]
    metrics: tuple[str, ...]
    greater_is_better: dict[str, bool]
    data: dict[str, float]
    y_train: sparse.csr_matrix
    y_val: sparse.csr_matrix
    label_names: Any = None

    def __str__(self) -> str:
        shown = [column for column in self.greater_is_better if column != "peak_bytes"]
        header = ["architecture", *map(column_name, shown)]
        rows = [
            [name, *(cell(column, row[column]) for column in shown)]
            for name, row in self.values().items()
        ]
        table = aligned([header, *rows])
        return "\n".join([table, *(f"{n} failed: {error}" for n, error in self.errors.items())])

    # An interactive session shows the table, not every value behind it.
    __repr__ = __str__

    @property
    def errors(self) -> dict[str, str]:
        """Error messages of the fits that failed, by name of the estimator."""
        return {r.name: r.error for r in self.results if r.error is not None}

    def values(self) -> dict[str, dict[str, float]]:
        """Return the values of the table: by estimator, then by column.

        Returns
        -------
        dict of str to dict of str to float
            NaN where a value is not known, and where the fit failed.
        """
        return {
            result.name: {
                column: math.nan if result.error else _value(result, column)
                for column in self.greater_is_better
            }
            for result in self.results
        }

    def against(self, base: str) -> Differences:
        """Return the relative differences between one estimator and the others.

        Parameters
        ----------
        base : str
            Name of that estimator.

        Returns
        -------
        Differences
            Prints as a table.

        Raises
        ------
        ValueError
            If there is no estimator of that name.
        """
        values = self.values()
        if base not in values:
            raise ValueError(f"base={base!r} was not compared; there are {', '.join(values)}.")
        reference = values.pop(base)
        return Differences(
            base,
            {
                name: {
                    column: value / reference[column] - 1.0 if reference[column] else math.nan
                    for column, value in row.items()
                }
                for name, row in values.items()
            },
        )

    def decisions(self) -> DecisionTable:
        """Return the metrics of the decisions of each estimator, as predicted and as tuned.

        Returns
        -------
        DecisionTable
            Prints as a table. Does not contain estimators whose decisions could not be tuned; empty
            with ``objective=None``.
        """
        return DecisionTable(
            {
                result.name: {
                    "predicted": result.decisions.predicted,
                    "tuned": result.decisions.tuned,
                }
                for result in self.results
                if result.decisions is not None
            }
        )

    def to_frame(self) -> Any:
        """Return the table as a DataFrame, one row per estimator.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame.from_dict(self.values(), orient="index").rename_axis("architecture")

    def plot(self, **kwargs: Any) -> Any:
        """Draw the metrics of the estimators side by side.

        Parameters
        ----------
        **kwargs : dict
            Passed to `ComparisonDisplay.from_results`.

        Returns
        -------
        ComparisonDisplay
        """
        from skmlclf.displays import ComparisonDisplay

        results = {
            name: {metric: row[metric] for metric in self.metrics}
            for name, row in self.values().items()
        }
        kwargs.setdefault("greater_is_better", self.greater_is_better)
        return ComparisonDisplay.from_results(results, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return data, values, histories and parameters as plain dicts, lists and numbers.

        JSON has no infinity and no NaN, so that None stands for both.

        Returns
        -------
        dict
        """
        values, decisions = self.values(), self.decisions().values
        return {
            "data": self.data,
            "metrics": list(self.metrics),
            "results": [
                {
                    "name": result.name,
                    "error": result.error,
                    **{name: _plain(value) for name, value in values[result.name].items()},
                    "best_epoch": result.best_epoch,
                    "decisions": decisions.get(result.name),
                    "history": {
                        name: [_plain(value) for value in by_epoch]
                        for name, by_epoch in result.history.items()
                    },
                    "params": {key: repr(value) for key, value in result.params.items()},
                }
                for result in self.results
            ],
        }

    def report(
        self,
        folder: str | Path,
        *,
        sort_by: str | None = None,
        base: str | None = None,
        label_names: Any = None,
        command: str | None = None,
    ) -> Path:
        """Write a self-contained HTML page, its values as JSON, and the predictions.

        Parameters
        ----------
        folder : path
            Created if it does not exist. Gets ``index.html``, ``results.json`` and
            ``predictions.npz``.
        sort_by : str, default=None
            Column that the table is sorted by at first; None stands for the first metric.
        base : str, default=None
            Name of the estimator whose differences from the others the page shows; None shows none.
        label_names : sequence or mapping of label to str, default=None
            Names of the labels, for the most confused ones; None stands for the column names of
            `y`, where it was a DataFrame, or the names that a classifier was given.
        command : str, default=None
            Command line to show as the way to repeat the comparison.

        Returns
        -------
        Path
            The page.

        Raises
        ------
        ValueError
            If there is no column `sort_by` or no estimator `base`.
        """
        return write_report(
            self,
            Path(folder),
            sort_by=sort_by or self.metrics[0],
            base=base,
            label_names=self.label_names if label_names is None else label_names,
            command=command,
        )


class ComparisonInterrupted(KeyboardInterrupt):
    """Ctrl-C during `compare`, after at least one estimator was finished.

    .. versionadded:: 0.1

    Attributes
    ----------
    comparison : Comparison
        Results of the estimators that were finished.

    Examples
    --------
    >>> from skmlclf.comparison import ComparisonInterrupted
    >>> issubclass(ComparisonInterrupted, KeyboardInterrupt)
    True
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(f"{len(comparison.results)} estimators were done")
        self.comparison = comparison


def _value(result: Result, column: str) -> float:
    value = result.metrics[column] if column in result.metrics else getattr(result, column)
    return math.nan if value is None else value


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
