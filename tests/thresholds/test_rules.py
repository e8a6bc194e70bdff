"""The rules that choose thresholds, against plain loops over all cuts."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from skmlclf.thresholds import (
    OBJECTIVES,
    best_of_kept,
    decide,
    f1_by_label,
    fit_temperature,
    objective_value,
    scores_to_decide_by,
    tune_thresholds,
    with_temperature,
    without,
)

N_SAMPLES, N_LABELS = 60, 9


@pytest.fixture(params=["all different", "tied"])
def case(request):
    """Scores that say something of labels of falling frequency, some of them not kept."""
    rng = np.random.default_rng(0)
    y = rng.random((N_SAMPLES, N_LABELS)) < 0.5 / np.arange(1, N_LABELS + 1)
    y[:, -1] = False
    scores = 1 / (1 + np.exp(2 - 2 * y - rng.standard_normal(y.shape)))
    if request.param == "tied":
        scores = np.round(scores, 1)
    scores[scores < 0.1] = 0
    return sparse.csr_matrix(scores), sparse.csr_matrix(y.astype(np.uint8))


def macro_of(y, decisions):
    y = y.toarray()
    values = f1_score(y, decisions.toarray(), average=None, zero_division=0)
    return values[y.any(axis=0)].mean()


def micro_of(y, decisions):
    return f1_score(y.toarray(), decisions.toarray(), average="micro", zero_division=0)


def plain_f1(true, predicted):
    return 2 * np.sum(true & predicted) / (true.sum() + predicted.sum())


def cuts_of(scores):
    """Every threshold that makes a difference."""
    values = np.unique(scores)
    return np.append((values[1:] + values[:-1]) / 2, [values[0], 2])


def test_values_are_those_of_scikit_learn(case):
    scores, y = case
    decisions = decide(scores, np.full(N_LABELS, 0.4))
    assert objective_value(y, decisions, "micro_f1") == pytest.approx(micro_of(y, decisions))
    assert objective_value(y, decisions, "macro_f1") == pytest.approx(macro_of(y, decisions))
    samples = f1_score(y.toarray(), decisions.toarray(), average="samples", zero_division=0)
    assert objective_value(y, decisions, "samples_f1") == pytest.approx(samples)
    missing = abs(int(decisions.sum()) - int(y.sum())) / N_SAMPLES
    assert objective_value(y, decisions, "cardinality") == pytest.approx(-missing)


@pytest.mark.parametrize("objective", ["micro_f1", "cardinality"])
def test_a_shared_threshold_is_the_best_of_all(case, objective):
    scores, y = case
    tuned = tune_thresholds(scores, y, objective, method="per_label")
    assert len(set(tuned.thresholds)) == 1
    values = [
        objective_value(y, decide(scores, np.full(N_LABELS, t)), objective)
        for t in cuts_of(scores.data)
    ]
    assert objective_value(y, tuned.decide(scores), objective) == pytest.approx(max(values))


@pytest.mark.parametrize("objective", ["macro_f1", "micro_macro_f1"])
def test_labels_with_few_positives_share_the_best_threshold(case, objective):
    scores, y = case
    settings = {"method": "per_label", "min_positives": N_SAMPLES + 1}
    tuned = tune_thresholds(scores, y, objective, **settings)
    values = [
        objective_value(y, decide(scores, np.full(N_LABELS, t)), objective)
        for t in cuts_of(scores.data)
    ]
    assert objective_value(y, tuned.decide(scores), objective) == pytest.approx(max(values))


def test_the_joint_rule_takes_labels_one_by_one(case):
    scores, y = case
    dense, truth = scores.toarray(), y.toarray()
    counts = truth.sum(axis=0)
    tuned = tune_thresholds(scores, y, "micro_macro_f1", method="per_label", min_positives=1)
    decided, done = np.zeros_like(truth), []
    for label in np.argsort(-counts, kind="stable"):
        if not counts[label]:
            continue
        done.append(label)
        best = -1.0
        for t in cuts_of(dense[:, label][dense[:, label] > 0]):
            decided_here = decided.copy()
            decided_here[:, label] = dense[:, label] >= t
            micro = plain_f1(truth[:, done], decided_here[:, done])
            own = plain_f1(truth[:, label], decided_here[:, label])
            if micro + own / np.sum(counts > 0) > best + 1e-12:
                best, chosen = micro + own / np.sum(counts > 0), decided_here
        decided = chosen
        expected = tuned.decide(scores).toarray()[:, label]
        np.testing.assert_array_equal(decided[:, label], expected)


def test_alone_labels_are_tuned_for_their_own_f1(case):
    scores, y = case
    tuned = tune_thresholds(scores, y, "macro_f1", shrinkage=0)
    found = f1_by_label(y, tuned.decide(scores))
    for label in np.flatnonzero(y.sum(axis=0).A1):
        values = [
            f1_by_label(y, decide(scores, np.full(N_LABELS, t)))[label]
            for t in cuts_of(scores.data)
        ]
        assert found[label] == pytest.approx(max(values))


@pytest.mark.parametrize("objective", ["micro_f1", "micro_macro_f1"])
def test_no_change_of_one_label_is_better(case, objective):
    scores, y = case
    tuned = tune_thresholds(scores, y, objective, shrinkage=0)
    value = objective_value(y, tuned.decide(scores), objective)
    for label in range(N_LABELS):
        for t in cuts_of(scores.data):
            changed = tuned.thresholds.copy()
            changed[label] = t
            # The rule takes the totals of all labels as given while it looks at one.
            assert objective_value(y, decide(scores, changed), objective) < value + 2e-3


def test_labels_that_borrow_everything_are_decided_on_alike():
    rng = np.random.default_rng(0)
    y = np.zeros((400, 6), dtype=np.uint8)
    for label, count in enumerate((80, 80, 80, 5, 5, 5)):
        y[rng.permutation(400)[:count], label] = 1
    scores = sparse.csr_matrix(1 / (1 + np.exp(2 - 2 * y - rng.standard_normal(y.shape))))
    thresholds = tune_thresholds(scores, sparse.csr_matrix(y), "macro_f1", shrinkage=1e9).thresholds
    # Of the labels about as frequent, which the others are not.
    assert len(set(thresholds[:3])) == len(set(thresholds[3:])) == 1
    assert thresholds[0] < thresholds[3]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_order_of_rows_and_labels_does_not_matter(case, objective):
    scores, y = case
    rng = np.random.default_rng(1)
    # No two labels are equally frequent, since the joint rule goes by frequency.
    distinct = np.unique(y.sum(axis=0).A1, return_index=True)[1]
    scores, y = scores[:, distinct], y[:, distinct]
    rows, labels = rng.permutation(N_SAMPLES), rng.permutation(len(distinct))
    before = tune_thresholds(scores, y, objective)
    after = tune_thresholds(scores[rows][:, labels], y[rows][:, labels], objective)
    assert after.temperature == pytest.approx(before.temperature)
    if before.thresholds is not None:
        np.testing.assert_allclose(after.thresholds, before.thresholds[labels])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_weight_two_is_the_row_twice(case, objective):
    scores, y = case
    weights = np.arange(N_SAMPLES) % 3
    repeated = np.repeat(np.arange(N_SAMPLES), weights)
    settings = {"method": "per_label", "min_positives": 1}
    weighted = tune_thresholds(
        scores, y, objective, sample_weight=weights.astype(float), **settings
    )
    twice = tune_thresholds(scores[repeated], y[repeated], objective, **settings)
    decisions = weighted.decide(scores)
    np.testing.assert_array_equal(
        decisions[weights > 0].toarray(), twice.decide(scores)[weights > 0].toarray()
    )
    value = objective_value(y, decisions, objective, sample_weight=weights.astype(float))
    assert value == pytest.approx(objective_value(y[repeated], decisions[repeated], objective))


def test_the_best_number_of_labels_is_that_of_all_outcomes():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n = int(rng.integers(1, 8))
        p = np.sort(rng.random(n) ** rng.choice([0.3, 1, 4]))[::-1]
        outcomes = np.array(list(itertools.product([0, 1], repeat=n)))
        chances = np.where(outcomes, p, 1 - p).prod(axis=1)
        found = outcomes.cumsum(axis=1)
        m = np.arange(1, n + 1)
        f1 = 2 * found / (m + outcomes.sum(axis=1, keepdims=True))
        expected = chances @ f1
        (taken,) = decide(sparse.csr_matrix(p), None).sum(axis=1).A1
        assert expected[taken - 1] == pytest.approx(expected.max(), rel=1e-10)


def test_at_least_and_at_most(case):
    scores, _ = case
    never, always = np.full(N_LABELS, np.inf), np.zeros(N_LABELS)
    kept = np.diff(scores.indptr)
    assert decide(scores, never).nnz == 0
    assert decide(scores, always).nnz == scores.nnz
    least = decide(scores, never, min_labels=2)
    np.testing.assert_array_equal(np.diff(least.indptr), np.minimum(kept, 2))
    most = decide(scores, always, max_labels=2)
    np.testing.assert_array_equal(most.toarray(), least.toarray())
    full = sparse.csr_matrix(scores[kept >= 2])
    best, values = best_of_kept(full, 2)
    np.testing.assert_array_equal(np.sort(best, axis=1).ravel(), least[kept >= 2].indices)
    assert (np.diff(values, axis=1) <= 0).all()
    assert (decide(scores, None, max_labels=1).sum(axis=1) <= 1).all()


def test_nothing_to_tune_on():
    nothing = sparse.csr_matrix((5, 3))
    y = sparse.csr_matrix(np.eye(5, 3, dtype=np.uint8))
    for objective in OBJECTIVES:
        for truth in (y, sparse.csr_matrix((5, 3), dtype=np.uint8)):
            tuned = tune_thresholds(nothing, truth, objective)
            assert tuned.decide(nothing).nnz == 0
            some = sparse.csr_matrix(np.full((5, 3), 0.3))
            tune_thresholds(some, truth, objective).decide(some)
            assert objective_value(truth, tuned.decide(nothing), objective) <= 0


def test_the_temperature_that_was_put_in_is_found():
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((4000, 8)) - 1
    y = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    too_certain = sparse.csr_matrix(1 / (1 + np.exp(-3 * logits)))
    temperature = fit_temperature(too_certain, sparse.csr_matrix(y))
    assert temperature == pytest.approx(3, rel=0.05)
    back = with_temperature(too_certain.toarray().astype(np.float32), 3.0)
    assert back.dtype == np.float32
    inside = np.abs(logits) < 4
    np.testing.assert_allclose(back[inside], 1 / (1 + np.exp(-logits[inside])), atol=1e-3)
    assert fit_temperature(too_certain, sparse.csr_matrix(y.shape, dtype=np.uint8)) == 1


def test_probabilities_given_that_a_row_has_a_label():
    rng = np.random.default_rng(0)
    p = rng.random((5, 4)) ** 3
    outcomes = np.array(list(itertools.product([0, 1], repeat=4)))[1:]
    for row in p:
        chances = np.where(outcomes, row, 1 - row).prod(axis=1)
        expected = chances @ outcomes / chances.sum()
        found = scores_to_decide_by(sparse.csr_matrix(row), 1.0, nonempty=True)
        np.testing.assert_allclose(found.toarray().ravel(), expected)
    p[0] = [1, 0, 0, 0]
    found = scores_to_decide_by(sparse.csr_matrix(p), 1.0, nonempty=True)
    np.testing.assert_allclose(found.toarray()[0], p[0], atol=1e-6)
    empty = sparse.csr_matrix((3, 4))
    assert scores_to_decide_by(empty, 2.0, nonempty=True).nnz == 0


def test_labels_that_are_not_known_are_left_out(case):
    scores, _ = case
    unknown = sparse.csr_matrix(np.eye(N_SAMPLES, N_LABELS, dtype=bool))
    left = without(scores, unknown)
    expected = scores.toarray() * ~unknown.toarray()
    np.testing.assert_array_equal(left.toarray(), expected)


def test_f1_by_label(case):
    scores, y = case
    decisions = decide(scores, np.full(N_LABELS, 0.3))
    expected = f1_score(y.toarray(), decisions.toarray(), average=None, zero_division=0)
    np.testing.assert_allclose(f1_by_label(y, decisions), expected)
