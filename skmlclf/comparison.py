"""Fit several classifiers on the same data and lay their figures side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, TextIO

from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmlclf.callbacks import EpochMetrics
from skmlclf.callbacks._epoch_line import format_figure, short_name
from skmlclf.classifiers import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    make_feature_mlp,
)

DEFAULT_METRICS = ("precision_at_20", "recall_samples", "f1_samples", "hamming")


@dataclass(frozen=True)
class Result:
    """What one architecture came to.

    Attributes
    ----------
    name : str
        As given to `compare`.
    n_parameters : int
        Trained weights of its network.
    seconds : float
        Wall time of the fit, all steps of a pipeline and the measuring of every epoch included.
    history : dict of str to list of float
        Losses and metrics by epoch; ``val_`` ones are of the held-out rows.
    """

    name: str
    n_parameters: int
    seconds: float
    history: dict[str, list[float]]

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
    """

    results: list[Result]
    metrics: tuple[str, ...]

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

    def to_dict(self) -> dict[str, Any]:
        """Return the results as plain dicts, lists and numbers.

        Returns
        -------
        dict
        """
        return {"metrics": list(self.metrics), "results": [asdict(r) for r in self.results]}


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


def compare(
    estimators: Mapping[str, Any],
    X: ArrayLike,
    y: Any,
    X_val: ArrayLike,
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
"hamming")
        What to compute on the held-out rows after each epoch.
    verbose : bool, default=True
        Whether to print a line after each epoch.
    file : text stream, default=None
        Where to print; None stands for standard output.

    Returns
    -------
    Comparison

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
    results = []
    for name, estimator in estimators.items():
        estimator = clone(estimator)
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        measured = EpochMetrics(metrics, verbose=verbose, file=file)
        classifier.set_params(callbacks=[*(classifier.callbacks or ()), measured])
        if verbose:
            print(f"\n{name}", file=file, flush=True)
        start = perf_counter()
        _fit(estimator, classifier, X, y, X_val, y_val)
        seconds = perf_counter() - start
        n_parameters = classifier.model_.count_params() - sum(
            v.value.shape.num_elements() for v in classifier.model_.non_trainable_weights
        )
        results.append(Result(name, n_parameters, seconds, classifier.history_))
    return Comparison(results, tuple(metrics))


def _fit(
    estimator: Any, classifier: Any, X: ArrayLike, y: Any, X_val: ArrayLike, y_val: Any
) -> None:
    # Only with routing does a pipeline take held-out rows through its transformers.
    with config_context(enable_metadata_routing=True):
        if estimator is not classifier:
            estimator.set_params(transform_input=["X_val"])
            classifier.set_fit_request(X_val=True, y_val=True)
        estimator.fit(X, y, X_val=X_val, y_val=y_val)
