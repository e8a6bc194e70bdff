"""What must hold of every metric, from one table."""

import inspect
import subprocess
import sys
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skmlclf import metrics

N_SAMPLES, N_LABELS = 60, 30
WEIGHTS = np.linspace(1, 3, N_LABELS)


def propensity_scored(metric):
    return lambda y_true, y_score, **kwargs: metric(y_true, y_score, WEIGHTS, **kwargs)


RANKING = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
    "hit": metrics.hit_at_k_score,
    "gap": metrics.global_average_precision_score,
    "map": metrics.mean_average_precision_score,
    "map_at_5": partial(metrics.mean_average_precision_score, k=5),
    "perr": metrics.precision_at_equal_recall_score,
    "psprecision": propensity_scored(metrics.propensity_scored_precision_at_k_score),
    "psndcg": propensity_scored(metrics.propensity_scored_ndcg_at_k_score),
}
TAKES_K = [name for name in RANKING if name not in ("map", "map_at_5", "perr")]
DECISIONS = {
    "samples": metrics.samples_precision_recall_f1,
    "hamming": metrics.hamming_loss,
    "confusion": lambda y, p, **kwargs: metrics.multilabel_confusion_matrix(y, p, **kwargs),
    "label_confusion": lambda y, p, **kwargs: metrics.label_confusion_matrix(
        y, p, **kwargs
    ).toarray(),
}
every_ranking = pytest.mark.parametrize("metric", RANKING.values(), ids=RANKING)
every_decision = pytest.mark.parametrize("metric", DECISIONS.values(), ids=DECISIONS)
every_metric = pytest.mark.parametrize(
    "metric", [*RANKING.values(), *DECISIONS.values()], ids=[*RANKING, *DECISIONS]
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def y_true(rng):
    y = (rng.random((N_SAMPLES, N_LABELS)) < 0.08).astype(np.int64)
    y[::9] = 0
    return y * (np.cumsum(y, axis=1) <= 5)


@pytest.fixture
def y_score(rng, y_true):
    """Positive, all different, and better than chance."""
    draws = rng.random(y_true.shape) + 0.3 * y_true
    return (1 + draws.ravel().argsort().argsort().reshape(y_true.shape)) / y_true.size


@pytest.fixture
def weights(rng):
    return rng.random(N_SAMPLES)


def as_decisions(y_score):
    return (y_score > np.quantile(y_score, 0.93)).astype(np.int64)


# --- laws --------------------------------------------------------------------------------------


@every_ranking
def test_order_of_rows_does_not_matter(metric, y_true, y_score, weights, rng):
    order = rng.permutation(N_SAMPLES)
    before = metric(y_true, y_score, sample_weight=weights)
    after = metric(y_true[order], y_score[order], sample_weight=weights[order])
    assert after == pytest.approx(before, rel=1e-12)


@every_ranking
def test_order_of_labels_does_not_matter(metric, y_true, y_score, weights, rng, monkeypatch):
    before = metric(y_true, y_score, sample_weight=weights)
    order = rng.permutation(N_LABELS)
    monkeypatch.setattr(f"{__name__}.WEIGHTS", WEIGHTS[order], raising=True)
    after = metric(y_true[:, order], y_score[:, order], sample_weight=weights)
    assert after == pytest.approx(before, rel=1e-12)


@every_ranking
@pytest.mark.parametrize("transform", [np.log, np.square, lambda s: 5 * s - 100, np.exp])
def test_only_the_order_of_scores_matters(metric, transform, y_true, y_score):
    assert metric(y_true, transform(y_score)) == metric(y_true, y_score)


@st.composite
def tied_scores(draw):
    """Scores with many ties, within rows and across them, and two permutations."""
    n_samples, n_labels = draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 5, 24, 60]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.05, 0.3, 1.0]))
    y_true = (rng.random((n_samples, n_labels)) < density).astype(np.int64)
    levels = draw(st.sampled_from([1, 2, 4, 40]))
    y_score = rng.integers(0, levels, size=y_true.shape) / 4 - draw(st.sampled_from([0, 1]))
    k = draw(st.sampled_from([1, 2, 5, 20, 61]))
    weights = rng.random(n_samples) + 0.1 if draw(st.booleans()) else None
    return y_true, y_score.astype(draw(st.sampled_from(["f4", "f8"]))), k, weights, rng


