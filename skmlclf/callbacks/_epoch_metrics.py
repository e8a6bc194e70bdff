"""Metrics on held-out rows after each epoch."""

from collections.abc import Callable, Sequence
from typing import Any, TextIO

import numpy as np
from numpy.typing import ArrayLike

from skmlclf._indicator import read_indicator
from skmlclf.callbacks._epoch_line import EpochPrinter
from skmlclf.metrics import Metric, evaluate_metrics, named_scorers

DEFAULT_METRICS = (
    "precision_at_20",
    "recall_samples",
    "f1_samples",
    "hamming",
    "multilabel_confusion_matrix",
)
"""What `EpochMetrics` and `skmlclf.comparison.compare` measure unless they are told otherwise."""


class EpochMetrics(EpochPrinter):
    """Compute metrics on held-out rows after each epoch, print them and add them to ``history_``.

    .. versionadded:: 0.1

    Parameters
    ----------
    metrics : sequence of str, Metric or callable, default=("precision_at_20", "recall_samples", \
"f1_samples", "hamming", "multilabel_confusion_matrix")
        Names as `skmlclf.metrics.get_scorer` takes them, also those of scikit-learn, `Metric`
        objects, or scorers. Of the confusion matrices of all labels, the totals ``tn``, ``fp``,
        ``fn`` and ``tp`` are reported.
    X_val : array-like of shape (n_val_samples, n_features), default=None
        Held-out rows. None stands for the rows that the fit holds out: the ``X_val`` that `fit` is
        given, else a random ``validation_fraction`` of the training rows.
    y_val : array-like or sparse, default=None
        Their targets.
    name : str, default="val"
        Prefix of the names of the values. "val" is the prefix of the rows that a fit holds out, so
        rows that are given beside them need another one, such as "test".
    verbose : bool, default=True
        Whether to print a line after each epoch. Beside an `EpochTable`, which shows the same
        values, none is printed.
    file : text stream, default=None
        Stream to print to; None stands for standard output.

    Raises
    ------
    TypeError
        If `metrics` is not a sequence of these.
    ValueError
        If a metric is unknown, `name` is empty or not a string, or only one of `X_val` and `y_val`
        is given.

    Notes
    -----
    In a fit of this package, all metrics and the validation loss are computed in one pass over the
    held-out rows, in blocks; a matrix of all their scores is made only for a metric that needs it,
    such as ``"map"``.

    In the ``fit`` of a Keras model, whose outputs must be probabilities, the callback predicts
    `X_val` itself and adds the metrics to the logs. `X_val` and `y_val` are required then, and
    scorers, which need an estimator, are not allowed.

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
        metrics: Sequence[str | Metric | Callable[..., Any]] = DEFAULT_METRICS,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
        name: str = "val",
        verbose: bool = True,
        file: TextIO | None = None,
    ) -> None:
        super().__init__(file)
        if isinstance(metrics, str) or not hasattr(metrics, "__iter__"):
            raise TypeError(f"metrics must be a sequence of names, got {metrics!r}.")
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together, got only one of them.")
        if not isinstance(name, str) or not name:
            raise ValueError(f"name must be a string with at least one character, got {name!r}.")
        self.metrics = tuple(metrics)
        named_scorers(self.metrics)
        self.X_val = X_val
        self.y_val = y_val
        self.name = name
        self.verbose = verbose

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Refuse a fit that measures nothing and leaves this callback nothing to measure.

        Raises
        ------
        ValueError
            In Keras' own fit, if there are no rows to measure, or scorers to call.
        """
        if self._is_measured():
            return
        if self.X_val is None:
            raise ValueError(
                "EpochMetrics in the fit of a Keras model measures rows of its own: give it X_val"
                " and y_val."
            )
        scorers = named_scorers(self.metrics)[1]
        if scorers:
            raise ValueError(
                f"{next(iter(scorers))} is a scorer and asks for an estimator, which the fit of a"
                " Keras model has none of: use metrics of skmlclf.metrics.get_scorer_names."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the values, which the fit has computed, or compute them first."""
        logs = {} if logs is None else logs
        if not self._is_measured():
            logs |= self._measure()
        super().on_epoch_end(epoch, logs)

    @property
    def _prints(self) -> bool:
        return self.verbose and not self.params.get("epoch_table")

    def _is_measured(self) -> bool:
        # A fit of this package says so, as Keras tells callbacks of a fit.
        return bool((self.params or {}).get("measures_held_out"))

    def _measure(self) -> dict[str, float]:
        responses = _KerasResponses(self.model, self.X_val)
        y_true = read_indicator(self.y_val, "y_val")
        values = evaluate_metrics(named_scorers(self.metrics)[0].values(), y_true, responses)
        return {f"{self.name}_{name}": value for name, value in values.items()}


class _KerasResponses:
    """Responses of a Keras model whose outputs are probabilities."""

    def __init__(self, model: Any, X: Any) -> None:
        self._scores = np.asarray(model.predict(np.asarray(X), verbose=0))

    def top_k(self, k: int) -> None:
        return None

    def scores(self) -> np.ndarray:
        return self._scores

    def probabilities(self) -> np.ndarray:
        return self._scores

    def decisions(self) -> np.ndarray:
        return self._scores > 0.5
