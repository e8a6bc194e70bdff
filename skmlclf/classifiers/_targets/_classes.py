"""Exclusive classes: two of them, several, or a single one."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.special import log_softmax

from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._kinds import class_codes, one_hot
from skmlclf.classifiers._weights import Counts, LossWeights, log_odds, row_weights
from skmlclf.training import Best, Evaluation, Predictor


@dataclass(frozen=True)
class _ClassTargets(Targets):
    """What exclusive classes have in common."""

    def class_factors(self, class_weight: Any) -> str | np.ndarray | None:
        """Read the weights of the classes."""
        expected = f"some of {self.classes.tolist()[:10]}"
        return self._read_factors(class_weight, expected, "class")

    def loss_weights(
        self, rows: Any, factors: str | np.ndarray | None, seen: Counts | None = None
    ) -> LossWeights:
        """Weigh each row by its sample weight times the factor of its class."""
        codes = self._codes(rows.positives)
        raw, scaled, total = row_weights(rows.weight, len(codes))
        by_class = np.bincount(codes, weights=raw, minlength=len(self.classes))
        counts = Counts(by_class, np.full(len(self.classes), total)).plus(seen)
        scaled = scaled * _class_factors(factors, counts)[codes]
        if not scaled.any():
            raise ValueError(
                "class_weight is zero for every class of these rows, so there is nothing to train"
                " on."
            )
        return LossWeights(scaled, None, None, self.starting_bias(counts, factors), counts)

    def starting_bias(self, counts: Counts, factors: str | np.ndarray | None) -> np.ndarray:
        """Return the logits of the classes' shares."""
        return self._bias(counts, _class_factors(factors, counts))

    def _codes(self, positives: sparse.csr_matrix) -> np.ndarray:
        """Return the index of each row's class."""
        codes: np.ndarray = positives.indices
        return codes

    def _bias(self, counts: Counts, factors: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def _class_factors(factors: str | np.ndarray | None, counts: Counts) -> np.ndarray:
    if factors is None:
        return np.ones(len(counts.present))
    if isinstance(factors, str):
        # As scikit-learn balances: every class that occurs gets the same total.
        seen = counts.present > 0
        each = np.where(seen, counts.present, 1.0)
        return np.where(seen, counts.total / (seen.sum() * each), 1.0)
    return factors


def _present(counts: Counts, factors: np.ndarray) -> np.ndarray:
    """Return the weight of each class; half an observation where it was not seen yet."""
    half: float = 0.5 * factors[factors > 0].min()
    present: np.ndarray = np.maximum(counts.present * factors, half)
    return present


@dataclass(frozen=True)
class MulticlassTargets(_ClassTargets):
    """One of several classes per row: a softmax over as many output units."""

    output: ClassVar[str] = "softmax"

    def encode(self, y: Any) -> sparse.csr_matrix:
        """Return the class of every row; `Targets` describes the rest."""
        return one_hot(class_codes(y, self.classes), len(self.classes))

    def predict(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the most probable class."""
        best: np.ndarray = self.classes[predictor.best(X, 1).outputs[:, 0]]
        return best

    def predict_log_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logarithm of the softmax."""
        log_proba: np.ndarray = log_softmax(predictor.logits(X), axis=1)
        return log_proba

    def decisions(self, evaluation: Evaluation) -> sparse.csr_matrix:
        """Return the most probable class of each row."""
        return one_hot(evaluation.best.outputs[:, 0], len(self.classes))

    def ranking(self, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
        """Return the best classes and their probabilities: logits of a softmax are comparable
        inside a row only.
        """
        return evaluation.best.outputs, evaluation.best.probabilities

    def scores(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the probabilities."""
        return self.predict_proba(predictor, X)

    def _bias(self, counts: Counts, factors: np.ndarray) -> np.ndarray:
        present = _present(counts, factors)
        return self.loss.starting_bias(counts.total - present, present)


@dataclass(frozen=True)
class SingleClassTargets(MulticlassTargets):
    """A `y` in which every row has the same class: nothing to tell apart."""

    output: ClassVar[str] = "sigmoid"

    def predict_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return a certainty."""
        return np.ones((X.shape[0], 1), dtype=np.float32)

    def predict_log_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logarithm of a certainty."""
        return np.zeros((X.shape[0], 1), dtype=np.float32)

    def best(self, predictor: Predictor, X: Any, k: int) -> Best:
        """Return the one class."""
        certain = self.predict_proba(predictor, X)
        return Best(np.zeros((X.shape[0], 1), dtype=np.int32), predictor.logits(X), certain)

    def _bias(self, counts: Counts, factors: np.ndarray) -> np.ndarray:
        log_shares: np.ndarray = np.log(_present(counts, factors) / counts.total)
        return log_shares


@dataclass(frozen=True)
class BinaryTargets(_ClassTargets):
    """One of two classes per row: a single sigmoid, for the second of them."""

    output: ClassVar[str] = "sigmoid"

    @property
    def n_outputs(self) -> int:
        """One unit."""
        return 1

    def encode(self, y: Any) -> sparse.csr_matrix:
        """Return the rows of the second class; `Targets` describes the rest."""
        codes = class_codes(y, self.classes)
        indptr = np.concatenate([[0], np.cumsum(codes)])
        n_positives = int(indptr[-1])
        return sparse.csr_matrix(
            (np.ones(n_positives, np.uint8), np.zeros(n_positives, np.int32), indptr),
            shape=(len(codes), 1),
        )

    def predict(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the second class where its probability is above one half."""
        codes = (predictor.probabilities(X)[:, 0] > 0.5).astype(int)
        predicted: np.ndarray = self.classes[codes]
        return predicted

    def decision_function(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logit of the second class, of shape (n_samples,)."""
        return predictor.logits(X)[:, 0]

    def predict_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the probabilities of both classes."""
        return _both(predictor.probabilities(X))

    def predict_log_proba(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities of both classes."""
        log_proba: np.ndarray = -np.logaddexp(0, -self.scores(predictor, X))
        return log_proba

    def best(self, predictor: Predictor, X: Any, k: int) -> Best:
        """Return the more probable class first."""
        return _ranked(predictor.logits(X), predictor.probabilities(X), k)

    def indicator(self, positives: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return one column for each of the two classes."""
        return one_hot(self._codes(positives), 2)

    def decisions(self, evaluation: Evaluation) -> sparse.csr_matrix:
        """Return one column for each of the two classes."""
        return one_hot(self._codes(evaluation.decisions), 2)

    def ranking(self, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
        """Return both classes, best first, and their logits."""
        best = _ranked(evaluation.best.logits, evaluation.best.probabilities, 2)
        return best.outputs, best.logits

    def scores(self, predictor: Predictor, X: Any) -> np.ndarray:
        """Return the logits of both classes."""
        logits = predictor.logits(X)
        return np.hstack([-logits, logits])

    def _codes(self, positives: sparse.csr_matrix) -> np.ndarray:
        return np.diff(positives.indptr)

    def _bias(self, counts: Counts, factors: np.ndarray) -> np.ndarray:
        second = Counts(counts.present[1:], counts.total[1:])
        return log_odds(self.loss, second, (factors[:1], factors[1:]))


def _both(probabilities: np.ndarray) -> np.ndarray:
    """Return the probabilities of two classes from those of the second, strictly in (0, 1)."""
    # The complement of a tiny probability rounds to one.
    below_one = np.float32(1.0 - 2.0**-24)
    return np.hstack([np.minimum(1.0 - probabilities, below_one), probabilities])


def _ranked(logits: np.ndarray, probabilities: np.ndarray, k: int) -> Best:
    probabilities = _both(probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return Best(
        order.astype(np.int32),
        np.take_along_axis(np.hstack([-logits, logits]), order, axis=1),
        np.take_along_axis(probabilities, order, axis=1),
    )