def every_value(y_true, y_score, k, weights, label_weights):
    """Every ranking metric at ``k``, from the functions and out of batches."""
    values = {
        "perr": metrics.precision_at_equal_recall_score(y_true, y_score, sample_weight=weights),
        "map": metrics.mean_average_precision_score(y_true, y_score, sample_weight=weights),
    }
    for name in ("precision", "recall", "ndcg", "hit", "gap", "map"):
        metric = RANKING[name]
        values[f"{name} at k"] = metric(y_true, y_score, k=k, sample_weight=weights)
    for metric in (
        metrics.propensity_scored_precision_at_k_score,
        metrics.propensity_scored_ndcg_at_k_score,
    ):
        values[metric.__name__] = metric(y_true, y_score, label_weights, k=k, sample_weight=weights)
    accumulator = metrics.RankingAccumulator(y_true.shape[1], k=k)
    for start in range(0, len(y_true), 5):
        rows = slice(start, start + 5)
        batch_weights = None if weights is None else weights[rows]
        accumulator.update(y_true[rows], y_score[rows], batch_weights)
    return values | {f"accumulated {name}": v for name, v in accumulator.results().items()}


@settings(max_examples=150, deadline=None)
@given(case=tied_scores())
def test_ties_depend_on_the_order_of_neither_rows_nor_labels(case):
    y_true, y_score, k, weights, rng = case
    label_weights = rng.random(y_true.shape[1]) + 0.5
    before = every_value(y_true, y_score, k, weights, label_weights)
    rows, columns = rng.permutation(len(y_true)), rng.permutation(y_true.shape[1])
    after = every_value(
        y_true[rows][:, columns],
        y_score[rows][:, columns],
        k,
        None if weights is None else weights[rows],
        label_weights[columns],
    )
    for name, value in before.items():
        assert after[name] == pytest.approx(value, rel=0, abs=1e-12, nan_ok=True), name


