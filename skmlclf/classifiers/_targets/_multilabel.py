"""Any number of labels per row: one sigmoid per label."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from skmlclf._indicator import read_indicator
from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._kinds import is_multilabel
from skmlclf.classifiers._weights import LossWeights, log_odds, row_weights
from skmlclf.training import Predictor


@dataclass(frozen=True)
class MultilabelTargets(Targets):
    """A 0/1 indicator with one column per label.

    Parameters
    ----------
    container : type or None, default=None
        Sparse class of `y`; None where `y` was dense.
    """

    container: type | None = None
    output: ClassVar[str] = "sigmoid"

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
        return read_indicator(y, "y")

    def predict(self, predictor: Predictor, X: np.ndarray) -> Any:
        """Return the labels whose probability is above one half."""
        return self.decode(predictor.decisions(X))

    def decode(self, positives: sparse.csr_matrix) -> Any:
        """Write decisions as `y` was written: with its dtype, and sparse where it was sparse."""
        if self.container is None:
            return positives.toarray().astype(self.dtype)
        return self.container(positives.astype(self.dtype))

    def class_factors(self, class_weight: Any) -> str | np.ndarray | None:
        """Read the weights of the labels' positives."""
        return self._read_factors(
            class_weight, f"columns of y, 0 to {len(self.classes) - 1}", "label"
        )

    def loss_weights(
        self,
        positives: sparse.csr_matrix,
        sample_weight: np.ndarray | None,
        factors: str | np.ndarray | None,
    ) -> LossWeights:
        """Weigh rows by their sample weights, and labels by their factors."""
        raw, scaled, total = row_weights(sample_weight, positives.shape[0])
        present = np.bincount(
            positives.indices,
            weights=np.repeat(raw, np.diff(positives.indptr)),
            minlength=positives.shape[1],
        )
        labels = _label_factors(factors, present, total)
        bias = log_odds(self.loss, present, total, labels)
        return LossWeights(None if sample_weight is None else scaled, labels, bias)


def _label_factors(
    factors: str | np.ndarray | None, present: np.ndarray, total: float
) -> tuple[np.ndarray, np.ndarray] | None:
    if factors is None:
        return None
    if isinstance(factors, str):
        # A label that is always or never there has nothing to balance.
        mixed = (present > 0) & (present < total)
        safe = np.where(mixed, present, 0.5 * total)
        return total / (2.0 * (total - safe)), total / (2.0 * safe)
    return np.ones(len(factors)), factors
