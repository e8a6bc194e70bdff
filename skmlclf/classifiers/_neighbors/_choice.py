"""Choosing the weight and the temperature of a blend on held-out rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.classifiers._neighbors._blend import Blend, Candidates, blended, candidates
from skmlclf.classifiers._neighbors._rows import LabelledRows, row_blocks
from skmlclf.metrics import Metric, evaluate_metrics, named_scorers

WEIGHTS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8)
TEMPERATURES = (0.01, 0.02, 0.03, 0.05, 0.1)


def choose(
    blend: Blend,
    rows: LabelledRows,
    scoring: Any,
    weight: float | str,
    temperature: float | str,
    with_blend: Callable[[float, float], Any],
) -> tuple[float, float]:
    """Return the weight and the temperature with the best score.

    Rows are searched and predicted once, not once for each pair; a scorer, which asks an estimator,
    is called for each.

    Parameters
    ----------
    blend : Blend
        Its weight and temperature are not looked at.
    rows : LabelledRows
        Held-out rows, which are in no bank.
    scoring : str, Metric or callable
        As `skmlclf.metrics.get_scorer` takes it.
    weight, temperature : float or "auto"
        A number is kept.
    with_blend : callable
        ``with_blend(weight, temperature)``, the estimator that a scorer is called with.

    Returns
    -------
    weight, temperature : float
        Of equal scores, those of the smallest weight, and of it the lowest temperature.
    """
    weights = WEIGHTS if isinstance(weight, str) else (float(weight),)
    temperatures = TEMPERATURES if isinstance(temperature, str) else (float(temperature),)
    metrics, scorers = named_scorers([scoring])
    if metrics:
        [metric] = metrics.values()
        depth = min(metric.depth_for(rows.labels) or 1, rows.labels.shape[1])
        known = _Known.of(blend, rows.X, depth)
    best, chosen = -np.inf, (weights[0], temperatures[0])
    for t in temperatures:
        votes = known.votes(t) if metrics else None
        for w in weights:
            if metrics:
                score = _score(metric, _Responses(known, votes, w, rows.exclusive), rows)
            else:
                [scorer] = scorers.values()
                score = scorer(with_blend(w, t), rows.X, rows.y)
            if (score, -w) > (best, -chosen[0]):
                best, chosen = score, (w, t)
    return chosen


def _score(metric: Metric, responses: "_Responses", rows: LabelledRows) -> float:
    values = evaluate_metrics([metric], rows.labels, responses, rows.row_weight)
    if metric.name not in values:
        raise ValueError(
            f"scoring={metric.name!r} has several values, and the blend is chosen by one: expected"
            " a metric such as 'gap_at_20'."
        )
    return -values[metric.name] if metric.greater_is_better is False else values[metric.name]


@dataclass
class _Known:
    """What does not depend on weight and temperature: neighbours, and the classifier's answers.

    Attributes
    ----------
    indices, similarities : ndarray of shape (n_rows, k)
    voted, best, best_probabilities : ndarray
        As `Candidates` describes them.
    blend : Blend
    X : array-like
        The rows, for what few metrics need.
    """

    indices: np.ndarray
    similarities: np.ndarray
    voted: np.ndarray
    best: np.ndarray
    best_probabilities: np.ndarray
    blend: Blend
    X: Any
    _dense: np.ndarray | None = None

    @classmethod
    def of(cls, blend: Blend, X: Any, k: int) -> "_Known":
        parts = []
        for _, block in row_blocks(X):
            near = blend.nearest(block)
            # A label of a neighbour is a candidate at any temperature.
            found = candidates(blend.classifier, block, blend.bank.votes(*near, 1.0), k)
            parts.append((*near, found.voted, found.best, found.best_probabilities))
        indices, similarities, voted, best, probabilities = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        return cls(indices, similarities, voted, best, probabilities, blend, X)

    def votes(self, temperature: float) -> sparse.csr_matrix:
        return self.blend.bank.votes(self.indices, self.similarities, temperature)

    def probabilities(self) -> np.ndarray:
        if self._dense is None:
            blocks = [self.blend.classifier.probabilities(block) for _, block in row_blocks(self.X)]
            self._dense = np.concatenate(blocks)
        return self._dense


class _Responses:
    """A blend as metrics ask for it."""

    def __init__(
        self, known: _Known, votes: sparse.csr_matrix, weight: float, exclusive: bool
    ) -> None:
        self._known = known
        self._votes = votes
        self._weight = weight
        self._exclusive = exclusive

    def top_k(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        known = self._known
        found = Candidates(self._votes, known.voted, known.best, known.best_probabilities)
        return found.ranked(k, self._weight)

    def scores(self) -> np.ndarray:
        return self.probabilities()

    def probabilities(self) -> np.ndarray:
        return blended(self._known.probabilities(), self._votes.toarray(), self._weight)

    def decisions(self) -> np.ndarray:
        scores = self.probabilities()
        if self._exclusive:
            return np.asarray(np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None])
        return scores > 0.5