@settings(max_examples=60, deadline=None)
@given(case=tied_scores())
def test_batches_know_the_ties_of_all_rows(case):
    y_true, y_score, k, weights, _ = case
    values = every_value(y_true, y_score, k, weights, np.ones(y_true.shape[1]))
    for name in ("precision", "recall", "ndcg", "hit", "gap", "map"):
        batched = values[f"accumulated {name}_at_{k}"]
        assert batched == pytest.approx(values[f"{name} at k"], rel=1e-12, nan_ok=True), name
    assert values["accumulated perr"] == pytest.approx(values["perr"], rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(case=tied_scores())
def test_ties_as_scikit_learn_counts_them(case):
    from sklearn import metrics as sk

    y_true, y_score, k, weights, _ = case
    n_labels = y_true.shape[1]
    if n_labels > 1:
        value = metrics.ndcg_at_k_score(y_true, y_score, k=k, sample_weight=weights)
        expected = sk.ndcg_score(y_true, y_score - y_score.min(), k=k, sample_weight=weights)
        assert value == pytest.approx(expected, rel=1e-10)
    if not y_true.any():
        return
    value = metrics.global_average_precision_score(
        y_true, y_score, k=n_labels, sample_weight=weights
    )
    pair_weights = None if weights is None else np.repeat(weights, n_labels)
    expected = sk.average_precision_score(
        y_true.ravel(), y_score.ravel(), sample_weight=pair_weights
    )
    assert value == pytest.approx(expected, rel=1e-10)
    present = y_true.any(axis=0)
    expected = [
        sk.average_precision_score(y_true[:, j], y_score[:, j], sample_weight=weights)
        for j in np.flatnonzero(present)
    ]
    values = metrics.mean_average_precision_score(
        y_true, y_score, average=None, sample_weight=weights
    )
    np.testing.assert_allclose(values[present], expected, rtol=1e-10)


def test_scores_that_say_nothing_are_worth_nothing():
    """Labels in the order of their frequency, as data sets are published."""
    y_true = np.zeros((10_000, 50), dtype=np.int64)
    y_true[:, 0] = 1
    y_true[0, 1:] = 1
    constant = np.full(y_true.shape, 0.5, dtype=np.float32)
    assert metrics.hit_at_k_score(y_true, constant, k=1) == pytest.approx(0.0200 + 0.98 / 10_000)
    only_first = np.zeros((10_000, 1), dtype=np.int64)
    only_first[0] = 1
    assert metrics.mean_average_precision_score(only_first, constant[:, :1]) == 1e-4


@every_ranking
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_minus_zero_is_zero(metric, dtype, y_true):
    scores = np.zeros((N_SAMPLES, N_LABELS), dtype=dtype)
    scores[:, ::2] = -0.0
    assert metric(y_true, scores) == metric(y_true, np.zeros_like(scores))


@every_ranking
def test_bounds_and_perfection(metric, y_true, y_score):
    y_true = y_true[y_true.any(axis=1)]
    n_labelled = len(y_true)
    y_score = y_score[:n_labelled]
    value = metric(y_true, y_score)
    # The heavier of the true labels first, for the metrics to which labels have weights.
    perfect = metric(y_true, y_score / 100 + y_true * (9 + WEIGHTS))
    worst = metric(y_true, y_score - 9 * y_true + 10)
    assert 0 <= worst < value < perfect <= 1
    if metric is metrics.precision_at_k_score:
        assert perfect == pytest.approx(y_true.sum(axis=1).mean() / 20)
    else:
        assert perfect == pytest.approx(1)


# Not those where a row's lighter label can push out a heavier one, or one of another row's.
@pytest.mark.parametrize("name", ["precision", "recall", "ndcg", "hit", "perr", "map"])
def test_moving_a_true_label_up_never_hurts(name, y_true, y_score, rng):
    rows, columns = np.nonzero(y_true)
    value = RANKING[name](y_true, y_score)
    for i in rng.choice(len(rows), 20):
        better = y_score.copy()
        better[rows[i], columns[i]] += 0.5
        assert RANKING[name](y_true, better) >= value - 1e-12


@pytest.mark.parametrize("name", ["recall", "hit", "psprecision"])
def test_all_labels_are_found_in_the_end(name, y_true, y_score):
    y_true = y_true[y_true.any(axis=1)]
    y_score = y_score[: len(y_true)]
    values = [RANKING[name](y_true, y_score, k=k) for k in range(1, N_LABELS + 3)]
    if name != "psprecision":
        assert values == sorted(values)
    assert values[N_LABELS - 1 :] == pytest.approx([1, 1, 1])


@every_metric
def test_weights_only_count_relative_to_each_other(metric, y_true, y_score, weights):
    scored = as_decisions(y_score) if metric in DECISIONS.values() else y_score
    scale = 3.0
    value = metric(y_true, scored, sample_weight=weights)
    scaled = metric(y_true, scored, sample_weight=scale * weights)
    if np.ndim(value) >= 2:
        scaled = scaled / scale
    np.testing.assert_allclose(scaled, value, rtol=1e-12)


@every_metric
def test_weight_one_is_no_weight_and_zero_is_no_row(metric, y_true, y_score):
    scored = as_decisions(y_score) if metric in DECISIONS.values() else y_score
    ones = np.ones(N_SAMPLES)
    value = metric(y_true, scored)
    np.testing.assert_allclose(metric(y_true, scored, sample_weight=ones), value, rtol=1e-12)
    kept = np.arange(N_SAMPLES) % 3 > 0
    without = metric(y_true[kept], scored[kept])
    np.testing.assert_allclose(metric(y_true, scored, sample_weight=kept), without, rtol=1e-12)


@pytest.mark.parametrize("name", RANKING)
@pytest.mark.parametrize("levels", [None, 6])
def test_weight_two_is_the_row_twice(name, levels, y_true, y_score):
    if levels:
        y_score = np.ceil(y_score * levels)
    counts = np.arange(N_SAMPLES) % 3
    repeated = np.repeat(np.arange(N_SAMPLES), counts)
    value = RANKING[name](y_true, y_score, sample_weight=counts)
    assert value == pytest.approx(RANKING[name](y_true[repeated], y_score[repeated]))


def test_conservation_in_the_label_confusion(y_true, y_score):
    y_pred = as_decisions(y_score)
    matrix = metrics.label_confusion_matrix(y_true, y_pred)
    per_label = metrics.multilabel_confusion_matrix(y_true, y_pred)
    np.testing.assert_array_equal(matrix.diagonal(), per_label[:, 1, 1])
    # A missed label is spread over the wrong ones of its row, if there are any.
    missed, wrong = y_true & ~y_pred & 1, y_pred & ~y_true & 1
    replaced = missed * wrong.any(axis=1, keepdims=True)
    off_diagonal = matrix - sp.diags_array(matrix.diagonal())
    np.testing.assert_allclose(off_diagonal.sum(axis=1), replaced.sum(axis=0))
    assert np.all(off_diagonal.sum(axis=1) <= per_label[:, 1, 0] + 1e-9)
    share = (missed.sum(axis=1) / np.maximum(wrong.sum(axis=1), 1))[:, None]
    np.testing.assert_allclose(off_diagonal.sum(axis=0), (wrong * share).sum(axis=0))


def test_label_confusion_of_single_labels_is_the_ordinary_one(rng):
    from sklearn.metrics import confusion_matrix

    true, predicted = rng.integers(0, 5, size=(2, 80))
    matrix = metrics.label_confusion_matrix(np.eye(5)[true], np.eye(5)[predicted])
    np.testing.assert_array_equal(matrix.toarray(), confusion_matrix(true, predicted))


# --- calibration: a loss of the probabilities themselves, not of their order --------------------


@st.composite
def probabilities(draw):
    """Probabilities with and without ties, of rows with and without weights."""
    n_samples, n_labels = draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 5, 24]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y_true = (rng.random((n_samples, n_labels)) < 0.3).astype(np.int64)
    y_score = rng.random(y_true.shape)
    if draw(st.booleans()):
        y_score = np.round(y_score, 1)
    weights = rng.random(n_samples) + 0.1 if draw(st.booleans()) else None
    return y_true, y_score, draw(st.sampled_from([1, 2, 20])), weights, rng


