"""Precision and recall of the k best labels, for every k."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._indicator import read_indicator
from skmlclf.displays._style import clear_frame, last_step, legend, look, one_axes, plain
from skmlclf.metrics import (
    EstimatorResponses,
    as_indicator,
    one_hot,
    precision_recall_at_k_curve,
)

_BASELINE = "frequency ranking"


class PrecisionAtKDisplay:
    """Precision and recall of the k best labels of each row, for k from 1 on.

    Precision is drawn solid, recall dashed. The baseline, thin and grey, ranks the labels of
    every row by how frequent they were in training, without looking at the features.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    .. versionadded:: 0.1

    Parameters
    ----------
    precision, recall : ndarray of shape (k_max,)
        Values for k = 1, 2, ...
    baseline_precision, baseline_recall : ndarray of shape (k_max,), default=None
        The same for the frequency ranking.
    name : str, default=None
        Name of the classifier in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : dict of str to matplotlib Line2D
        The curves: ``"precision"``, ``"recall"`` and, with a baseline, ``"baseline_precision"``
        and ``"baseline_recall"``.

    See Also
    --------
    skmlclf.metrics.precision_at_k_score : Precision at one k.
    skmlclf.metrics.recall_at_k_score : Recall at one k.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.displays import PrecisionAtKDisplay
    >>> X, y = make_multilabel_classification(n_classes=8, random_state=0)
    >>> knn = KNeighborsClassifier().fit(X[:80], y[:80])
    >>> display = PrecisionAtKDisplay.from_estimator(knn, X[80:], y[80:], k_max=3, y_train=y[:80])
    >>> display.precision.shape
    (3,)
    """

    def __init__(
        self,
        precision: NDArray[np.float64],
        recall: NDArray[np.float64],
        *,
        baseline_precision: NDArray[np.float64] | None = None,
        baseline_recall: NDArray[np.float64] | None = None,
        name: str | None = None,
    ) -> None:
        self.precision = precision
        self.recall = recall
        self.baseline_precision = baseline_precision
        self.baseline_recall = baseline_recall
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: Any,
        *,
        k_max: int = 20,
        y_train: Any = None,
        frequencies: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw how well a fitted classifier ranks the labels.

        Parameters
        ----------
        estimator : fitted classifier
            A classifier, pipeline or search. Labels are ranked by the first method that it has of
            ``predict_topk``, ``predict_proba`` and ``decision_function``.
        X : array-like of shape (n_samples, n_features)
            Rows that it was not trained on.
        y : {array-like, sparse} of shape (n_samples, n_labels) or (n_samples,)
            Their labels, 0/1; or one class per row.
        k_max : int, default=20
            The largest k, limited to the number of labels.
        y_train : {array-like, sparse} of shape (n_train_samples, n_labels), default=None
            Labels of the training rows, for the baseline; one class per row if `y` has that form.
        frequencies : array-like of shape (n_labels,), default=None
            How often each label occurred in training, instead of `y_train`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        name : str, default=None
            Name of the classifier in the legend. By default that of its class.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        PrecisionAtKDisplay
        """
        y, classes = as_indicator(y, estimator)
        if classes is not None and y_train is not None and np.ndim(y_train) == 1:
            y_train = one_hot(y_train, classes)
        n_labels = read_indicator(y, "y").shape[1]
        k_max = _checked_k(k_max, n_labels)
        responses = EstimatorResponses(estimator, X, classes=classes)
        y_score: Any = responses.top_k(k_max)
        if y_score is None:
            y_score = responses.scores()
        return cls.from_predictions(
            y,
            y_score,
            k_max=k_max,
            y_train=y_train,
            frequencies=frequencies,
            sample_weight=sample_weight,
            name=type(last_step(estimator)).__name__ if name is None else name,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_score: Any,
        *,
        k_max: int = 20,
        y_train: Any = None,
        frequencies: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw how well scores rank the labels.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_samples, n_labels)
            The true labels, 0/1.
        y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
            Scores, higher is better; or the pair ``(labels, scores)`` of the best labels of each
            row, best first.
        k_max : int, default=20
            The largest k, limited to the number of labels; a pair must hold as many.
        y_train : {array-like, sparse} of shape (n_train_samples, n_labels), default=None
            Labels of the training rows, for the baseline.
        frequencies : array-like of shape (n_labels,), default=None
            How often each label occurred in training, instead of `y_train`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        name : str, default=None
            Name of the classifier in the legend.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        PrecisionAtKDisplay

        Raises
        ------
        ValueError
            If the shapes differ, `y_true` is not 0/1, a pair is too short, or both `y_train` and
            `frequencies` are given.
        """
        positives = read_indicator(y_true, "y_true")
        n_labels = positives.shape[1]
        k_max = _checked_k(k_max, n_labels)
        counts = _frequencies(y_train, frequencies, n_labels)
        settings: dict[str, Any] = {"k_max": k_max, "sample_weight": sample_weight}
        precision, recall = precision_recall_at_k_curve(positives, y_score, **settings)
        baseline: tuple[Any, Any] = (None, None)
        if counts is not None:
            constant = np.broadcast_to(counts, positives.shape)
            baseline = precision_recall_at_k_curve(positives, constant, **settings)
        display = cls(
            precision,
            recall,
            baseline_precision=baseline[0],
            baseline_recall=baseline[1],
            name=name,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curves. Several displays may share an axes, each in a colour of its own.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.
        name : str, default=None
            Name of the classifier in the legend, instead of the one given before.
        **kwargs : dict
            Settings for matplotlib's ``plot`` of the two curves.

        Returns
        -------
        PrecisionAtKDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = one_axes(ax, "PrecisionAtKDisplay", (6.4, 3.8))
        name = self.name if name is None else name
        k = np.arange(1, len(self.precision) + 1)
        index = sum(line.get_gid() == "precision_at_k" for line in ax.lines)
        settings = {**look(ax, index), **kwargs}
        suffix = f", {plain(name)}" if name else ""
        self.lines_ = {}
        for key, style in (("precision", "-"), ("recall", "--")):
            label = f"{key}{suffix}"
            (self.lines_[key],) = ax.plot(
                k, getattr(self, key), **{"linestyle": style, "label": label, **settings}
            )
        self.lines_["precision"].set_gid("precision_at_k")
        grey = {"color": "0.55", "linewidth": 1.2, "zorder": 1.5}
        for key, style in (("precision", "-"), ("recall", "--")):
            values = getattr(self, f"baseline_{key}")
            if values is not None:
                # Several classifiers on one axes have the same baseline, named once.
                label = f"{key}, {_BASELINE}"
                named = label in [line.get_label() for line in ax.lines]
                (self.lines_[f"baseline_{key}"],) = ax.plot(
                    k, values, linestyle=style, label=None if named else label, **grey
                )
        ax.set(xlabel="k, labels taken of each row", ylabel="mean over the rows", ylim=(0, 1.02))
        ax.set_xticks(_ticks(max(len(line.get_xdata()) for line in ax.lines)))
        clear_frame(ax, "top", "right")
        legend(ax)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _ticks(k_max: int) -> list[int]:
    """Return 1, where the curves start, and round numbers up to `k_max`."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, k_max) if k_max <= 10 * s)
    return sorted({1, *range(step, k_max + 1, step)})


def _checked_k(k_max: int, n_labels: int) -> int:
    if not isinstance(k_max, Integral) or k_max < 1:
        raise ValueError(f"k_max must be an int of at least 1, got {k_max!r}.")
    return min(int(k_max), n_labels)


def _frequencies(y_train: Any, frequencies: Any, n_labels: int) -> NDArray[Any] | None:
    if y_train is not None and frequencies is not None:
        raise ValueError("Give y_train or frequencies, not both: one follows from the other.")
    if y_train is not None:
        positives = read_indicator(y_train, "y_train")
        frequencies = np.bincount(positives.indices, minlength=positives.shape[1])
    if frequencies is None:
        return None
    per_label: NDArray[Any] = np.asarray(frequencies)
    if per_label.shape != (n_labels,):
        raise ValueError(
            f"The baseline needs a training frequency for each of the {n_labels} labels of "
            f"y_true, but got an array of shape {per_label.shape}."
        )
    return per_label
