"""Metrics by name, such as ``gap_at_20``, for whatever has to pick one at run time."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from skmlclf.metrics._inputs import LabelMatrix
from skmlclf.metrics.average_precision import (
    global_average_precision_score,
    mean_average_precision_score,
)
from skmlclf.metrics.decisions import hamming_loss, samples_precision_recall_f1
from skmlclf.metrics.ranking import (
    hit_at_k_score,
    ndcg_at_k_score,
    precision_at_equal_recall_score,
    precision_at_k_score,
    recall_at_k_score,
)

TopK = tuple[ArrayLike, ArrayLike]

# Four totals instead of one number, so it stands beside the metrics and not among them.
CONFUSION = "multilabel_confusion_matrix"

# Names take any k in place of these; a listing has to stop somewhere.
LISTED_K = (1, 5, 20)

_AT_K: dict[str, Callable[..., Any]] = {
    "precision": precision_at_k_score,
    "recall": recall_at_k_score,
    "ndcg": ndcg_at_k_score,
    "hit": hit_at_k_score,
    "gap": global_average_precision_score,
    "map": mean_average_precision_score,
}
_WHOLE_RANKING: dict[str, Callable[..., Any]] = {
    "map": mean_average_precision_score,
    "perr": precision_at_equal_recall_score,
}


def _precision_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).precision


def _recall_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).recall


def _f1_samples(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
    return samples_precision_recall_f1(y_true, y_pred, **kwargs).f1


_DECISIONS: dict[str, Callable[..., Any]] = {
    "precision_samples": _precision_samples,
    "recall_samples": _recall_samples,
    "f1_samples": _f1_samples,
    "hamming": hamming_loss,
}
_LOSSES = {"hamming"}


@dataclass(frozen=True)
class Metric:
    """A metric with everything its name settles.

    Attributes
    ----------
    name : str
    kind : "ranking" or "decision"
        Whether it looks at scores or at decisions.
    k : int or None
        How many labels of a row it looks at; None where the name holds no number.
    greater_is_better : bool
    """

    name: str
    kind: Literal["ranking", "decision"]
    k: int | None
    greater_is_better: bool
    function: Callable[..., Any]

    def depth(self, y_true: Any) -> int | None:
        """How many of a row's best labels the value takes; None for all of them."""
        if self.k is not None:
            return self.k
        if self.name == "perr":
            return max(1, int(LabelMatrix(y_true, "y_true").read_all().row_counts.max()))
        return None

    def compute(
        self,
        y_true: Any,
        *,
        topk: TopK | None = None,
        y_score: ArrayLike | None = None,
        y_pred: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Compute the metric's own value, a loss being lower where it is better.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_samples, n_labels)
        topk : tuple of two arrays of shape (n_samples, n_kept), default=None
            ``(labels, scores)``, best first. A ranking metric needs this or `y_score`, and takes
            this where it is deep enough.
        y_score : array-like of shape (n_samples, n_labels), default=None
        y_pred : {array-like, sparse} of shape (n_samples, n_labels), default=None
            Needed by decision metrics.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        if self.kind == "decision":
            if y_pred is None:
                raise ValueError(f"{self.name} looks at decisions: give y_pred.")
            return float(self.function(y_true, y_pred, sample_weight=sample_weight))
        scores: Any = y_score
        if topk is not None and (y_score is None or self._reaches(topk, y_true)):
            scores = topk
        if scores is None:
            raise ValueError(f"{self.name} looks at a ranking: give topk or y_score.")
        return self.score(y_true, scores, sample_weight=sample_weight)

    def score(self, y_true: Any, y_score: Any, *, sample_weight: ArrayLike | None = None) -> float:
        """Compute the value from what the metric looks at, be it scores, pairs or decisions."""
        depth = {} if self.k is None else {"k": self.k}
        return float(self.function(y_true, y_score, sample_weight=sample_weight, **depth))

    def _reaches(self, topk: TopK, y_true: Any) -> bool:
        depth = self.depth(y_true)
        return depth is not None and np.shape(topk[0])[1] >= depth


def metric_names() -> list[str]:
    """Sorted names of the metrics, those at k for a few usual k."""
    at_k = [f"{family}_at_{k}" for family in _AT_K for k in LISTED_K]
    return sorted([*at_k, *_WHOLE_RANKING, *_DECISIONS])


def resolve_metric(name: str) -> Metric:
    """Find a metric by its name, any k allowed in ``<family>_at_<k>``."""
    at_k = re.fullmatch(r"([a-z]+)_at_([1-9][0-9]*)", name)
    if at_k and at_k[1] in _AT_K:
        return Metric(name, "ranking", int(at_k[2]), True, _AT_K[at_k[1]])
    if name in _WHOLE_RANKING:
        return Metric(name, "ranking", None, True, _WHOLE_RANKING[name])
    if name in _DECISIONS:
        return Metric(name, "decision", None, name not in _LOSSES, _DECISIONS[name])
    raise ValueError(unknown_name_message(name, metric_names()))


def unknown_name_message(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return (
        f"There is no metric {name!r}.{hint} Known are {', '.join(known)}, and any other k of at "
        "least 1 in the names at k."
    )