@settings(max_examples=60, deadline=None)
@given(case=probabilities())
def test_calibration_depends_on_the_order_of_neither_rows_nor_labels(case):
    y_true, y_score, k, weights, rng = case
    before = metrics.reliability_at_k_curve(y_true, y_score, k=k, sample_weight=weights)
    rows, columns = rng.permutation(len(y_true)), rng.permutation(y_true.shape[1])
    after = metrics.reliability_at_k_curve(
        y_true[rows][:, columns],
        y_score[rows][:, columns],
        k=k,
        sample_weight=None if weights is None else weights[rows],
    )
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    total = len(y_true) if weights is None else weights.sum()
    assert before.weight.sum() == pytest.approx(total * min(k, y_true.shape[1]))
    error = metrics.expected_calibration_error(y_true, y_score, k=k, sample_weight=weights)
    assert 0 <= error <= 1


def test_calibration_as_counted_one_by_one(y_true, y_score, weights):
    for w in (None, weights):
        gaps, total = np.zeros(7), 0.0
        for i, row in enumerate(y_score):
            for j in np.argsort(-row)[:5]:
                weight = 1 if w is None else w[i]
                gaps[min(int(7 * row[j]), 6)] += weight * (y_true[i, j] - row[j])
                total += weight
        value = metrics.expected_calibration_error(y_true, y_score, k=5, n_bins=7, sample_weight=w)
        assert value == pytest.approx(np.abs(gaps).sum() / total)


