"""Several metrics at once, each response asked for at most once."""

from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp

from skmlclf import metrics
from skmlclf.metrics import Metric, evaluate_metrics, get_metric

RNG = np.random.default_rng(0)
Y_TRUE = (RNG.random((40, 15)) < 0.2).astype(int)
LOGITS = RNG.normal(size=(40, 15)) + Y_TRUE
WEIGHTS = RNG.random(40)


class Counted:
    """Responds from logits, and counts what it is asked for."""

    def __init__(self, has_top_k=True):
        self.calls = Counter()
        self.has_top_k = has_top_k
        self.depth = None

    def top_k(self, k):
        self.calls["top_k"] += 1
        self.depth = k
        labels = np.argsort(-LOGITS, axis=1)[:, :k]
        return (labels, np.take_along_axis(LOGITS, labels, axis=1)) if self.has_top_k else None

    def scores(self):
        self.calls["scores"] += 1
        return LOGITS

    def probabilities(self):
        self.calls["probabilities"] += 1
        return 1 / (1 + np.exp(-LOGITS))

    def decisions(self):
        self.calls["decisions"] += 1
        return sp.csr_array(LOGITS > 0)


def brier(y_true, y_proba, sample_weight=None):
    return np.average(((y_true.toarray() - y_proba) ** 2).mean(axis=1), weights=sample_weight)


NAMES = ["gap_at_5", "hit_at_1", "precision_at_3", "map", "perr", "f1_samples", "hamming"]
BRIER = Metric("brier", brier, greater_is_better=False, response="probabilities")


@pytest.mark.parametrize("has_top_k", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_values_are_those_of_the_functions(has_top_k, weights):
    responses = Counted(has_top_k)
    chosen = [*NAMES, BRIER, "multilabel_confusion_matrix"]
    values = evaluate_metrics(chosen, Y_TRUE, responses, weights)
    assert list(values) == [*NAMES, "brier", "tn", "fp", "fn", "tp"]
    y_pred, y_true = LOGITS > 0, sp.csr_array(Y_TRUE)
    for name in NAMES:
        metric = get_metric(name)
        response = y_pred if metric.response == "decisions" else LOGITS
        assert values[name] == metric.compute(Y_TRUE, response, weights), name
    assert values["brier"] == brier(y_true, responses.probabilities(), weights)
    totals = metrics.multilabel_confusion_matrix(Y_TRUE, y_pred, sample_weight=weights)
    assert [values[cell] for cell in ("tn", "fp", "fn", "tp")] == pytest.approx(
        totals.sum(axis=0).ravel()
    )


def test_each_response_is_asked_for_at_most_once_and_only_where_needed():
    responses = Counted()
    evaluate_metrics(["gap_at_5", "hit_at_1", "precision_at_3"], Y_TRUE, responses)
    assert responses.calls == {"top_k": 1}
    assert responses.depth == 5
    responses = Counted()
    evaluate_metrics(["gap_at_50"], Y_TRUE, responses)
    assert responses.depth == 15
    responses = Counted(has_top_k=False)
    evaluate_metrics(["gap_at_5", "ndcg_at_2", "map", "f1_samples", "hamming"], Y_TRUE, responses)
    assert responses.calls == {"top_k": 1, "scores": 1, "decisions": 1}
    responses = Counted()
    assert evaluate_metrics([], Y_TRUE, responses) == {}
    assert not responses.calls


def test_true_labels_come_in_one_form():
    """Whatever was given, and wide enough for products."""
    seen = []

    def look(y_true, y_score):
        seen.append(y_true)
        return 0.0

    for form in (Y_TRUE, Y_TRUE.astype("uint8"), sp.csc_matrix(Y_TRUE), Y_TRUE == 1):
        evaluate_metrics([Metric("look", look)], form, Counted())
    for y_true in seen:
        assert isinstance(y_true, sp.csr_array)
        assert y_true.dtype == np.int64
        np.testing.assert_array_equal(y_true.toarray(), Y_TRUE)


def test_scores_that_rise_by_rounding_are_no_error():
    class Rounded(Counted):
        steps = 2

        def top_k(self, k):
            labels, scores = super().top_k(k)
            scores = (1 / (1 + np.exp(-scores - 9))).astype(np.float32)
            scores[:, 2] = scores[:, 1] + self.steps * np.spacing(scores[:, 1])
            return labels, scores

    labels, scores = Rounded().top_k(5)
    with pytest.raises(ValueError, match="best first"):
        metrics.ndcg_at_k_score(Y_TRUE, (labels, scores), k=5)
    value = evaluate_metrics(["recall_at_5"], Y_TRUE, Rounded())["recall_at_5"]
    assert value == metrics.recall_at_k_score(Y_TRUE, LOGITS, k=5)
    Rounded.steps = 100
    with pytest.raises(ValueError, match="best first"):
        evaluate_metrics(["recall_at_5"], Y_TRUE, Rounded())


def test_bad_input():
    with pytest.raises(ValueError, match="Did you mean 'gap_at_5'"):
        evaluate_metrics(["gapp_at_5"], Y_TRUE, Counted())
    with pytest.raises(ValueError, match=r"y_true must .* only 0 and 1"):
        evaluate_metrics(["gap_at_5"], 2 * Y_TRUE, Counted())
