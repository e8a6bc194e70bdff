"""Fit several classifiers on the same data and lay their figures side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmlclf._memory import peak_memory
from skmlclf._report import write_report
from skmlclf.callbacks import EpochMetrics
from skmlclf.callbacks._epoch_line import format_figure, short_name
from skmlclf.callbacks._epoch_metrics import DEFAULT_METRICS
from skmlclf.classifiers import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    make_feature_mlp,
)
from skmlclf.metrics._registry import CONFUSION

_KEPT_LABELS = 20


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
    history: dict[str, list[float]]
    topk: tuple[np.ndarray, np.ndarray]
    y_pred: sparse.csr_matrix

    @property
    def loss(self) -> float:
        """Loss on the held-out rows after the last epoch."""
        return self.history["val_loss"][-1]

    def metric(self, name: str) -> float:
        """Return a metric on the held-out rows after the last epoch."""
        return self.history[f"val_{name}"][-1]


@dataclass(frozen=True)
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
                format_figure("loss", result.loss),
                *(format_figure(name, result.metric(name)) for name in self.metrics),
            ]
            for result in self.results
        ]
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in [header, ["-" * width for width in widths], *rows]
        )

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the table's figures: by architecture, then by column.

        Returns
        -------
        dict of str to dict of str to float
        """
        return {
            result.name: {
                "parameters": result.n_parameters,
                "seconds": result.seconds,
                "peak_bytes": float("nan") if result.peak_bytes is None else result.peak_bytes,
                "loss": result.loss,
                **{name: result.metric(name) for name in self.metrics},
            }
            for result in self.results
        }

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
                    **figures[result.name],
                    "peak_bytes": result.peak_bytes,
                    "history": result.history,
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
            label_names=label_names,
            command=command,
        )


def default_architectures(
    *, epochs: int = 5, random_state: int | None = None, n_components: int = 256
) -> dict[str, Any]:
    """Return the four architectures, not fitted.

    Parameters
    ----------
    epochs : int, default=5
        Epochs of each.
    random_state : int or None, default=None
        Seed of each.
    n_components : int, default=256
        Principal components of the one on varied features.

    Returns
    -------
    dict of str to estimator
        ``"base"``, ``"pca"``, ``"blocks"`` and ``"deep"``.

    Examples
    --------
    >>> from skmlclf.comparison import default_architectures
    >>> list(default_architectures())
    ['base', 'pca', 'blocks', 'deep']
    """
    shared: dict[str, Any] = {"epochs": epochs, "random_state": random_state}
    return {
        "base": BaseMLPClassifier(**shared),
        "pca": make_feature_mlp("all", n_components, **shared),
        "blocks": BlockMLPClassifier(**shared),
        "deep": DeepMLPClassifier(**shared),
    }


def feature_architectures(
    *,
    epochs: int = 5,
    random_state: int | None = None,
    sizes: Sequence[int] = (64, 128, 256, 512),
) -> dict[str, Any]:
    """Return the base network on varied features, not fitted: a study of what the features give.

    Parameters
    ----------
    epochs : int, default=5
        Epochs of each.
    random_state : int or None, default=None
        Seed of each.
    sizes : sequence of int, default=(64, 128, 256, 512)
        Numbers of principal components.

    Returns
    -------
    dict of str to estimator
        ``"base"`` on all features, ``"video"``, ``"audio"``, and ``"pca-<size>"`` on all.

    Examples
    --------
    >>> from skmlclf.comparison import feature_architectures
    >>> list(feature_architectures(sizes=[32]))
    ['base', 'video', 'audio', 'pca-32']
    """
    shared: dict[str, Any] = {"epochs": epochs, "random_state": random_state}
    return {
        "base": BaseMLPClassifier(**shared),
        "video": make_feature_mlp("video", None, **shared),
        "audio": make_feature_mlp("audio", None, **shared),
        **{f"pca-{size}": make_feature_mlp("all", size, **shared) for size in sizes},
    }


def compare(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    X_val: Any,
    y_val: Any,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    verbose: bool = True,
    file: TextIO | None = None,
) -> Comparison:
    """Fit classifiers of this package, or pipelines that end in one, on the same rows.

    Parameters
    ----------
    estimators : mapping of str to estimator
        What to fit, by name. Clones are fitted.
    X, y : array-like
        Training rows and targets.
    X_val, y_val : array-like
        Held-out rows and targets. They pass through the transformers of a pipeline.
    metrics : sequence of str, default=("precision_at_20", "recall_samples", "f1_samples", \
"hamming", "multilabel_confusion_matrix")
        What to compute on the held-out rows after each epoch. The totals of the confusion matrix
        are shown with the epochs and kept in the histories; they are no column of the table.
    verbose : bool, default=True
        Whether to print a line after each epoch.
    file : text stream, default=None
        Where to print; None stands for standard output.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If `metrics` names nothing that can be a column of the table.

    Examples
    --------
    >>> from skmlclf.comparison import compare, default_architectures
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(300, n_labels=50, random_state=0)
    >>> chosen = {"base": default_architectures(epochs=2, random_state=0)["base"]}
    >>> comparison = compare(chosen, X[:250], y[:250], X[250:], y[250:], verbose=False)
    >>> comparison.results[0].n_parameters
    1231922
    """
    columns = tuple(name for name in metrics if name != CONFUSION)
    if not columns:
        raise ValueError(
            f"metrics must name at least one figure to compare by, got {list(metrics)}: the totals"
            f" of {CONFUSION!r} are no column of the table. Add one, such as 'precision_at_20'."
        )
    results = []
    for name, estimator in estimators.items():
        estimator = clone(estimator)
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        measured = EpochMetrics(metrics, verbose=verbose, file=file)
        params = {k: v for k, v in classifier.get_params().items() if k != "callbacks"}
        classifier.set_params(callbacks=[*(classifier.callbacks or ()), measured])
        if verbose:
            print(f"\n{name}", file=file, flush=True)
        start = perf_counter()
        with peak_memory() as peak:
            _fit(estimator, classifier, X, y, X_val, y_val)
        seconds = perf_counter() - start
        transformed = X_val if classifier is estimator else estimator[:-1].transform(X_val)
        n_kept = min(_KEPT_LABELS, len(classifier.classes_))
        results.append(
            Result(
                name,
                params,
                sum(int(np.prod(v.shape)) for v in classifier.model_.trainable_variables),
                seconds,
                peak.bytes,
                classifier.history_,
                classifier.predict_topk(transformed, k=n_kept),
                sparse.csr_matrix(classifier.predict(transformed)),
            )
        )
    return Comparison(results, columns, _sizes(X, y, X_val), y, y_val)


def _sizes(X: Any, y: Any, X_val: Any) -> dict[str, float]:
    positives = y.count_nonzero() if sparse.issparse(y) else np.count_nonzero(y)
    return {
        "training samples": len(X),
        "held-out samples": len(X_val),
        "features": np.shape(X)[1],
        "labels": y.shape[1],
        "labels a training sample": positives / len(X),
    }


def _fit(
    estimator: Any, classifier: Any, X: ArrayLike, y: Any, X_val: ArrayLike, y_val: Any
) -> None:
    # Only with routing does a pipeline take held-out rows through its transformers.
    with config_context(enable_metadata_routing=True):
        if estimator is not classifier:
            estimator.set_params(transform_input=["X_val"])
            classifier.set_fit_request(X_val=True, y_val=True)
        estimator.fit(X, y, X_val=X_val, y_val=y_val)
