"""Ranking metrics of data that arrives in batches."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from skmlclf._compat import Interval
from skmlclf.metrics._inputs import checked, weighted_mean
from skmlclf.metrics._ranked import read_ranking_inputs
from skmlclf.metrics._topk import KeptTopK, ScoreLike, Ties, TopKScores
from skmlclf.metrics.equal_recall import EqualRecall
from skmlclf.metrics.registry import get_metric


class _Rows(NamedTuple):
    """What is kept of some rows; every field can be joined end to end.

    ``tied_rows``, counted over all rows, are those in which labels that are not kept share the
    score of the last one kept; ``tied_labels`` holds a bit for each label of that score.
    """

    labels: NDArray[Any]
    scores: NDArray[Any]
    true_columns: NDArray[Any]
    true_counts: NDArray[np.int32]
    perr_of_logits: NDArray[np.float64]
    perr_of_probabilities: NDArray[np.float64]
    weights: NDArray[np.float64]
    tied_rows: NDArray[np.intp]
    tied_labels: NDArray[np.uint8]


class RankingAccumulator:
    """Collect scores in batches and compute the ranking metrics of all of them.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_labels : int
        Number of columns of every `y_true` to come.
    k : int, default=20
        Number of best-ranked labels to keep per row. Metrics at this k and at any smaller one can
        be computed.

    Attributes
    ----------
    n_labels, k : int
        The parameters.
    n_samples : int
        Number of rows added so far.

    Raises
    ------
    ValueError
        If a parameter is not a positive integer.

    See Also
    --------
    get_scorer : The same metrics for estimators.

    Notes
    -----
    Of each row only the ``k`` best labels are kept, in the smallest integer type that holds them,
    their scores in the precision they came in, and the row's true labels: some 160 bytes per row
    for 20 labels in single precision. A row in which other labels have the same score as the last
    one kept takes one more bit per label. A batch of dense scores can be released as soon as
    :meth:`update` returns.

    The values are the ones that the functions of this package return for all rows at once, up to
    the rounding of sums, for the same code runs over what was kept. Equal scores are treated as in
    these functions, within a row and across batches.

    :func:`precision_at_equal_recall_score` may look further than ``k``, so it is computed from
    each batch as it arrives. Mean average precision over all rows of each label needs every
    score, so an accumulator gives it over the ``k`` best labels of each row only, as
    ``map_at_20`` and the like.

    Examples
    --------
    >>> from skmlclf.metrics import RankingAccumulator
    >>> accumulator = RankingAccumulator(n_labels=4, k=2)
    >>> accumulator.update([[1, 0, 1, 0]], [[0.9, 0.8, 0.7, 0.1]])
    RankingAccumulator(n_labels=4, k=2, n_samples=1)
    >>> accumulator.update([[0, 1, 0, 0]], [[0.2, 0.6, 0.1, 0.1]])
    RankingAccumulator(n_labels=4, k=2, n_samples=2)
    >>> accumulator.compute("precision_at_2")
    0.5
    >>> list(accumulator.results())
    ['precision_at_2', 'recall_at_2', 'ndcg_at_2', 'hit_at_1', 'hit_at_2', 'gap_at_2', 'map_at_2',
     'perr']

    Any other metric of the best labels can be computed from what was kept:

    >>> from skmlclf.metrics import propensity_scored_precision_at_k_score
    >>> y_true, topk, sample_weight = accumulator.kept()
    >>> propensity_scored_precision_at_k_score(y_true, topk, [1, 2, 3, 4], k=2)
    0.5
    """

    @checked(n_labels=[Interval(Integral, 1, None, closed="left")])
    def __init__(self, n_labels: int, *, k: int = 20) -> None:
        self.n_labels = n_labels
        self.k = k
        self.reset()

    def __repr__(self) -> str:
        return (
            f"RankingAccumulator(n_labels={self.n_labels}, k={self.k}, n_samples={self.n_samples})"
        )

    def reset(self) -> "RankingAccumulator":
        """Discard all rows.

        Returns
        -------
        RankingAccumulator
            Itself.
        """
        self.n_samples = 0
        self._batches: list[_Rows] = []
        self._weighted = False
        self._any_negative = False
        self._deepest_unseen = 0
        return self

    def update(
        self, y_true: Any, y_score: ScoreLike, sample_weight: ArrayLike | None = None
    ) -> "RankingAccumulator":
        """Add a batch of rows.

        Parameters
        ----------
        y_true : {array-like, sparse} of shape (n_rows, n_labels)
            The true labels, entries 0 or 1. Any scipy sparse format will do.
        y_score : array-like of shape (n_rows, n_labels) or tuple of two (n_rows, n_kept)
            Scores, higher is better, or the pair ``(labels, scores)`` of the best labels of each
            row, best first, at least ``k`` of them.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row; 1 for batches without.

        Returns
        -------
        RankingAccumulator
            Itself.

        Raises
        ------
        ValueError
            If the batch is not as described; the accumulator is not changed then.
        """
        inputs = read_ranking_inputs(y_true, y_score, sample_weight, zero_weights_allowed=True)
        n_rows, n_labels = inputs.true.shape
        if n_labels != self.n_labels:
            raise ValueError(
                f"This accumulator was made for {self.n_labels} labels, but y_true has {n_labels} "
                "columns."
            )
        keep = min(self.k, n_labels)
        inputs.scores.check_k(keep)
        counts = inputs.true.row_counts
        depths, unseen = np.maximum(counts, keep), 0
        if isinstance(inputs.scores, TopKScores) and depths.max() > inputs.scores.n_kept:
            unseen = int(counts.max())
            depths = np.minimum(depths, inputs.scores.n_kept)
        compact = np.min_scalar_type(n_labels)
        labels, scores, equal_recall = [], [], EqualRecall(counts)
        tied_rows, tied_labels = [], []
        for block in inputs.ranked(depths):
            labels.append(block.labels[:, :keep].astype(compact))
            scores.append(block.scores[:, :keep].copy())
            equal_recall.add(block)
            rows = block.crossing_at(keep) + block.rows.start
            tied_rows.append(rows + self.n_samples)
            last = scores[-1][rows - block.rows.start, -1]
            tied_labels.append(np.packbits(inputs.scores.equal_to(rows, last), axis=1))

        self._batches.append(
            _Rows(
                np.concatenate(labels),
                np.concatenate(scores),
                inputs.true.columns.astype(compact),
                counts.astype(np.int32),
                equal_recall.of_logits,
                equal_recall.of_probabilities,
                np.ones(n_rows) if inputs.weights is None else inputs.weights,
                np.concatenate(tied_rows),
                np.concatenate(tied_labels),
            )
        )
        self.n_samples += n_rows
        self._weighted |= inputs.weights is not None
        self._any_negative |= equal_recall.any_negative
        self._deepest_unseen = max(self._deepest_unseen, unseen)
        return self

    def compute(self, name: str) -> float:
        """Compute one metric of all rows added so far.

        Parameters
        ----------
        name : str
            ``"perr"``, or ``"precision_at_20"`` and the like for precision, recall, ndcg, hit,
            gap and map, with any number up to ``k``.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there are no rows, the metric is unknown, or it depends on labels that were not kept.
        """
        metric = get_metric(name)
        if metric.response != "ranking":
            raise ValueError(
                f"{name} looks at {metric.response}, and an accumulator keeps the best labels only."
            )
        y_true, topk, weights = self.kept()
        if name == "perr":
            return self._precision_at_equal_recall(weights)
        depth = metric.depth_for(y_true)
        if depth is None or min(depth, self.n_labels) > topk[0].shape[1]:
            raise ValueError(
                f"{name} takes more than the {topk[0].shape[1]} best labels of a row that were "
                "kept. Make the accumulator with a larger k, or ask for a smaller one, as in "
                f"{name.split('_at_')[0]}_at_{self.k}."
            )
        value = metric.compute(y_true, topk, weights)
        assert isinstance(value, float)
        return value

    def results(self, names: Iterable[str] | None = None) -> dict[str, float]:
        """Compute several metrics of all rows added so far.

        Parameters
        ----------
        names : iterable of str, default=None
            As :meth:`compute` takes them; by default every metric at ``k``, hit also at 1, and
            ``perr`` where it is known.

        Returns
        -------
        dict of str to float

        Raises
        ------
        ValueError
            As for :meth:`compute`.
        """
        if names is None:
            families = ("precision", "recall", "ndcg", "hit", "gap", "map")
            names = [f"{family}_at_{self.k}" for family in families]
            if self.k > 1:
                names.insert(3, "hit_at_1")
            if not self._deepest_unseen:
                names.append("perr")
        return {name: self.compute(name) for name in names}

    def kept(
        self,
    ) -> tuple[sp.csr_array, tuple[NDArray[Any], NDArray[Any]], NDArray[np.float64] | None]:
        """Return the true labels and the kept scores of all rows, as ranking metrics take them.

        Returns
        -------
        y_true : scipy.sparse.csr_array of shape (n_samples, n_labels)
        topk : tuple of two arrays of shape (n_samples, k)
            The pair ``(labels, scores)``, best first. The tuple also stores which labels are tied
            with the last one kept, which the metrics of this package take into account.
        sample_weight : ndarray of shape (n_samples,) or None
            None if no batch had weights.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        rows = self._joined()
        starts = np.concatenate(([0], np.cumsum(rows.true_counts, dtype=np.int64)))
        ones = np.ones(len(rows.true_columns), dtype=bool)
        y_true = sp.csr_array(
            (ones, rows.true_columns.astype(np.int32), starts),
            shape=(self.n_samples, self.n_labels),
        )
        topk = KeptTopK(rows.labels, rows.scores, Ties(rows.tied_rows, rows.tied_labels))
        return y_true, topk, rows.weights if self._weighted else None

    def _joined(self) -> _Rows:
        if not self._batches:
            raise ValueError("There are no rows yet: call update first.")
        if len(self._batches) > 1:
            fields = zip(*self._batches, strict=True)
            self._batches = [_Rows(*(np.concatenate(parts) for parts in fields))]
        return self._batches[0]

    def _precision_at_equal_recall(self, weights: NDArray[np.float64] | None) -> float:
        if self._deepest_unseen:
            raise ValueError(
                f"perr looks at as many of a row's best labels as it has true ones, here up to "
                f"{self._deepest_unseen}, but a batch came as (labels, scores) with fewer. Keep "
                "more labels per row, or give every score as a dense array."
            )
        rows = self._joined()
        values = rows.perr_of_logits if self._any_negative else rows.perr_of_probabilities
        return weighted_mean(values, weights)
