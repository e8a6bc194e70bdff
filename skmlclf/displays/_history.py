"""Learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.exceptions import NotFittedError

from skmlclf.displays._style import (
    by_name,
    clear_frame,
    last_step,
    legend,
    look,
    plain,
    readable,
    several_axes,
)

History = Mapping[str, Sequence[float]]


class HistoryDisplay:
    """Loss and metrics by epoch, of one fit or of several.

    Each quantity has a panel of its own, since a loss and a metric seldom share a scale. Values on
    the training rows are dashed, those on held-out rows solid; colours and markers distinguish the
    fits.

    Make it with :meth:`from_estimator` or :meth:`from_history`.

    .. versionadded:: 0.1

    Parameters
    ----------
    histories : mapping of str to mapping of str to sequence of float
        For each fit, by name, its values by epoch. Names that start with ``val_`` are of
        held-out rows and share a panel with the name without that prefix.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes
        One per quantity.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : dict of (str, str) to matplotlib Line2D
        The curves, by the names of the fit and of the values.

    See Also
    --------
    ComparisonDisplay : The metrics of fitted classifiers.

    Examples
    --------
    >>> from skmlclf.displays import HistoryDisplay
    >>> display = HistoryDisplay.from_history(
    ...     {"loss": [0.7, 0.4], "val_loss": [0.7, 0.5], "val_f1_samples": [0.1, 0.3]}
    ... )
    >>> [ax.get_title() for ax in display.ax_]
    ['loss', 'f1 samples']
    """

    def __init__(self, histories: Mapping[str, History]) -> None:
        self.histories = histories

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, metrics: str | Sequence[str] | None = None, ax: Any = None
    ) -> Self:
        """Draw the learning curves of fitted classifiers.

        Parameters
        ----------
        estimator : fitted classifier, or mapping of str to fitted classifier
            Any that has ``history_``, a dict of values by epoch, as the classifiers of this package
            do; or scikit-learn's ``MLPClassifier`` with ``loss_curve_``. The last step of a
            pipeline and the best estimator of a search are used.
        metrics : str or sequence of str, default=None
            Names of the values to draw, without ``val_``. All by default.
        ax : matplotlib Axes or array of them, default=None
            As many as there are quantities. A new figure by default.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        NotFittedError
            If an estimator has no values by epoch.

        Examples
        --------
        >>> from sklearn.datasets import make_multilabel_classification
        >>> from sklearn.neural_network import MLPClassifier
        >>> from skmlclf.displays import HistoryDisplay
        >>> X, y = make_multilabel_classification(random_state=0)
        >>> mlp = MLPClassifier(solver="sgd", tol=0.1, random_state=0).fit(X, y)
        >>> HistoryDisplay.from_estimator(mlp).ax_.shape
        (1,)
        """
        histories = {name: _history(fitted) for name, fitted in by_name(estimator).items()}
        return cls(histories).plot(ax, metrics=metrics)

    @classmethod
    def from_history(
        cls,
        history: History | Mapping[str, History],
        *,
        name: str | None = None,
        metrics: str | Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw learning curves from recorded values.

        Parameters
        ----------
        history : mapping of str to sequence of float, or mapping of str to such mappings
            The values by epoch of one fit; or of several fits, by name.
        name : str, default=None
            Name of a single fit in the legend.
        metrics : str or sequence of str, default=None
            Names of the values to draw, without ``val_``. All by default.
        ax : matplotlib Axes or array of them, default=None
            As many as there are quantities. A new figure by default.

        Returns
        -------
        HistoryDisplay
        """
        if all(isinstance(value, Mapping) for value in history.values()):
            histories: Any = dict(history)
        else:
            histories = {name or "": history}
        return cls(histories).plot(ax, metrics=metrics)

    def plot(self, ax: Any = None, *, metrics: str | Sequence[str] | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array of them, default=None
            As many as there are quantities. A new figure by default.
        metrics : str or sequence of str, default=None
            Names of the values to draw, without ``val_``. All by default.

        Returns
        -------
        HistoryDisplay
            Itself.

        Raises
        ------
        ValueError
            If there is nothing to draw, a metric is unknown or the number of axes is wrong.
        ImportError
            If matplotlib is not installed.
        """
        quantities = self._quantities(metrics)
        axes = several_axes(ax, len(quantities), "HistoryDisplay", panel=(3.8, 3.4), n_columns=3)
        from matplotlib.ticker import MaxNLocator

        self.lines_: dict[tuple[str, str], Any] = {}
        for panel, quantity in zip(axes, quantities, strict=True):
            for index, (name, history) in enumerate(self.histories.items()):
                for key, line_style in ((quantity, "--"), (f"val_{quantity}", "-")):
                    if len(history.get(key, ())):
                        self.lines_[name, key] = _draw(panel, history[key], index, line_style)
            panel.set_title(readable(quantity))
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            clear_frame(panel, "top", "right")
        self._add_legend(axes, {key.startswith("val_") for _, key in self.lines_})
        self.ax_ = axes
        self.figure_ = axes[0].figure
        return self

    def _quantities(self, metrics: str | Sequence[str] | None) -> list[str]:
        keys = [key for history in self.histories.values() for key, v in history.items() if len(v)]
        known = list(dict.fromkeys(key.removeprefix("val_") for key in keys))
        if not known:
            raise ValueError("There is no epoch to draw: every history is empty.")
        if metrics is None:
            return sorted(known, key=lambda quantity: quantity != "loss")
        chosen = [metrics] if isinstance(metrics, str) else list(metrics)
        unknown = [metric for metric in chosen if metric not in known]
        if unknown or not chosen:
            raise ValueError(f"metrics must be some of {known}, got {metrics!r}.")
        return chosen

    def _add_legend(self, axes: np.ndarray, held_out: set[bool]) -> None:
        from matplotlib import rcParams
        from matplotlib.lines import Line2D

        entries = []
        for index, name in enumerate(self.histories):
            if name:
                entries.append((Line2D([], [], **look(axes[0], index)), plain(name)))
        color = rcParams["text.color"] if len(self.histories) > 1 else look(axes[0], 0)["color"]
        for is_held_out in sorted(held_out):
            line = Line2D([], [], color=color, linestyle="-" if is_held_out else "--")
            entries.append((line, "held-out rows" if is_held_out else "training rows"))
        # To the right of the first row, where a new figure has room.
        first_row = [a for a in axes if a.get_subplotspec() is None or _row(a) == _row(axes[0])]
        legend(first_row[-1], *zip(*entries, strict=True))


def _row(ax: Any) -> int:
    spec = ax.get_subplotspec()
    return 0 if spec is None else spec.rowspan.start


def _draw(ax: Any, values: Sequence[float], index: int, line_style: str) -> Any:
    epochs = np.arange(1, len(values) + 1)
    # Some ten markers per curve, at epochs of its own, keep long curves legible.
    step = max(1, len(values) // 10)
    every = (index % step, step)
    (line,) = ax.plot(epochs, values, linestyle=line_style, markevery=every, **look(ax, index))
    return line


def _history(estimator: Any) -> dict[str, Sequence[float]]:
    classifier = last_step(estimator)
    if hasattr(classifier, "history_"):
        return dict(classifier.history_)
    if not hasattr(classifier, "loss_curve_"):
        raise NotFittedError(
            f"{type(classifier).__name__} has neither history_ nor loss_curve_, so there are no "
            "epochs to draw. Fit it first, if it is a network at all."
        )
    history = {"loss": classifier.loss_curve_}
    if getattr(classifier, "validation_scores_", None) is not None:
        history["val_score"] = classifier.validation_scores_
    return history
