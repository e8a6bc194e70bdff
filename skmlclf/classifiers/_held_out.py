"""What a fit is measured on after each epoch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmlclf.classifiers._rows import Rows, read_held_out, split_rows
from skmlclf.classifiers._targets import Targets
from skmlclf.metrics import evaluate_metrics, named_scorers
from skmlclf.training import Evaluation, Predictor


@dataclass(frozen=True)
class Request:
    """Rows to measure on after each epoch, and what to measure.

    Attributes
    ----------
    metrics : tuple of str, Metric or callable
        What to compute besides the loss.
    name : str
        What the names of the values start with.
    X, y, sample_weight : array-like or None
        The rows; None stands for those that the fit holds out.
    """

    metrics: tuple[Any, ...]
    name: str = "val"
    X: Any = None
    y: Any = None
    sample_weight: Any = None

    def given(self) -> tuple[Any, Any]:
        """Return the rows as they were given."""
        return self.X, self.y


def hold_out(
    estimator: Any,
    data: Any,
    rows: Rows,
    requests: Iterable[Request],
    targets: Targets,
    rng: np.random.RandomState,
) -> tuple[Rows, "list[HeldOut]"]:
    """Decide what is held out: by the fit itself, and by callbacks with rows of their own.

    Parameters
    ----------
    estimator : classifier
        Its ``validation_fraction`` says how many rows are split off, where some have to be.
    data : FitData
        What `fit` was given.
    rows : Rows
        The training rows.
    requests : iterable of Request
        What is to be measured. Those without rows share the fit's own held-out rows.
    targets : Targets
        How targets are to be read.
    rng : RandomState
        Decides which training rows are split off.

    Returns
    -------
    rows : Rows
        What is left to train on.
    held_out : list of HeldOut
        The fit's own held-out rows first.

    Raises
    ------
    ValueError
        If held-out rows are not as those of `fit`, or two sets of them share a name.
    """
    if (data.X_val is None) != (data.y_val is None):
        raise ValueError("X_val and y_val must be given together, got only one of them.")
    if data.X_val is None and data.sample_weight_val is not None:
        raise ValueError("sample_weight_val weighs the rows of X_val, and no X_val was given.")
    requests = list(requests)
    shared = [request for request in requests if request.X is None]
    metrics = [metric for request in shared for metric in request.metrics]
    held_out = []
    if data.X_val is not None:
        own = Request(tuple(metrics), "val", data.X_val, data.y_val, data.sample_weight_val)
        requests.insert(0, own)
    elif shared:
        labels = targets.indicator(rows.positives) if estimator.stratify else None
        rows, split = split_rows(rows, estimator.validation_fraction, rng, labels=labels)
        held_out.append(HeldOut(estimator, split, targets, metrics, "val", data.taker(split)))
    for request in requests:
        if request.X is not None:
            weight = request.sample_weight
            read = read_held_out(request.X, request.y, weight, targets, rows, estimator)
            held_out.append(
                HeldOut(estimator, read, targets, request.metrics, request.name, request.given)
            )
    names = [each.name for each in held_out]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Two sets of held-out rows are called {name!r}, so that one would hide the other."
                " The fit's own are called 'val': give EpochMetrics with other rows another name,"
                " such as name='test'."
            )
    return rows, held_out


class HeldOut:
    """Rows that a fit is measured on after each epoch.

    Parameters
    ----------
    estimator : classifier
        What scorers are called with.
    rows : Rows
        The held-out rows.
    targets : Targets
        The kind of their targets.
    metrics : iterable of str, Metric or callable
        What to compute besides the loss.
    name : str
        What the names of the values start with.
    given : callable
        Returns `X` and `y` of these rows as they were given to `fit`, for scorers.
    """

    def __init__(
        self,
        estimator: Any,
        rows: Rows,
        targets: Targets,
        metrics: Iterable[Any],
        name: str,
        given: Callable[[], tuple[Any, Any]],
    ) -> None:
        self.name = name
        self._estimator = estimator
        self.rows = rows
        self._targets = targets
        self._given = given
        self._metrics, self._scorers = named_scorers(metrics)
        self._y_true = targets.indicator(rows.positives)
        self._unknown = None
        if rows.entry_weight is not None:
            unknown = rows.entry_weight.unknown(slice(None))
            self._unknown = unknown if unknown.any() else None
        depths = [metric.depth_for(self._y_true) or 1 for metric in self._metrics.values()]
        self._depth = min(rows.positives.shape[1], max(depths, default=1))

    def evaluate(self, predictor: Predictor) -> dict[str, float]:
        """Return the loss as ``"<name>_loss"`` and each metric as ``"<name>_<metric>"``.

        Parameters
        ----------
        predictor : Predictor
            Of the network as it is now.

        Returns
        -------
        dict of str to float
        """
        rows = self.rows
        evaluation = predictor.evaluate(
            rows.X, rows.positives, rows.weight, self._depth, rows.indices, rows.entry_weight
        )
        responses = _HeldOutResponses(predictor, rows, self._targets, evaluation)
        values = {"loss": evaluation.loss}
        values |= evaluate_metrics(
            self._metrics.values(),
            self._y_true,
            responses,
            sample_weight=rows.weight,
            unknown=self._unknown,
        )
        if self._scorers:
            X, y = self._given()
            values |= {
                name: _score(name, scorer, self._estimator, X, y)
                for name, scorer in self._scorers.items()
            }
        return {f"{self.name}_{name}": value for name, value in values.items()}


def _score(name: str, scorer: Callable[..., Any], estimator: Any, X: Any, y: Any) -> float:
    value = scorer(estimator, X, y)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"The scorer {name!r} must return a number, got {value!r:.200}.") from error


@dataclass(frozen=True)
class _HeldOutResponses:
    """What metrics may ask of one evaluation; what it does not hold is predicted when asked for."""

    predictor: Predictor
    rows: Rows
    targets: Targets
    evaluation: Evaluation = field(repr=False)

    @property
    def _X(self) -> np.ndarray:
        rows = self.rows
        X: np.ndarray = rows.X if rows.indices is None else rows.X[rows.indices]
        return X

    def top_k(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        labels, scores = self.targets.ranking(self.evaluation)
        return labels[:, :k], scores[:, :k]

    def scores(self) -> np.ndarray:
        return self.targets.scores(self.predictor, self._X)

    def probabilities(self) -> np.ndarray:
        return self.targets.predict_proba(self.predictor, self._X)

    def decisions(self) -> Any:
        return self.targets.decisions(self.evaluation)
