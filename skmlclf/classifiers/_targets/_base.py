"""Base class of the kinds of target."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from skmlclf.classifiers._weights import Counts, LossWeights
from skmlclf.training import LOSSES, Best, Evaluation, Loss, Predictor

if TYPE_CHECKING:
    from skmlclf.classifiers._rows import Rows


# Losses are added up in single precision.
_LARGEST_FACTOR = 1e30


@dataclass(frozen=True)
class Targets(ABC):
    """The kind of `y` that was fitted: reads another `y` and writes predictions.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Classes in order, or the column numbers of the labels.
    dtype : dtype
        That of `y`.
    """

    classes: np.ndarray
    dtype: np.dtype

    output: ClassVar[str]
    """Activation of the output units."""

    @property
    def n_outputs(self) -> int:
        """Number of output units."""
        return len(self.classes)

    @property
    def label_names(self) -> np.ndarray | None:
        """Names of the labels, where they have names besides their column numbers."""
        return None

    @property
    def loss(self) -> Loss:
        """What a network of these targets is trained on."""
        return LOSSES[self.output]

    def split_unknown(self, y: Any) -> tuple[Any, sparse.csr_matrix | None]:
        """Return `y` with the entries that are not known, if there can be any, taken out."""
        return y, None

    @abstractmethod
    def encode(self, y: Any) -> sparse.csr_matrix:
        """Return the positives of every row.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse
            Of the kind that was fitted.

        Returns
        -------
        csr_matrix of shape (n_samples, n_outputs), uint8
            In canonical form; the input is not changed.

        Raises
        ------
        ValueError
            If `y` is of another kind or width, has unknown classes, or entries besides 0 and 1.
        """

    @abstractmethod
    def predict(self, predictor: Predictor, X: Any) -> Any:
        """Return decisions, written as `y` was."""

    def decision_function(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logits in the shape of scikit-learn's decision functions."""
        return predictor.logits(X)

    def predict_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the probability of every class or label."""
        return predictor.probabilities(X)

    def predict_log_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of every class or label."""
        log_proba: np.ndarray = -np.logaddexp(0, -predictor.logits(X))
        return log_proba

    def best(self, predictor: Predictor, X: Any, k: int) -> Best:
        """Return the `k` best columns of each row, one column per class or label."""
        return predictor.best(X, k)

    @abstractmethod
    def class_factors(self, class_weight: Any) -> "str | np.ndarray | None":
        """Read the parameter `class_weight`: None, "balanced", or a factor for each class."""

    @abstractmethod
    def loss_weights(
        self, rows: "Rows", factors: "str | np.ndarray | None", seen: Counts | None = None
    ) -> LossWeights:
        """Combine the weights of rows and entries with class factors.

        Parameters
        ----------
        rows : Rows
            With their encoded targets and weights.
        factors : None, "balanced", or ndarray of shape (n_classes,)
            As `class_factors` reads them.
        seen : Counts or None, default=None
            Of the rows of earlier calls, which count in the bias.

        Returns
        -------
        LossWeights

        Raises
        ------
        ValueError
            If the weights leave nothing to train on, or are too large or too small to be added up.
        """

    @abstractmethod
    def starting_bias(self, counts: Counts, factors: "str | np.ndarray | None") -> np.ndarray:
        """Return the logits of the best constant prediction."""

    # What metrics look at, one column per class or label.

    def indicator(self, positives: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return encoded targets as metrics take them."""
        return positives

    def decisions(self, evaluation: Evaluation) -> sparse.csr_matrix:
        """Return the decisions of an evaluation as metrics take them."""
        return evaluation.decisions

    def ranking(self, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
        """Return the best columns and their logits.

        Ranked across rows too: near 0 and 1 many float32 probabilities are equal although their
        logits differ.
        """
        return evaluation.best.outputs, evaluation.best.logits

    def scores(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return a score for every column, comparable from row to row."""
        return predictor.logits(X)

    def _read_factors(self, class_weight: Any, expected: str, unit: str) -> str | np.ndarray | None:
        """Read `class_weight`; `expected` describes the names of a mapping in an error."""
        if class_weight is None or isinstance(class_weight, str):
            return class_weight
        n_classes = len(self.classes)
        if isinstance(class_weight, Mapping):
            factors = np.ones(n_classes)
            indices = self._index_of_names()
            for name, factor in class_weight.items():
                if name not in indices:
                    raise ValueError(
                        f"class_weight names the {unit} {name!r}, expected {expected}."
                    )
                factors[indices[name]] = _as_numbers(factor)
        else:
            factors = _as_numbers(class_weight)
            if factors.shape != (n_classes,):
                raise ValueError(
                    f"class_weight must have one weight for each of the {n_classes} {unit}s, got"
                    f" shape {factors.shape}."
                )
        if not ((factors >= 0).all() and (factors <= _LARGEST_FACTOR).all() and factors.any()):
            raise ValueError(
                f"class_weight must be finite, at most {_LARGEST_FACTOR:.0e}, not negative and not"
                f" zero for all, got {np.unique(factors).tolist()[:5]}."
            )
        return factors

    def _index_of_names(self) -> dict[Any, int]:
        return {name: index for index, name in enumerate(self.classes.tolist())}

    def score(self, y_true: sparse.csr_matrix, y_pred: sparse.csr_matrix) -> np.ndarray:
        """Return for each row whether two encoded targets are equal."""
        equal: np.ndarray = np.asarray((y_true != y_pred).sum(axis=1)).ravel() == 0
        return equal


def _as_numbers(class_weight: Any) -> np.ndarray:
    try:
        return np.asarray(class_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"class_weight must hold numbers, got {class_weight!r:.200}.") from error