def test_calibration_of_a_pair_is_that_of_all_scores(y_true, y_score):
    labels = np.argsort(-y_score, axis=1)[:, :6]
    pair = labels, np.take_along_axis(y_score, labels, axis=1)
    value = metrics.expected_calibration_error(y_true, y_score, k=6)
    assert metrics.expected_calibration_error(sp.csr_array(y_true), pair, k=6) == value


def test_perfect_and_worst_calibration(y_true):
    error = metrics.expected_calibration_error
    assert error(y_true, y_true.astype(float), k=N_LABELS) == 0
    assert error(y_true, 1.0 - y_true, k=N_LABELS) == 1
    frequency = y_true.mean()
    assert error(y_true, np.full(y_true.shape, frequency), k=N_LABELS) == pytest.approx(0)


def test_calibration_weights_and_repeated_rows(y_true, y_score):
    counts = np.arange(N_SAMPLES) % 3
    repeated = np.repeat(np.arange(N_SAMPLES), counts)
    value = metrics.expected_calibration_error(y_true, y_score, sample_weight=counts)
    twice = metrics.expected_calibration_error(y_true[repeated], y_score[repeated])
    assert value == pytest.approx(twice)
    scaled = metrics.expected_calibration_error(y_true, y_score, sample_weight=3.0 * counts)
    assert scaled == pytest.approx(value)


@pytest.mark.parametrize("shift", [-1, 1])
def test_calibration_refuses_what_is_no_probability(shift, y_true, y_score):
    with pytest.raises(ValueError, match="must hold probabilities, from 0 to 1"):
        metrics.expected_calibration_error(y_true, y_score + shift)


# --- scikit-learn, where the definitions meet ---------------------------------------------------


def test_as_scikit_learn(y_true, y_score, weights):
    from sklearn import metrics as sk

    y_pred = as_decisions(y_score)
    for w in (None, weights):
        pairs = [
            (
                metrics.ndcg_at_k_score(y_true, y_score, k=7, sample_weight=w),
                sk.ndcg_score(y_true, y_score, k=7, sample_weight=w),
            ),
            (
                metrics.global_average_precision_score(y_true, y_score, k=99, sample_weight=w),
                sk.average_precision_score(y_true, y_score, average="micro", sample_weight=w),
            ),
            (
                metrics.hamming_loss(y_true, y_pred, sample_weight=w),
                sk.hamming_loss(y_true, y_pred, sample_weight=w),
            ),
            (
                metrics.samples_precision_recall_f1(y_true, y_pred, sample_weight=w),
                sk.precision_recall_fscore_support(
                    y_true, y_pred, average="samples", sample_weight=w, zero_division=0
                )[:3],
            ),
        ]
        for samplewise in (False, True):
            arguments = {"sample_weight": w, "samplewise": samplewise}
            pairs.append(
                (
                    metrics.multilabel_confusion_matrix(y_true, y_pred, **arguments),
                    sk.multilabel_confusion_matrix(y_true, y_pred, **arguments),
                )
            )
        present = y_true.any(axis=0)
        expected = sk.average_precision_score(
            y_true[:, present], y_score[:, present], average=None, sample_weight=w
        )
        values = metrics.mean_average_precision_score(
            y_true, y_score, average=None, sample_weight=w
        )
        assert np.isnan(values[~present]).all()
        pairs.append((values[present], expected))
        for value, peer in pairs:
            np.testing.assert_allclose(value, peer, rtol=1e-10)


# --- inputs ------------------------------------------------------------------------------------


@every_ranking
@pytest.mark.parametrize("dtype", ["i1", "i8", "u2", "f2", "f4", ">f8", "g"])
def test_dtypes_of_scores(metric, dtype, y_true, rng):
    scores = rng.integers(0, 100, size=y_true.shape)
    assert metric(y_true, scores.astype(dtype)) == metric(y_true, scores.astype(np.float64))


@every_ranking
def test_extreme_integers_keep_their_order(metric, y_true):
    scores = np.full(y_true.shape, np.iinfo(np.int64).min)
    scores[:, 1::2] += 1
    scores[:, 2::3] = np.iinfo(np.int64).max
    order = np.zeros(y_true.shape)
    order[:, 1::2] = 1
    order[:, 2::3] = 2
    assert metric(y_true, scores) == metric(y_true, order - 5)


