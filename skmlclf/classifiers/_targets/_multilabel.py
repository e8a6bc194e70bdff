"""Any number of labels per row: one sigmoid per label."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from skmlclf._indicator import label_names_of, read_indicator, split_unknown
from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._kinds import is_multilabel
from skmlclf.classifiers._weights import (
    Counts,
    LossWeights,
    log_odds,
    row_weights,
    scaled_entries,
)
from skmlclf.training import Predictor


@dataclass(frozen=True)
class MultilabelTargets(Targets):
    """A 0/1 indicator with one column per label.

    Parameters
    ----------
    container : type or None, default=None
        Sparse class of `y`; None where `y` was dense.
    names : ndarray of shape (n_labels,) or None, default=None
        Names of the labels.
    """

    container: type | None = None
    names: np.ndarray | None = None
    output: ClassVar[str] = "sigmoid"

    @property
    def label_names(self) -> np.ndarray | None:
        """Names of the labels, where they have names besides their column numbers."""
        return self.names

    def split_unknown(self, y: Any) -> tuple[Any, sparse.csr_matrix | None]:
        """Return `y` without the entries that are NaN, and which these are."""
        self._check_order(y)
        return split_unknown(y)

    def encode(self, y: Any) -> sparse.csr_matrix:
        """Return the positives of every row; `Targets` describes the rest."""
        if not is_multilabel(y):
            raise ValueError(
                f"y must be a 2-d indicator as in the first fit, got shape {np.shape(y)}."
            )
        n_labels = y.shape[1] if hasattr(y, "shape") else np.shape(y)[1]
        if n_labels != len(self.classes):
            raise ValueError(
                f"y must have {len(self.classes)} columns, one per label, got {n_labels}."
            )
        self._check_order(y)
        return read_indicator(y, "y")

    def predict(self, predictor: Predictor, X: Any) -> Any:
        """Return the labels whose probability is above one half."""
        return self.decode(predictor.decisions(X))

    def decode(self, positives: sparse.csr_matrix) -> Any:
        """Write decisions as `y` was written: with its dtype, and sparse where it was sparse."""
        if self.container is None:
            return positives.toarray().astype(self.dtype)
        return self.container(positives.astype(self.dtype))

    def class_factors(self, class_weight: Any) -> str | np.ndarray | None:
        """Read the weights of the labels' positives."""
        return self._read_factors(class_weight, self._known_labels(), "label")

    def loss_weights(
        self, rows: Any, factors: str | np.ndarray | None, seen: Counts | None = None
    ) -> LossWeights:
        """Weigh rows and entries by their sample weights, and labels by their factors."""
        positives, entries = rows.positives, rows.entry_weight
        raw, scaled, total = row_weights(rows.weight, positives.shape[0])
        weight_of_positive = np.repeat(raw, np.diff(positives.indptr))
        totals = np.full(positives.shape[1], total)
        if entries is not None:
            weight_of_positive = weight_of_positive * entries.at(positives)
            totals = entries.column_sums(raw)
            entries = scaled_entries(entries, scaled)
        present = np.bincount(
            positives.indices, weights=weight_of_positive, minlength=positives.shape[1]
        )
        counts = Counts(present, totals).plus(seen)
        return LossWeights(
            None if rows.weight is None else scaled,
            _label_factors(factors, counts),
            entries,
            self.starting_bias(counts, factors),
            counts,
        )

    def starting_bias(self, counts: Counts, factors: str | np.ndarray | None) -> np.ndarray:
        """Return the log-odds of the labels."""
        return log_odds(self.loss, counts, _label_factors(factors, counts))

    def _check_order(self, y: Any) -> None:
        """Refuse a DataFrame in which a label that is known stands in another column."""
        names = label_names_of(y)
        if self.names is None or names is None or np.array_equal(names, self.names):
            return
        columns = {name: column for column, name in enumerate(self.names)}
        for column, name in enumerate(names):
            expected = columns.get(name, column)
            if expected != column:
                raise ValueError(
                    "The columns of y must be the labels in the order of the first fit: got"
                    f" {name!r} in column {column}, expected it in column {expected}. Select them"
                    " by label_names_."
                )

    def _known_labels(self) -> str:
        columns = f"columns of y, 0 to {len(self.classes) - 1}"
        return columns if self.names is None else f"{columns}, or names such as {self.names[0]!r}"

    def _index_of_names(self) -> dict[Any, int]:
        names = {} if self.names is None else {name: i for i, name in enumerate(self.names)}
        return {**super()._index_of_names(), **names}


def _label_factors(
    factors: str | np.ndarray | None, counts: Counts
) -> tuple[np.ndarray, np.ndarray] | None:
    if factors is None:
        return None
    if isinstance(factors, str):
        present, total = counts
        # A label that always or never occurs has nothing to balance.
        mixed = (present > 0) & (present < total)
        total = np.where(total > 0, total, 1.0)
        safe = np.where(mixed, present, 0.5 * total)
        return total / (2.0 * (total - safe)), total / (2.0 * safe)
    return np.ones(len(factors)), factors
