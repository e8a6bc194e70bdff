"""Metrics on held-out rows after each epoch."""

from collections.abc import Sequence
from typing import Any, TextIO

from numpy.typing import ArrayLike

from skmlclf.callbacks._epoch_line import EpochPrinter
from skmlclf.metrics import get_metric

DEFAULT_METRICS = (
    "precision_at_20",
    "recall_samples",
    "f1_samples",
    "hamming",
    "multilabel_confusion_matrix",
)


class EpochMetrics(EpochPrinter):
    """Measure held-out rows after each epoch: printed, and kept in ``history_``.

    Parameters
    ----------
    metrics : sequence of str, default=("precision_at_20", "recall_samples", "f1_samples", \
"hamming", "multilabel_confusion_matrix")
        Names as `skmlclf.metrics.get_scorer` knows them. A confusion matrix of thousands of labels
        is told by its totals: ``tn``, ``fp``, ``fn`` and ``tp``.
    X_val : array-like of shape (n_val_samples, n_features), default=None
        Held-out rows. None stands for the rows that the fit holds out: its own ``X_val`` if it is
        given one, else a random ``validation_fraction`` of the training rows.
    y_val : array-like or sparse, default=None
        Their targets.
    name : str, default="val"
        What the names of the figures on rows of its own start with. The rows that a fit holds out
        are called "val", so rows beside them need another name, such as "test".
    verbose : bool, default=True
        Whether to print a line after each epoch. Beside an `EpochTable`, which shows the same
        figures, none is printed.
    file : text stream, default=None
        Where to print; None stands for standard output.

    Notes
    -----
    All metrics and the validation loss come out of one pass over the held-out rows, in blocks; a
    matrix of all their scores is made only for a metric that needs it, such as ``"map"``.

    Examples
    --------
    >>> from skmlclf import BaseMLPClassifier
    >>> from skmlclf.callbacks import EpochMetrics
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(120, n_labels=50, random_state=0)
    >>> watch = EpochMetrics(["precision_at_5"], verbose=False)
    >>> clf = BaseMLPClassifier(epochs=2, callbacks=[watch], random_state=0)
    >>> sorted(clf.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:]).history_)
    ['loss', 'val_loss', 'val_precision_at_5']
    """

    def __init__(
        self,
        metrics: Sequence[str] = DEFAULT_METRICS,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
        name: str = "val",
        verbose: bool = True,
        file: TextIO | None = None,
    ) -> None:
        super().__init__(file)
        if isinstance(metrics, str) or not all(isinstance(each, str) for each in metrics):
            raise TypeError(f"metrics must be a sequence of names, got {metrics!r}.")
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together, got only one of them.")
        for metric in metrics:
            get_metric(metric)
        self.metrics = tuple(metrics)
        self.X_val = X_val
        self.y_val = y_val
        self.name = name
        self.verbose = verbose
        # The estimator says whether an `EpochTable` shows the figures.
        self.in_table = False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the figures, which the fit has computed."""
        if self.verbose and not self.in_table:
            super().on_epoch_end(epoch, logs)