@every_ranking
def test_infinite_scores_have_their_place(metric, y_true, y_score):
    infinite, finite = y_score.copy(), y_score.copy()
    infinite[::5, ::4], finite[::5, ::4] = np.inf, 1e9
    assert metric(y_true, infinite) == metric(y_true, finite)


@every_metric
def test_frames_and_inputs_left_alone(metric, y_true, y_score):
    scored = as_decisions(y_score) if metric in DECISIONS.values() else y_score
    sparse = sp.csr_array(y_true)
    sparse.indices[: sparse.indptr[2]] = sparse.indices[: sparse.indptr[2]][::-1]
    sparse.data[3] = 0
    expected_data, expected_indices = sparse.data.copy(), sparse.indices.copy()
    expected_true, expected_scored = y_true.copy(), scored.copy()
    value = metric(sparse.toarray(), scored)
    np.testing.assert_array_equal(metric(sparse, scored), value)
    np.testing.assert_array_equal(
        metric(pd.DataFrame(sparse.toarray()), pd.DataFrame(scored)), value
    )
    np.testing.assert_array_equal(sparse.data, expected_data)
    np.testing.assert_array_equal(sparse.indices, expected_indices)
    np.testing.assert_array_equal(y_true, expected_true)
    np.testing.assert_array_equal(scored, expected_scored)


@pytest.mark.parametrize("levels", [None, 6])
def test_the_curve_holds_the_value_at_every_k(levels, y_true, y_score, weights):
    if levels:
        y_score = np.ceil(y_score * levels)
    for scores in (y_score, best_pairs(y_score, 12)):
        settings = {"k_max": 12, "sample_weight": weights}
        curves = metrics.precision_recall_at_k_curve(y_true, scores, **settings)
        for metric, curve in zip(("precision", "recall"), curves, strict=True):
            expected = [
                RANKING[metric](y_true, scores, k=k, sample_weight=weights) for k in range(1, 13)
            ]
            np.testing.assert_allclose(curve, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="at most the 30 labels"):
        metrics.precision_recall_at_k_curve(y_true, y_score, k_max=31)


@pytest.mark.parametrize("name", TAKES_K)
def test_pairs_give_the_dense_value(name, y_true, y_score):
    pair = best_pairs(y_score, 12)
    for k in (1, 5, 12):
        assert RANKING[name](y_true, pair, k=k) == RANKING[name](y_true, y_score, k=k)
    with pytest.raises(ValueError, match=r"needs the 13 best labels .* pair holds 12 of 30"):
        RANKING[name](y_true, pair, k=13)


@pytest.mark.parametrize("name", TAKES_K)
def test_pairs_are_taken_at_their_word(name, y_true, y_score):
    """What is listed is in, ties inside the list as everywhere: in any order."""
    tied = np.ceil(y_score * 4)
    labels, scores = best_pairs(tied, 12)
    listed = np.full(tied.shape, -1.0)
    np.put_along_axis(listed, labels, scores, axis=1)
    backwards = np.array([np.lexsort((-np.arange(12), -row)) for row in scores])
    other = np.take_along_axis(labels, backwards, axis=1)
    assert (other != labels).any()
    for k in (1, 5, 12):
        expected = pytest.approx(RANKING[name](y_true, listed, k=k), rel=1e-12)
        assert RANKING[name](y_true, (labels, scores), k=k) == expected
        assert RANKING[name](y_true, (other, scores), k=k) == expected


def best_pairs(scores, k):
    labels = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return labels, np.take_along_axis(scores, labels, axis=1)


@every_ranking
def test_no_labels_at_all(metric):
    value = metric(np.zeros((3, 30)), np.ones((3, 30)))
    without_value = ("mean_average", "propensity", "lambda")
    name = getattr(metric, "func", metric).__name__
    if name.strip("<>").startswith(without_value):
        assert np.isnan(value)
    else:
        assert value == 0


