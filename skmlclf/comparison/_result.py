"""What architectures came to, side by side."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.callbacks import format_value, short_name
from skmlclf.comparison._report import write_report
from skmlclf.comparison._text import aligned, column_name, format_difference
from skmlclf.metrics import get_metric

_COSTS = ("parameters", "seconds", "peak_bytes")


@dataclass(frozen=True)
class Result:
    """What one architecture came to.

    Attributes
    ----------
    name : str
        As given to `compare`.
    params : dict
        Parameters of the estimator that was fitted.
    n_parameters : int
        Trained weights of its network.
    seconds : float
        Wall time of the fit, all steps of a pipeline and the measuring of every epoch included.
    peak_bytes : int or None
        Peak of the process's resident memory during the fit; None where the system does not tell.
    history : dict of str to list of float
        Losses and metrics by epoch; ``val_`` ones are of the held-out rows.
    epoch : int
        Place in the history of the epoch whose weights were kept.
    topk : tuple of ndarrays of shape (n_val_samples, k)
        The best labels of the held-out rows and their probabilities, `k` being 20 or all labels.
    y_pred : csr_matrix of shape (n_val_samples, n_labels)
        The labels decided on for the held-out rows.
    """

    name: str
    params: dict[str, Any]
    n_parameters: int
    seconds: float
    peak_bytes: int | None
    history: dict[str, list[float]] = field(repr=False)
    epoch: int
    topk: tuple[np.ndarray, np.ndarray] = field(repr=False)
    y_pred: sparse.csr_matrix = field(repr=False)

    @property
    def loss(self) -> float:
        """Loss on the held-out rows under the weights that were kept."""
        return self.history["val_loss"][self.epoch]

    def metric(self, name: str) -> float:
        """Return a metric on the held-out rows under the weights that were kept."""
        return self.history[f"val_{name}"][self.epoch]


@dataclass(frozen=True, repr=False)
class Differences:
    """Relative differences of several architectures from one; prints as a table.

    Attributes
    ----------
    base : str
        What the others are held against.
    values : dict of str to dict of str to float
        By architecture, then by column: -0.25 is a quarter less than the base has.
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
class Comparison:
    """Results of several architectures on the same rows; prints as a table.

    Attributes
    ----------
    results : list of Result
        In the order of fitting.
    metrics : tuple of str
        The metrics of the table.
    data : dict of str to number
        Sizes of the data.
    y_train, y_val : array-like or sparse
        Targets of the training and of the held-out rows.
    """

    results: list[Result]
    metrics: tuple[str, ...]
    data: dict[str, float]
    y_train: Any
    y_val: Any

    def __str__(self) -> str:
        header = ["architecture", "parameters", "seconds", "loss", *map(short_name, self.metrics)]
        rows = [
            [
                result.name,
                f"{result.n_parameters:,}",
                f"{result.seconds:.1f}",
                format_value("loss", result.loss),
                *(format_value(name, result.metric(name)) for name in self.metrics),
            ]
            for result in self.results
        ]
        return aligned([header, *rows])

    # In a session the table is what is asked for, not every figure behind it.
    __repr__ = __str__

    @staticmethod
    def columns_for(metrics: Iterable[str]) -> list[str]:
        """Return the names of the table's figures where these metrics are measured.

        Parameters
        ----------
        metrics : iterable of str
            As given to `compare`.

        Returns
        -------
        list of str
        """
        return [*_COSTS, "loss", *(name for name in metrics if not get_metric(name).keys)]

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the table's figures: by architecture, then by column.

        Returns
        -------
        dict of str to dict of str to float
        """
        columns = self.columns_for(self.metrics)
        return {
            result.name: dict(
                zip(
                    columns,
                    [
                        result.n_parameters,
                        result.seconds,
                        float("nan") if result.peak_bytes is None else result.peak_bytes,
                        result.loss,
                        *map(result.metric, self.metrics),
                    ],
                    strict=True,
                )
            )
            for result in self.results
        }

    def against(self, base: str) -> "Differences":
        """Return how the others differ from one architecture, which stands for the ground.

        Parameters
        ----------
        base : str
            Name of that architecture.

        Returns
        -------
        Differences
            Prints as a table.

        Raises
        ------
        ValueError
            If there is no architecture of that name.
        """
        figures = self.figures()
        if base not in figures:
            raise ValueError(f"base={base!r} was not compared; there are {', '.join(figures)}.")
        ground = figures.pop(base)
        return Differences(
            base,
            {
                name: {
                    column: value / ground[column] - 1.0 if ground[column] else float("nan")
                    for column, value in row.items()
                }
                for name, row in figures.items()
            },
        )

    def to_frame(self) -> Any:
        """Return the table as a DataFrame, a row an architecture.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame.from_dict(self.figures(), orient="index").rename_axis("architecture")

    def plot(self, **kwargs: Any) -> Any:
        """Draw the metrics of the architectures side by side.

        Parameters
        ----------
        **kwargs : dict
            Passed to `ComparisonDisplay.from_results`.

        Returns
        -------
        ComparisonDisplay
        """
        from skmlclf.displays import ComparisonDisplay

        chosen = {
            name: {metric: figures[metric] for metric in self.metrics}
            for name, figures in self.figures().items()
        }
        return ComparisonDisplay.from_results(chosen, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return data, figures, histories and parameters as plain dicts, lists and numbers.

        JSON knows no infinity and no NaN, so that None stands for both.

        Returns
        -------
        dict
        """
        figures = self.figures()
        return {
            "data": self.data,
            "metrics": list(self.metrics),
            "results": [
                {
                    "name": result.name,
                    **{name: _plain(value) for name, value in figures[result.name].items()},
                    "history": {
                        name: [_plain(value) for value in values]
                        for name, values in result.history.items()
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
        """Write one self-contained HTML page, its figures and the predictions behind them.

        Parameters
        ----------
        folder : path
            Made if it is not there. Gets ``index.html``, ``results.json`` and
            ``predictions.npz``.
        sort_by : str, default=None
            Column that the table is sorted by at first; None stands for the first metric.
        base : str, default=None
            Architecture that the page shows the others' differences from; None shows none.
        label_names : sequence or mapping of label to str, default=None
            Names for the most confused labels.
        command : str, default=None
            Command line to show as the way to repeat the comparison.

        Returns
        -------
        Path
            The page.
        """
        return write_report(
            self,
            Path(folder),
            sort_by=sort_by or self.metrics[0],
            base=base,
            label_names=label_names,
            command=command,
        )


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
