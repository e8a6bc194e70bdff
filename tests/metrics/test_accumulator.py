"""Batches give what all rows at once give."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skmlclf import metrics
from skmlclf.metrics import RankingAccumulator

AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
    "hit": metrics.hit_at_k_score,
    "gap": metrics.global_average_precision_score,
    "map": metrics.mean_average_precision_score,
}


def make_data(seed=0, n_samples=70, n_labels=40, levels=9):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n_samples, n_labels)) < 0.08).astype(np.int8)
    # Few levels: ties within rows, across rows and across batches.
    y_score = rng.integers(1, levels, size=y_true.shape) / np.float32(levels)
    return y_true, y_score.astype(np.float32), rng


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    cuts=st.lists(st.integers(1, 69), max_size=6, unique=True),
    k=st.sampled_from([1, 3, 20, 40, 50]),
    forms=st.lists(st.sampled_from(["dense", "csr", "pair"]), min_size=7, max_size=7),
    weighted=st.booleans(),
    shift=st.sampled_from([0, -1]),
)
def test_batches_give_what_all_rows_at_once_give(seed, cuts, k, forms, weighted, shift):
    y_true, y_score, rng = make_data(seed)
    y_score += np.float32(shift)  # logits
    weights = rng.integers(0, 3, len(y_true)) + 0.1 if weighted else None
    accumulator = RankingAccumulator(40, k=k)
    bounds = [0, *sorted(cuts), 70]
    for start, stop, form in zip(bounds, bounds[1:], forms, strict=False):
        truth, scores = y_true[start:stop], y_score[start:stop]
        if form == "csr":
            truth = sp.csr_matrix(truth)
        elif form == "pair":
            labels = np.argsort(-scores, axis=1, kind="stable")[:, : max(k, 20)]
            scores = (labels, np.take_along_axis(scores, labels, axis=1))
            # A pair is taken at its word: what it does not list comes after what it does.
            unlisted = np.ones(y_score[start:stop].shape, dtype=bool)
            np.put_along_axis(unlisted, labels, False, axis=1)
            y_score[start:stop][unlisted] = -9
        batch_weights = None if weights is None else weights[start:stop]
        assert accumulator.update(truth, scores, batch_weights) is accumulator
    assert accumulator.n_samples == 70
    for smaller in {1, k, max(1, k // 2)}:
        for name, metric in AT_K.items():
            expected = metric(y_true, y_score, k=smaller, sample_weight=weights)
            value = accumulator.compute(f"{name}_at_{smaller}")
            assert value == pytest.approx(expected, rel=1e-12), name
    expected = metrics.precision_at_equal_recall_score(y_true, y_score, sample_weight=weights)
    assert accumulator.compute("perr") == pytest.approx(expected, rel=1e-12)


def filled(k=20, **update):
    y_true, y_score, _ = make_data()
    return RankingAccumulator(40, k=k).update(**{"y_true": y_true, "y_score": y_score} | update)


def test_results():
    accumulator = filled()
    results = accumulator.results()
    assert list(results) == [
        "precision_at_20",
        "recall_at_20",
        "ndcg_at_20",
        "hit_at_1",
        "hit_at_20",
        "gap_at_20",
        "map_at_20",
        "perr",
    ]
    assert results == {name: accumulator.compute(name) for name in results}
    assert accumulator.results(["gap_at_5", "hit_at_1"]) == {
        "gap_at_5": accumulator.compute("gap_at_5"),
        "hit_at_1": results["hit_at_1"],
    }
    assert list(filled(k=1).results()).count("hit_at_1") == 1


def test_results_may_be_had_in_between():
    y_true, y_score, _ = make_data()
    accumulator = RankingAccumulator(40)
    for start in range(0, 70, 10):
        rows = slice(start, start + 10)
        accumulator.update(y_true[rows], y_score[rows])
        seen = slice(0, start + 10)
        expected = metrics.global_average_precision_score(y_true[seen], y_score[seen])
        assert accumulator.compute("gap_at_20") == expected


def test_what_was_kept_serves_any_metric():
    y_true, y_score, rng = make_data()
    weights, label_weights = rng.random(70), rng.random(40)
    accumulator = RankingAccumulator(40, k=7)
    for rows in (slice(0, 31), slice(31, 70)):
        accumulator.update(y_true[rows], y_score[rows], weights[rows])
    truth, topk, sample_weight = accumulator.kept()
    np.testing.assert_array_equal(truth.toarray(), y_true)
    np.testing.assert_array_equal(sample_weight, weights)
    for metric in (
        metrics.propensity_scored_precision_at_k_score,
        metrics.propensity_scored_ndcg_at_k_score,
    ):
        value = metric(truth, topk, label_weights, k=7, sample_weight=sample_weight)
        expected = metric(y_true, y_score, label_weights, k=7, sample_weight=weights)
        assert value == expected


def test_batches_without_weights_weigh_one():
    y_true, y_score, _ = make_data()
    weights = np.ones(70)
    weights[:30] = 0
    accumulator = RankingAccumulator(40).update(y_true[:30], y_score[:30], np.zeros(30))
    with pytest.raises(ValueError, match="no row counts"):
        accumulator.compute("gap_at_20")
    accumulator.update(y_true[30:], y_score[30:])
    expected = metrics.global_average_precision_score(y_true, y_score, sample_weight=weights)
    assert accumulator.compute("gap_at_20") == expected


def test_a_pair_may_be_too_short_for_perr_alone():
    y_true, y_score, _ = make_data()
    labels = np.argsort(-y_score, axis=1, kind="stable")[:, :3]
    pair = labels, np.take_along_axis(y_score, labels, axis=1)
    most = y_true.sum(axis=1).max()
    assert most > 3
    accumulator = RankingAccumulator(40, k=3).update(y_true, pair)
    assert "perr" not in accumulator.results()
    with pytest.raises(ValueError, match=f"up to {most}"):
        accumulator.compute("perr")
    expected = metrics.ndcg_at_k_score(y_true, pair, k=3)
    assert accumulator.compute("ndcg_at_3") == expected


def test_ties_at_the_cut_are_kept_through_copies():
    y_true, y_score, _ = make_data(levels=3)
    truth, topk, _ = filled(k=5, y_true=y_true, y_score=y_score).kept()
    expected = metrics.precision_at_k_score(y_true, y_score, k=5)
    for pair in (topk, pickle.loads(pickle.dumps(topk)), copy.deepcopy(topk)):
        assert metrics.precision_at_k_score(truth, pair, k=5) == expected
    # A plain pair has forgotten them.
    assert metrics.precision_at_k_score(truth, tuple(topk), k=5) != expected


def test_reset_and_pickle():
    accumulator = filled()
    before = accumulator.results()
    assert pickle.loads(pickle.dumps(accumulator)).results() == before
    accumulator.reset()
    assert accumulator.n_samples == 0
    with pytest.raises(ValueError, match="call update first"):
        accumulator.results()
    y_true, y_score, _ = make_data()
    assert accumulator.update(y_true, y_score).results() == before


def test_what_is_kept_does_not_hold_on_to_the_batches():
    y_true, y_score, _ = make_data()
    accumulator = RankingAccumulator(40, k=5).update(y_true, y_score)
    before = accumulator.results()
    y_score[:], y_true[:] = 0, 0
    assert accumulator.results() == before
    _, (labels, scores), _ = accumulator.kept()
    assert labels.dtype == np.uint8
    assert scores.dtype == np.float32
    assert scores.base is None


BAD_BATCHES = {
    "labels": (lambda y, s: (y[:, 1:], s[:, 1:]), "made for 40 labels, but y_true has 39"),
    "rows": (lambda y, s: (y[1:], s), "one row for each"),
    "nan": (lambda y, s: (y, np.where(s > 0.8, np.nan, s)), "NaN"),
    "short pair": (lambda y, s: (y, (np.argsort(-s)[:, :2], -np.sort(-s)[:, :2])), "20 best"),
    "truth": (lambda y, s: (2 * y, s), "0/1 indicator"),
    "weights": (lambda y, s: (y, s, -np.ones(70)), "none of them negative"),
}


@pytest.mark.parametrize("damage", BAD_BATCHES)
def test_a_bad_batch_leaves_no_trace(damage):
    make, message = BAD_BATCHES[damage]
    y_true, y_score, _ = make_data()
    accumulator = filled()
    before = accumulator.results()
    with pytest.raises(ValueError, match=message):
        accumulator.update(*make(y_true, y_score))
    assert accumulator.n_samples == 70
    assert accumulator.results() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gap_at_21", "takes more than the 20 best .* gap_at_20"),
        ("map", "takes more than the 20 best .* map_at_20"),
        ("f1_samples", "looks at decisions"),
        ("gapp_at_20", "Did you mean 'gap_at_20'"),
    ],
)
def test_what_it_cannot_tell(name, message):
    with pytest.raises(ValueError, match=message):
        filled().compute(name)


@pytest.mark.parametrize("arguments", [{"n_labels": 0}, {"n_labels": 1.5}, {"n_labels": 4, "k": 0}])
def test_bad_parameters(arguments):
    with pytest.raises(ValueError, match="parameter"):
        RankingAccumulator(**arguments)


def test_all_labels_kept_make_map_known():
    y_true, y_score, _ = make_data()
    accumulator = RankingAccumulator(40, k=40).update(y_true, y_score)
    expected = metrics.mean_average_precision_score(y_true, y_score)
    assert accumulator.compute("map_at_40") == expected