BAD_SCORES = {
    "nan": (lambda s: np.where(s > 0.9, np.nan, s), "NaN"),
    "one nan": (lambda s: np.where(s == s.min(), np.nan, s), "NaN"),
    "too few rows": (lambda s: s[:-1], "one row for each of the 60"),
    "too few columns": (lambda s: s[:, :-1], r"30 labels, but its shape is \(60, 29\)"),
    "3-d": (lambda s: s[..., None], r"shape is \(60, 30, 1\)"),
    "text": (lambda s: s.astype(str), "dense array of real numbers"),
    "complex": (lambda s: s + 1j, "dense array of real numbers"),
    "sparse": (lambda s: sp.csr_array(s), "y_score"),
    "pair: shapes": (lambda s: (np.argsort(-s), s[:, :5]), r"\(60, 30\) and \(60, 5\)"),
    "pair: swapped": (lambda s: (s, np.argsort(-s)), "integer label columns first"),
    "pair: rows": (lambda s: (np.argsort(-s)[:3], -np.sort(-s)[:3]), "one row for each"),
    "pair: worst first": (lambda s: (np.argsort(s), np.sort(s)), "best first"),
    "pair: label twice": (lambda s: (np.argsort(-s) // 2, -np.sort(-s)), "label twice"),
    "pair: unknown label": (lambda s: (np.argsort(-s) + 1, -np.sort(-s)), "from 0 to 29"),
    "pair: negative label": (lambda s: (np.argsort(-s) - 1, -np.sort(-s)), "from 0 to 29"),
    "pair: nan": (lambda s: (np.argsort(-s), -np.sort(-np.where(s > 0.9, np.nan, s))), "NaN"),
}


@every_ranking
@pytest.mark.parametrize("damage", BAD_SCORES)
def test_bad_scores_raise(metric, damage, y_true, y_score):
    make, message = BAD_SCORES[damage]
    with pytest.raises(ValueError, match=message):
        metric(y_true, make(y_score))


BAD_TRUTH = {
    "2": (lambda y: y * 2, "only 0 and 1, got .2."),
    "-1": (lambda y: -y, "only 0 and 1, got .-1."),
    "half": (lambda y: y / 2, "only 0 and 1, got .0.5."),
    "nan": (lambda y: np.where(y, np.nan, 0), "only 0 and 1, got .nan.. NaN stands for"),
    "sparse 2": (lambda y: sp.csc_array(2 * y), "only 0 and 1, got .2."),
    "1-d": (lambda y: y[:, 0], "single column of classes"),
    "3-d": (lambda y: y[None], r"shape is \(1, 60, 30\)"),
    "no rows": (lambda y: y[:0], "neither of them 0"),
    "no columns": (lambda y: sp.csr_array((60, 0)), "neither of them 0"),
    "text": (lambda y: y.astype(str), "MultiLabelBinarizer"),
    "lists of labels": (lambda y: [{"a"}, {"b"}], "MultiLabelBinarizer"),
}


@every_metric
@pytest.mark.parametrize("damage", BAD_TRUTH)
def test_bad_truth_raises(metric, damage, y_true, y_score):
    make, message = BAD_TRUTH[damage]
    scored = as_decisions(y_score) if metric in DECISIONS.values() else y_score
    with pytest.raises(ValueError, match=message):
        metric(make(y_true), scored)


@every_decision
def test_bad_decisions_raise(metric, y_true, y_score):
    with pytest.raises(ValueError, match="y_pred must be a 0/1 indicator"):
        metric(y_true, y_score)
    with pytest.raises(ValueError, match=r"shapes are \(60, 30\) and \(60, 29\)"):
        metric(y_true, y_true[:, 1:])


BAD_WEIGHTS = {
    "negative": (lambda w: w - 1, "none of them negative"),
    "nan": (lambda w: np.where(w > 0.5, np.nan, w), "finite"),
    "infinite": (lambda w: np.where(w > 0.5, np.inf, w), "finite"),
    "all zero": (lambda w: 0 * w, "no row counts"),
    "too few": (lambda w: w[1:], r"shape \(60,\)"),
    "2-d": (lambda w: w[:, None], r"shape \(60,\)"),
}


@every_metric
@pytest.mark.parametrize("damage", BAD_WEIGHTS)
def test_bad_weights_raise(metric, damage, y_true, y_score, weights):
    make, message = BAD_WEIGHTS[damage]
    scored = as_decisions(y_score) if metric in DECISIONS.values() else y_score
    with pytest.raises(ValueError, match=message):
        metric(y_true, scored, sample_weight=make(weights))


@pytest.mark.parametrize("name", TAKES_K)
@pytest.mark.parametrize("k", [0, -1, 1.5, "5", None])
def test_bad_k_raises(name, k, y_true, y_score):
    with pytest.raises(ValueError, match="'k' parameter"):
        RANKING[name](y_true, y_score, k=k)


@pytest.mark.parametrize("name", TAKES_K)
def test_any_integer_k_will_do(name, y_true, y_score):
    metric = RANKING[name]
    assert metric(y_true, y_score, k=np.int32(4)) == metric(y_true, y_score, k=4)
    assert metric(y_true, y_score, k=10**30) >= 0


@pytest.mark.parametrize("weights", [np.ones(29), np.ones((30, 1)), -np.ones(30), [np.nan] * 30])
def test_bad_propensities_raise(weights, y_true, y_score):
    with pytest.raises(ValueError, match="inverse_propensity must"):
        metrics.propensity_scored_ndcg_at_k_score(y_true, y_score, weights)


def test_bad_scores_raise_also_where_nothing_is_true():
    for metric in RANKING.values():
        if metric is not RANKING["perr"]:  # which then retrieves nothing
            with pytest.raises(ValueError, match="NaN"):
                metric(np.zeros((3, N_LABELS)), np.full((3, N_LABELS), np.nan))


def test_import_is_light():
    heavy = {"tensorflow", "keras", "matplotlib"}
    code = f"import sys, skmlclf.metrics; print(*{heavy} & {{*sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.strip() == b""


def test_one_signature():
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        if not name.endswith("_score"):
            continue
        parameters = inspect.signature(metric).parameters
        assert list(parameters)[:2] == ["y_true", "y_score"]
        assert parameters["sample_weight"].kind is inspect.Parameter.KEYWORD_ONLY
        if "_at_k_" in name or name.startswith("global"):
            assert parameters["k"].default == 20


@pytest.mark.parametrize("name", RANKING)
@pytest.mark.parametrize("k", [20, 600])
@pytest.mark.parametrize("tied", [False, True])
def test_memory_beside_the_inputs_is_a_block(name, k, tied, rng, monkeypatch):
    """With blocks small beside the inputs, so is all that is allocated."""
    monkeypatch.setattr("skmlclf.metrics._topk.BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr("skmlclf.metrics.average_precision.BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr("skmlclf.metrics.average_precision.CHUNK_PAIRS", 1 << 12)
    monkeypatch.setattr(f"{__name__}.WEIGHTS", np.ones(600))
    y_score = rng.random((2000, 600), dtype=np.float32)
    if tied:
        y_score[:] = 0.5
    y_true = sp.random_array(y_score.shape, density=2e-3, format="csr", random_state=0)
    y_true.data[:] = 1
    arguments = {"k": k} if name in TAKES_K else {}
    tracemalloc.start()
    RANKING[name](y_true, y_score, **arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < y_score.nbytes / 4


@pytest.mark.parametrize("name", DECISIONS)
def test_memory_beside_dense_decisions_is_a_block(name, rng, monkeypatch):
    monkeypatch.setattr("skmlclf._indicator.READ_BLOCK_BYTES", 1 << 14)
    y_true = rng.random((2000, 600)) < 2e-3
    y_pred = ~y_true
    tracemalloc.start()
    DECISIONS[name](y_true, y_pred)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Every label is replaced by all the others: that matrix itself is full.
    limit = 5 * 8 * 600**2 if name == "label_confusion" else y_true.nbytes / 2
    assert peak < limit
