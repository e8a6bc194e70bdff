"""Labels that are confused with each other."""

import unicodedata
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from skmlclf.displays._style import (
    clear_frame,
    colors,
    format_alike,
    last_step,
    one_axes,
    plain,
)
from skmlclf.metrics import EstimatorResponses, as_indicator, label_confusion_matrix

LabelNames = Mapping[int, Any] | Sequence[Any] | NDArray[Any]


class LabelConfusionDisplay:
    """The labels most often confused with each other, as a bar chart.

    With thousands of labels a matrix cannot be read, so only its largest entries off the
    diagonal are drawn: the true label, the label predicted instead, and how often.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    .. versionadded:: 0.1

    Parameters
    ----------
    confusion_matrix : {array-like, sparse} of shape (n_labels, n_labels)
        Entry ``(a, b)`` says how often ``b`` was predicted where ``a`` was true, as
        :func:`~skmlclf.metrics.label_confusion_matrix` counts it.
    label_names : sequence of length n_labels or mapping of int to name, default=None
        Names of the labels. A label without a name is shown by its column index.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure of the axes.
    pairs_ : list of (int, int)
        The labels drawn, true and predicted, from the top.
    values_ : ndarray of shape (n_drawn,)
        How often each pair was confused.
    bars_ : matplotlib BarContainer
        The bars, from the top.

    See Also
    --------
    skmlclf.metrics.label_confusion_matrix : The counts, and how several labels per row are counted.

    Examples
    --------
    >>> from skmlclf.displays import LabelConfusionDisplay
    >>> y_true = [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    >>> y_pred = [[0, 1, 0], [0, 1, 0], [0, 0, 1]]
    >>> display = LabelConfusionDisplay.from_predictions(
    ...     y_true, y_pred, label_names=["cat", "dog", "fox"]
    ... )
    >>> [tick.get_text() for tick in display.ax_.get_yticklabels()]
    ['cat → dog', 'dog → fox']
    >>> display.values_
    array([2., 1.])
    """

    def __init__(self, confusion_matrix: Any, *, label_names: LabelNames | None = None) -> None:
        self.confusion_matrix = confusion_matrix
        self.label_names = label_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: Any,
        *,
        n_pairs: int = 15,
        label_names: LabelNames | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw which labels a fitted classifier confuses.

        Parameters
        ----------
        estimator : fitted classifier
            Anything with ``predict``.
        X : array-like of shape (n_samples, n_features)
            Rows that it was not trained on.
        y : {array-like, sparse} of shape (n_samples, n_labels) or (n_samples,)
            Their labels, 0/1; or one class per row.
        n_pairs : int, default=15
            Maximum number of pairs to draw.
        label_names : sequence of length n_labels or mapping of int to name, default=None
            Names of the labels. By default the ``label_names_`` of the estimator, such as the
            columns of the DataFrame that it was fitted on; else the column indices, or the classes
            of the estimator where `y` holds one class per row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        LabelConfusionDisplay
        """
        y, classes = as_indicator(y, estimator)
        if label_names is None:
            label_names = classes
        if label_names is None:
            label_names = getattr(last_step(estimator), "label_names_", None)
        return cls.from_predictions(
            y,
            EstimatorResponses(estimator, X, classes=classes).decisions(),
            n_pairs=n_pairs,
            label_names=label_names,
            sample_weight=sample_weight,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        n_pairs: int = 15,
        label_names: LabelNames | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw which labels were confused.

        Parameters
        ----------
        y_true, y_pred : {array-like, sparse} of shape (n_samples, n_labels)
            The true and the predicted labels, 0/1.
        n_pairs : int, default=15
            Maximum number of pairs to draw.
        label_names : sequence of length n_labels or mapping of int to name, default=None
            Names of the labels. A label without a name is shown by its column index.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.

        Returns
        -------
        LabelConfusionDisplay

        Raises
        ------
        ValueError
            If the shapes differ, an entry is not 0 or 1, or there are more or fewer names than
            labels.
        """
        matrix = label_confusion_matrix(y_true, y_pred, sample_weight=sample_weight)
        return cls(matrix, label_names=label_names).plot(ax, n_pairs=n_pairs)

    def plot(self, ax: Any = None, *, n_pairs: int = 15, **kwargs: Any) -> Self:
        """Draw the bars, the most frequent confusion at the top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure by default.
        n_pairs : int, default=15
            Maximum number of pairs to draw. Of equally frequent ones, those with lower labels come
            first.
        **kwargs : dict
            Settings for matplotlib's ``barh``.

        Returns
        -------
        LabelConfusionDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if not isinstance(n_pairs, Integral) or n_pairs < 1:
            raise ValueError(f"n_pairs must be an int of at least 1, got {n_pairs!r}.")
        names = self._names()
        true, predicted, values = self._largest(int(n_pairs))
        ax = one_axes(ax, "LabelConfusionDisplay", (7.0, 1.1 + 0.29 * max(len(values), 3)))
        positions = np.arange(len(values))
        self.bars_ = ax.barh(positions, values, **{"color": colors(ax)[0], "height": 0.7, **kwargs})
        ax.bar_label(self.bars_, format_alike(values, digits=3), padding=3)
        pairs = [
            f"{_left_to_right(names(a))} → {_left_to_right(names(b))}"
            for a, b in zip(true, predicted, strict=True)
        ]
        ax.set_yticks(positions, pairs)
        ax.tick_params(axis="y", length=0)
        # The counts stand at the bars, so an axis would only repeat them.
        ax.set_xticks([])
        ax.set_title("true label → label predicted instead", loc="left", fontsize="medium")
        clear_frame(ax, "top", "right", "bottom")
        if len(values):
            ax.set_ylim(len(values) - 0.4, -0.6)
            ax.set_xlim(0, 1.15 * values.max())
        else:
            clear_frame(ax, "left")
            ax.text(
                0.5, 0.5, "no label was confused with another", ha="center", transform=ax.transAxes
            )
        self.pairs_ = [(int(a), int(b)) for a, b in zip(true, predicted, strict=True)]
        self.values_ = values
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _largest(self, n_pairs: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        matrix = sp.coo_array(self.confusion_matrix)
        beside = (matrix.row != matrix.col) & (matrix.data > 0)
        true, predicted, values = matrix.row[beside], matrix.col[beside], matrix.data[beside]
        order = np.lexsort((predicted, true, -values))[:n_pairs]
        return true[order], predicted[order], values[order]

    def _names(self) -> Any:
        names = self.label_names
        if names is None:
            return str
        if isinstance(names, Mapping):
            return lambda label: plain(names.get(int(label), label))
        n_labels = np.shape(self.confusion_matrix)[0]
        if len(names) != n_labels:
            raise ValueError(
                f"label_names must name each of the {n_labels} labels, but holds {len(names)} "
                "names. A mapping from label to name may leave labels out."
            )
        return lambda label: plain(names[label])


def _left_to_right(name: str) -> str:
    """Keep a name that is written from the right from turning the arrow beside it around."""
    mark = "\N{LEFT-TO-RIGHT MARK}"
    from_the_right = any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in name)
    return f"{mark}{name}{mark}" if from_the_right else name
