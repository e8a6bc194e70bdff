"""Reliability curves: probabilities against the fraction of true labels."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmlclf._indicator import read_indicator
from skmlclf.displays._style import MUTED, clear_frame, last_step, legend, look, one_axes, plain
from skmlclf.metrics import (
    EstimatorResponses,
    as_indicator,
    reliability_at_k_curve,
    topk_method,
)


class ReliabilityDisplay:
    """Reliability curve of the k best labels of each row.

    The mean probability in each bin is drawn against the fraction of labels in it that are true.
    The area of a marker grows with the number of labels in the bin. Markers below the diagonal
    stand for probabilities that are too high, markers above it for probabilities that are too low.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    .. versionadded:: 0.1

    Parameters
    ----------
    probability, share, weight : ndarray of shape (n_bins,)
        Mean probability, fraction of true labels and number of labels in each bin, as
        :func:`~skmlclf.metrics.reliability_at_k_curve` returns them.
    name : str, default=None
        Name of the classifier in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure of the axes.
    line_ : matplotlib Line2D
        The curve.
    points_ : matplotlib PathCollection
        Its markers, one for each bin that is not empty.
    expected_calibration_error_ : float
        Mean distance from the diagonal, as :func:`~skmlclf.metrics.expected_calibration_error`.

    See Also
    --------
    skmlclf.metrics.expected_calibration_error : The same as a single number.
    sklearn.calibration.CalibrationDisplay : The same for one label.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmlclf.displays import ReliabilityDisplay
    >>> X, y = make_multilabel_classification(n_classes=8, random_state=0)
    >>> knn = KNeighborsClassifier().fit(X[:80], y[:80])
    >>> display = ReliabilityDisplay.from_estimator(knn, X[80:], y[80:], k=3, n_bins=5)
    >>> display.share.shape
    (5,)
    """

    def __init__(
        self,
        probability: NDArray[np.float64],
        share: NDArray[np.float64],
        weight: NDArray[np.float64],
        *,
        name: str | None = None,
    ) -> None:
        self.probability = probability
        self.share = share
        self.weight = weight
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: Any,
        *,
        k: int = 20,
        n_bins: int = 15,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the reliability curve of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            A classifier, pipeline or search with ``predict_topk`` or ``predict_proba``.
        X : array-like of shape (n_samples, n_features)
            Rows that it was not trained on.
        y : {array-like, sparse} of shape (n_samples, n_labels) or (n_samples,)
            Their labels, 0/1; or one class per row.
        k : int, default=20
            Number of best-ranked labels of each row, limited to the number of labels.
        n_bins : int, default=15
            Number of bins of equal width.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        name : str, default=None
            Name of the classifier in the legend. By default that of its class.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        AttributeError
            If the classifier has no probabilities.
        """
        y, classes = as_indicator(y, estimator)
        k = _checked_k(k, read_indicator(y, "y").shape[1])
        method = topk_method(estimator, response_method="predict_proba")
        y_score: Any
        if method is not None and classes is None and hasattr(estimator, "predict_proba"):
            y_score = method(X, k)
        else:
            responses = EstimatorResponses(estimator, X, classes=classes)
            y_score = responses.probabilities()
        return cls.from_predictions(
            y,
            y_score,
            k=k,
            n_bins=n_bins,
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
        k: int = 20,
        n_bins: int = 15,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the reliability curve of probabilities.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_samples, n_labels)
            The true labels, 0/1.
        y_score : array-like of shape (n_samples, n_labels) or tuple of two (n_samples, n_kept)
            Probabilities; or the pair ``(labels, probabilities)`` of the best labels of each row,
            best first.
        k : int, default=20
            Number of best-ranked labels of each row, limited to the number of labels; a pair must
            hold as many.
        n_bins : int, default=15
            Number of bins of equal width.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        name : str, default=None
            Name of the classifier in the legend.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If the shapes differ, `y_true` is not 0/1, a probability is not between 0 and 1, or a
            pair is too short.
        """
        positives = read_indicator(y_true, "y_true")
        k = _checked_k(k, positives.shape[1])
        curve = reliability_at_k_curve(
            positives, y_score, k=k, n_bins=n_bins, sample_weight=sample_weight
        )
        return cls(*curve, name=name).plot(ax)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curve. Several displays may share an axes, each in a colour of its own.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.
        name : str, default=None
            Name of the classifier in the legend, instead of the one given before.
        **kwargs : dict
            Settings for matplotlib's ``plot`` of the curve.

        Returns
        -------
        ReliabilityDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = one_axes(ax, "ReliabilityDisplay", (5.6, 3.8))
        name = self.name if name is None else name
        distance = np.nan_to_num(np.abs(self.share - self.probability))
        self.expected_calibration_error_ = float(np.average(distance, weights=self.weight))
        index = sum(line.get_gid() == "reliability_at_k" for line in ax.lines)
        if not index:
            ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle="--", zorder=1)
        settings = look(ax, index)
        marker = settings.pop("marker")
        error = f"calibration error {self.expected_calibration_error_:.3f}"
        label = f"{plain(name)}, {error}" if name else error
        settings = {"color": settings["color"], "label": label, **kwargs}
        filled = self.weight > 0
        x, y = self.probability[filled], self.share[filled]
        (self.line_,) = ax.plot(x, y, **settings)
        self.line_.set_gid("reliability_at_k")
        areas = 12 + 110 * self.weight[filled] / self.weight.max()
        self.points_ = ax.scatter(
            x, y, s=areas, marker=marker, color=self.line_.get_color(), zorder=2.5
        )
        ax.set(
            xlabel="probability, mean of a bin",
            ylabel="share of true labels",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
        clear_frame(ax, "top", "right")
        legend(ax)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _checked_k(k: Any, n_labels: int) -> int:
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be an int of at least 1, got {k!r}.")
    return min(int(k), n_labels)
