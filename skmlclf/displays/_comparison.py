"""Architectures side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import check_scoring

from skmlclf.displays._style import (
    MUTED,
    by_name,
    clear_frame,
    colors,
    format_alike,
    plain,
    readable,
    several_axes,
)
from skmlclf.metrics import get_metric, get_scorer

# Words that mark a cost or an error in the names of values which are no metrics.
_LOWER_IS_BETTER = {"loss", "error", "hamming", "seconds", "time", "parameters", "memory", "bytes"}


class ComparisonDisplay:
    """Metrics of several classifiers, one panel of bars per metric.

    The classifiers are in the same order in every panel. Values are written beside the bars; the
    best of each panel is in colour and bold.

    Make it with :meth:`from_results` or :meth:`from_estimator`.

    .. versionadded:: 0.1

    Parameters
    ----------
    results : mapping of str to mapping of str to float
        Values by name of the metric, for each classifier by name. A value that is missing, None or
        NaN has no bar.
    greater_is_better : mapping of str to bool, default=None
        Which metrics are better when higher. The direction of others follows from their names:
        metrics of this package are known, and losses, errors, seconds, parameters and memory are
        better when lower.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes
        One per metric.
    figure_ : matplotlib Figure
        The figure of the axes.
    best_ : dict of str to list of str
        For each metric, the classifiers that are best at it.
    bars_ : dict of str to matplotlib BarContainer
        For each metric its bars, from the top.

    See Also
    --------
    HistoryDisplay : Loss and metrics by epoch.

    Examples
    --------
    >>> from skmlclf.displays import ComparisonDisplay
    >>> display = ComparisonDisplay.from_results(
    ...     {
    ...         "base": {"precision_at_20": 0.12, "seconds": 3.1},
    ...         "deep": {"precision_at_20": 0.14, "seconds": 7.9},
    ...     }
    ... )
    >>> display.best_
    {'precision_at_20': ['deep'], 'seconds': ['base']}
    """

    def __init__(
        self,
        results: Mapping[str, Mapping[str, float]],
        *,
        greater_is_better: Mapping[str, bool] | None = None,
    ) -> None:
        self.results = results
        self.greater_is_better = greater_is_better

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: Any,
        *,
        metrics: str | Sequence[str] = ("precision_at_5", "f1_samples", "hamming"),
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Compute metrics of fitted classifiers on the same rows and draw them.

        Parameters
        ----------
        estimator : mapping of str to fitted classifier, or one fitted classifier
            Classifiers of scikit-learn's kind, pipelines and searches included.
        X : array-like of shape (n_samples, n_features)
            Rows that none was trained on.
        y : {array-like, sparse} of shape (n_samples, n_labels) or (n_samples,)
            Their labels, 0/1; or one class per row.
        metrics : str or sequence of str, default=("precision_at_5", "f1_samples", "hamming")
            Names of :func:`~skmlclf.metrics.get_scorer_names`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        ax : matplotlib Axes or array of them, default=None
            As many as there are metrics. A new figure by default.

        Returns
        -------
        ComparisonDisplay
        """
        names = [metrics] if isinstance(metrics, str) else list(metrics)
        greater = {name: get_metric(name).greater_is_better is not False for name in names}
        scorers = {name: get_scorer(name) for name in names}
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        results = {}
        for name, fitted in by_name(estimator).items():
            # All scorers in one call, so that each prediction is made once.
            scores = check_scoring(fitted, scoring=scorers)(fitted, X, y, **weight)
            results[name] = {m: s if greater[m] else -s for m, s in scores.items()}
        return cls(results, greater_is_better=greater).plot(ax, metrics=names)

    @classmethod
    def from_results(
        cls,
        results: Mapping[str, Mapping[str, float]],
        *,
        metrics: str | Sequence[str] | None = None,
        greater_is_better: Mapping[str, bool] | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw values that have been computed already.

        Parameters
        ----------
        results : mapping of str to mapping of str to float
            Values by name of the metric, for each classifier by name. A value that is missing, None
            or NaN has no bar.
        metrics : str or sequence of str, default=None
            Names of the metrics to draw. All by default.
        greater_is_better : mapping of str to bool, default=None
            Which metrics are better when higher. The direction of others follows from their names:
            metrics of this package are known, and losses, errors, seconds, parameters and memory
            are better when lower.
        ax : matplotlib Axes or array of them, default=None
            As many as there are metrics to draw. A new figure by default.

        Returns
        -------
        ComparisonDisplay
        """
        return cls(results, greater_is_better=greater_is_better).plot(ax, metrics=metrics)

    def plot(self, ax: Any = None, *, metrics: str | Sequence[str] | None = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes or array of them, default=None
            As many as there are metrics to draw. A new figure by default.
        metrics : str or sequence of str, default=None
            Names of the metrics to draw. All by default.

        Returns
        -------
        ComparisonDisplay
            Itself.

        Raises
        ------
        ValueError
            If there is nothing to draw, a metric is unknown or the number of axes is wrong.
        ImportError
            If matplotlib is not installed.
        """
        chosen = self._chosen(metrics)
        height = 1.0 + 0.36 * len(self.results)
        axes = several_axes(
            ax, len(chosen), "ComparisonDisplay", panel=(2.4, height), n_columns=4, sharey=True
        )
        self.best_: dict[str, list[str]] = {}
        self.bars_: dict[str, Any] = {}
        for panel, metric in zip(axes, chosen, strict=True):
            self._draw(panel, metric)
        self.ax_ = axes
        self.figure_ = axes[0].figure
        return self

    def _chosen(self, metrics: str | Sequence[str] | None) -> list[str]:
        known = list(dict.fromkeys(m for values in self.results.values() for m in values))
        if not known:
            raise ValueError("There is nothing to compare: results hold no values.")
        chosen = known if metrics is None else metrics
        chosen = [chosen] if isinstance(chosen, str) else list(chosen)
        if not chosen or not set(chosen) <= set(known):
            raise ValueError(f"metrics must be some of {known}, got {metrics!r}.")
        return chosen

    def _draw(self, ax: Any, metric: str) -> None:
        names = list(self.results)
        # None becomes NaN.
        values = np.array([self.results[name].get(metric) for name in names], dtype=float)
        present = np.flatnonzero(np.isfinite(values))
        greater = self._greater_is_better(metric)
        drawn = [values[i] for i in present]
        best = (max if greater else min)(drawn, default=np.nan)
        self.best_[metric] = [names[i] for i in present if values[i] == best]
        accent = colors(ax)[0]
        self.bars_[metric] = ax.barh(
            present, drawn, height=0.65, color=[accent if v == best else MUTED for v in drawn]
        )
        written = ax.bar_label(self.bars_[metric], format_alike(drawn, digits=4), padding=3)
        for text, value in zip(written, drawn, strict=True):
            if value == best:
                text.set_fontweight("bold")
        for i in set(range(len(names))) - set(present.tolist()):
            ax.text(0, i, " –", va="center")
        ax.set_title(readable(metric), fontsize="medium")
        ax.set_xlabel("higher is better" if greater else "lower is better", fontsize="small")
        ax.set_xticks([])
        low, high = min([0.0, *drawn]), max([0.0, *drawn])
        room = 0.4 * (high - low or 1)
        ax.set_xlim(low - (room if low < 0 else 0), high + room)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(range(len(names)), [plain(name) for name in names])
        ax.tick_params(axis="y", length=0)
        clear_frame(ax, "top", "right", "bottom")

    def _greater_is_better(self, metric: str) -> bool:
        told = self.greater_is_better or {}
        return bool(told[metric]) if metric in told else is_greater_better(metric)


def is_greater_better(metric: str) -> bool:
    """Say whether a metric, or another value such as seconds, is better when higher, by its name.

    Examples
    --------
    >>> from skmlclf.displays._comparison import is_greater_better
    >>> [is_greater_better(name) for name in ("precision_at_20", "val_hamming", "peak_bytes")]
    [True, False, False]
    """
    name = metric.removeprefix("val_")
    try:
        return get_metric(name).greater_is_better is not False
    except ValueError:
        return not _LOWER_IS_BETTER & set(name.split("_"))
