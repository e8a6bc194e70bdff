"""Every ranking and decision metric against its definition in plain Python."""

import itertools
import math
from collections import defaultdict
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skmlclf import metrics

# --- the definitions, one row at a time ---------------------------------------------------------


def tied_blocks(scores, listed, k):
    """Blocks of labels of equal score, best first, each with how many of it rank among k."""
    by_score = defaultdict(list)
    for label in listed:
        by_score[scores[label]].append(label)
    left = k
    for score in sorted(by_score, reverse=True):
        if left <= 0:
            return
        labels = by_score[score]
        yield score, labels, min(left, len(labels))
        left -= len(labels)


def expected_gains(values, scores, listed, k):
    """Score and mean value at each of the k first ranks, over all orders of equal scores."""
    return [
        (score, sum(values[label] for label in labels) / len(labels))
        for score, labels, fitting in tied_blocks(scores, listed, k)
        for _ in range(fitting)
    ]


def weighted_mean(values, weights):
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)


def mean_over_rows(value_of_row):
    """Turn the value of one row into a metric; ``listed`` are the labels that can be ranked."""

    def metric(y, s, w, listed, *args):
        rows = [value_of_row(*row, *args) for row in zip(y, s, listed, strict=True)]
        return weighted_mean(rows, w)

    metric.__name__ = value_of_row.__name__
    return metric


@mean_over_rows
def precision_at_k(t, r, listed, k):
    return math.fsum(gain for _, gain in expected_gains(t, r, listed, k)) / k


@mean_over_rows
def recall_at_k(t, r, listed, k):
    return math.fsum(gain for _, gain in expected_gains(t, r, listed, k)) / max(sum(t), 1)


@mean_over_rows
def hit_at_k(t, r, listed, k):
    missed = 1.0
    for _, labels, fitting in tied_blocks(r, listed, k):
        wrong = len(labels) - sum(t[label] for label in labels)
        missed *= math.comb(wrong, fitting) / math.comb(len(labels), fitting)
    return 1 - missed


def dcg(gains):
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


@mean_over_rows
def ndcg_at_k(t, r, listed, k):
    ideal = dcg([1] * min(k, sum(t)))
    return dcg([gain for _, gain in expected_gains(t, r, listed, k)]) / ideal if ideal else 0.0


@mean_over_rows
def equal_recall(t, r, listed, floor):
    n = sum(t)
    gains = expected_gains(t, r, listed, n)
    return math.fsum(gain for score, gain in gains if score > floor) / n if n else 0.0


def average_precision(pairs, total):
    """``pairs`` of (score, truth, weight); equal scores are one threshold."""
    by_score = defaultdict(list)
    for score, truth, weight in pairs:
        by_score[score].append((truth * weight, weight))
    down_to_here = found = gained = 0.0
    for score in sorted(by_score, reverse=True):
        new = math.fsum(true for true, _ in by_score[score])
        found += new
        down_to_here += math.fsum(weight for _, weight in by_score[score])
        if new:
            gained += new * found / down_to_here
    return gained / total


def global_average_precision(y, s, w, listed, k):
    pairs = [
        (score, gain, weight)
        for t, r, weight, labels in zip(y, s, w, listed, strict=True)
        for score, gain in expected_gains(t, r, labels, k)
    ]
    total = math.fsum(weight * sum(t) for t, weight in zip(y, w, strict=True))
    return average_precision(pairs, total) if total else 0.0


def mean_average_precision(y, s, w, listed, k):
    pairs, totals = defaultdict(list), defaultdict(float)
    for t, r, weight, own in zip(y, s, w, listed, strict=True):
        for score, labels, fitting in tied_blocks(r, own, len(t) if k is None else k):
            for j in labels:
                pairs[j].append((score, t[j], weight * fitting / len(labels)))
        for j, truth in enumerate(t):
            totals[j] += weight * truth
    values = [average_precision(pairs[j], total) for j, total in totals.items() if total]
    return math.fsum(values) / len(values) if values else math.nan


def propensity_scored(y, s, w, listed, k, label_weights, gain_of_rank, normalised):
    found = possible = 0.0
    for t, r, weight, own in zip(y, s, w, listed, strict=True):
        n = min(k, sum(t))
        if not n:
            continue
        factor = weight / (dcg([1] * n) if normalised else 1)
        worth = [truth * label_weights[j] for j, truth in enumerate(t)]
        for rank, (_, gain) in enumerate(expected_gains(worth, r, own, k), start=1):
            found += factor * gain * gain_of_rank(rank)
        for rank, label_weight in enumerate(sorted(worth, reverse=True)[:k], start=1):
            possible += factor * label_weight * gain_of_rank(rank)
    return found / possible if possible else math.nan


# --- cases -------------------------------------------------------------------------------------


@pytest.fixture(params=["whole", "blocks"], autouse=True, scope="module")
def block_size(request):
    """Run everything once as it is, and once cut into the smallest blocks."""
    if request.param == "whole":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skmlclf.metrics._topk.BLOCK_BYTES", 64)
        patch.setattr("skmlclf.metrics.average_precision.BLOCK_BYTES", 1)
        patch.setattr("skmlclf.metrics.average_precision.CHUNK_PAIRS", 3)
        patch.setattr("skmlclf.metrics.average_precision.GROUPED_PAIRS", 5)
        patch.setattr("skmlclf.metrics.average_precision.FEW_TRUE", 2)
        patch.setattr("skmlclf._indicator.READ_BLOCK_BYTES", 64)
        yield


FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def sparse_format(y, name, array):
    kind = getattr(sp, f"{name}_{'array' if array else 'matrix'}")
    return kind(y)


def untidy_csr(y, rng):
    """The same matrix with stored zeros, a label given twice and columns in any order."""
    rows, columns = np.nonzero(y)
    zeros = np.argwhere(np.asarray(y) == 0)[:3]
    rows = np.concatenate([rows, rows[:2], zeros[:, 0]])
    columns = np.concatenate([columns, columns[:2], zeros[:, 1]])
    data = np.concatenate([np.ones(len(rows) - len(zeros)), np.zeros(len(zeros))])
    order = rng.permutation(len(rows))
    order = order[np.argsort(rows[order], kind="stable")]
    indptr = np.searchsorted(rows[order], np.arange(len(y) + 1))
    return sp.csr_array((data[order], columns[order], indptr), shape=np.shape(y))


@st.composite
def cases(draw):
    n, n_labels = draw(st.integers(1, 6)), draw(st.sampled_from([1, 2, 3, 5, 9, 23]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.1, 0.4, 1.0]))
    y = (rng.random((n, n_labels)) < density).astype(int)
    # Few values make ties, and signed ones make logits; halves are exact in every float type.
    values = draw(st.sampled_from(["all equal", "few", "signed", "distinct"]))
    if values == "distinct":
        scores = rng.permutation(n * n_labels).reshape(n, n_labels) / 256
    else:
        top = {"all equal": 0, "few": 3, "signed": 5}[values]
        scores = rng.integers(0, top + 1, size=(n, n_labels)) / 2 - (values == "signed")
    dtype = draw(st.sampled_from(["f2", "f4", "f8", ">f4", "g"]))
    weights = draw(st.sampled_from(["none", "random", "some zero"]))
    w = {
        "none": np.ones(n),
        "random": rng.random(n) + 0.1,
        "some zero": rng.integers(0, 3, n) + (np.arange(n) == 0),
    }[weights]
    truth = draw(st.sampled_from(["int", "bool", "float", "list", "untidy", *FORMATS]))
    y_true = {
        "int": lambda: y,
        "bool": lambda: y.astype(bool),
        "float": lambda: np.asfortranarray(y, dtype=np.float32),
        "list": lambda: y.tolist(),
        "untidy": lambda: untidy_csr(y, rng),
    }.get(truth, lambda: sparse_format(y, truth, array=rng.random() < 0.5))()
    y_score = scores.astype(dtype)
    if draw(st.booleans()):
        y_score = np.asfortranarray(y_score)
    k = draw(st.integers(1, n_labels + 2))
    sample_weight = None if weights == "none" else w
    form = draw(st.sampled_from(["dense", "pair", "deeper pair"]))
    labels = np.tile(np.arange(n_labels), (n, 1))
    if form != "dense":
        depth = min(n_labels, k if form == "pair" else k + 2)
        # Which of equal scores are listed is the caller's choice.
        columns = rng.permutation(n_labels)
        best = np.argsort(-scores[:, columns], axis=1, kind="stable")[:, :depth]
        labels = columns[best]
        y_score = (labels, np.take_along_axis(scores, labels, axis=1).astype(dtype))
    plain = (y.tolist(), scores.tolist(), w.tolist(), labels.tolist())
    return y_true, y_score, sample_weight, k, plain


def assert_equal(value, expected):
    assert isinstance(value, float)
    assert value == pytest.approx(expected, rel=1e-11, abs=1e-12, nan_ok=True)


AT_K = [
    (metrics.precision_at_k_score, precision_at_k),
    (metrics.recall_at_k_score, recall_at_k),
    (metrics.hit_at_k_score, hit_at_k),
    (metrics.ndcg_at_k_score, ndcg_at_k),
    (metrics.global_average_precision_score, global_average_precision),
    (metrics.mean_average_precision_score, mean_average_precision),
]


@pytest.mark.parametrize(("metric", "definition"), AT_K, ids=lambda f: f.__name__)
@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_at_k(metric, definition, case):
    y_true, y_score, sample_weight, k, plain = case
    value = metric(y_true, y_score, k=k, sample_weight=sample_weight)
    assert_equal(value, definition(*plain, k))


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_mean_average_precision_of_all_pairs(case):
    y_true, y_score, sample_weight, _, (y, s, w, listed) = case
    if isinstance(y_score, tuple) and y_score[0].shape[1] < len(y[0]):
        with pytest.raises(ValueError, match="best labels of a row"):
            metrics.mean_average_precision_score(y_true, y_score)
        return
    value = metrics.mean_average_precision_score(y_true, y_score, sample_weight=sample_weight)
    assert_equal(value, mean_average_precision(y, s, w, listed, None))


@settings(max_examples=60, deadline=None)
@given(case=cases(), logits=st.sampled_from([None, False, True]))
def test_precision_at_equal_recall(case, logits):
    y_true, y_score, sample_weight, _, (y, s, w, listed) = case

    def compute():
        return metrics.precision_at_equal_recall_score(
            y_true, y_score, logits=logits, sample_weight=sample_weight
        )

    most = max(sum(row) for row in y)
    if isinstance(y_score, tuple) and y_score[0].shape[1] < most:
        with pytest.raises(ValueError, match=f"needs the {most} best labels"):
            compute()
        return
    if logits is None:
        logits_here = any(
            score < 0
            for t, r, own in zip(y, s, listed, strict=True)
            for score, _ in expected_gains(t, r, own, sum(t))
        )
    else:
        logits_here = logits
    assert_equal(compute(), equal_recall(y, s, w, listed, -math.inf if logits_here else 0))


@settings(max_examples=60, deadline=None)
@given(case=cases(), seed=st.integers(0, 2**16))
def test_propensity_scored(case, seed):
    y_true, y_score, sample_weight, k, plain = case
    n_labels = len(plain[0][0])
    label_weights = np.random.default_rng(seed).integers(1, 4, n_labels) / 2
    precision = metrics.propensity_scored_precision_at_k_score(
        y_true, y_score, label_weights, k=k, sample_weight=sample_weight
    )
    ndcg = metrics.propensity_scored_ndcg_at_k_score(
        y_true, y_score, label_weights, k=k, sample_weight=sample_weight
    )
    expected = propensity_scored(*plain, k, label_weights, lambda rank: 1, normalised=False)
    assert_equal(precision, expected)
    expected = propensity_scored(
        *plain, k, label_weights, lambda rank: 1 / math.log2(rank + 1), normalised=True
    )
    assert_equal(ndcg, expected)


# --- the expectation itself, order by order ----------------------------------------------------


def orders(scores):
    """Every order of the labels that sorts them by score."""
    blocks = [labels for _, labels, _ in tied_blocks(scores, range(len(scores)), len(scores))]
    for arrangement in itertools.product(*map(itertools.permutations, blocks)):
        yield [label for block in arrangement for label in block]


def mean_over_orders(metric, y_true, y_score):
    """Mean of a metric over scores without ties, one matrix for each order of every row.

    What is a mean over rows may be had row by row.
    """
    rows = []
    for truth, scores in zip(y_true, y_score, strict=True):
        values = []
        for order in orders(scores.tolist()):
            distinct = np.empty(len(order))
            distinct[order] = np.arange(len(order), 0, -1)
            values.append(metric(truth[None], distinct[None]))
        rows.append(np.mean(values))
    return np.mean(rows)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_labels=st.integers(1, 5),
    levels=st.integers(1, 3),
    k=st.integers(1, 6),
)
def test_equal_scores_are_the_mean_over_all_orders(seed, n_labels, levels, k):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 2, size=(3, n_labels))
    y_score = rng.integers(1, levels + 1, size=(3, n_labels)).astype(float)
    for metric in (
        metrics.precision_at_k_score,
        metrics.recall_at_k_score,
        metrics.hit_at_k_score,
        metrics.ndcg_at_k_score,
    ):
        value = metric(y_true, y_score, k=k)
        assert_equal(value, mean_over_orders(partial(metric, k=k), y_true, y_score))
    perr = metrics.precision_at_equal_recall_score
    assert_equal(perr(y_true, y_score), mean_over_orders(perr, y_true, y_score))
    label_weights = rng.random(n_labels) + 0.5
    for metric in (
        metrics.propensity_scored_precision_at_k_score,
        metrics.propensity_scored_ndcg_at_k_score,
    ):
        row = slice(0, 1)  # the value of several rows is a ratio of sums
        value = metric(y_true[row], y_score[row], label_weights, k=k)
        expected = mean_over_orders(
            lambda y, s, metric=metric: metric(y, s, label_weights, k=k),
            y_true[row],
            y_score[row],
        )
        assert_equal(value, expected)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    a=st.sampled_from([0.5, 0.55, 0.6]),
    b=st.sampled_from([0.4, 1.5, 2.6]),
)
def test_inverse_propensity(counts, a, b):
    y_train = np.arange(9)[:, None] < counts
    expected = [1 + (math.log(9) - 1) * (b + 1) ** a * (n + b) ** -a for n in counts]
    for form in (y_train, sp.csc_array(y_train)):
        weights = metrics.inverse_propensity(form, a=a, b=b)
        np.testing.assert_allclose(weights, expected, rtol=1e-12)


# --- decisions ---------------------------------------------------------------------------------


@st.composite
def decisions(draw):
    n, n_labels = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y, p = (rng.random((2, n, n_labels)) < draw(st.sampled_from([0.1, 0.5, 1]))).astype(int)
    w = rng.integers(0, 3, n) + (np.arange(n) == 0)

    def form(matrix):
        kind = draw(st.sampled_from(["int", "bool", "untidy", *FORMATS]))
        if kind == "int":
            return matrix
        if kind == "bool":
            return matrix.astype(bool)
        return untidy_csr(matrix, rng) if kind == "untidy" else sparse_format(matrix, kind, True)

    weighted = draw(st.booleans())
    return (
        (form(y), form(p), w if weighted else None),
        (y, p, w if weighted else np.ones(n, dtype=int)),
    )


def mean_where_known(values, weights):
    known = [(v, w) for v, w in zip(values, weights, strict=True) if not math.isnan(v) and w]
    return weighted_mean(*zip(*known, strict=True)) if known else math.nan


@settings(max_examples=100, deadline=None)
@given(case=decisions(), zero_division=st.sampled_from([0, 1, math.nan]))
def test_samples_precision_recall_f1(case, zero_division):
    (y_true, y_pred, sample_weight), (y, p, w) = case
    result = metrics.samples_precision_recall_f1(
        y_true, y_pred, zero_division=zero_division, sample_weight=sample_weight
    )
    both, true, predicted = (y & p).sum(axis=1), y.sum(axis=1), p.sum(axis=1)
    for value, numerator, denominator in zip(
        result, (both, both, 2 * both), (predicted, true, true + predicted), strict=True
    ):
        rows = [a / b if b else zero_division for a, b in zip(numerator, denominator, strict=True)]
        assert_equal(value, mean_where_known(rows, w))


@settings(max_examples=60, deadline=None)
@given(case=decisions())
def test_hamming_loss(case):
    (y_true, y_pred, sample_weight), (y, p, w) = case
    value = metrics.hamming_loss(y_true, y_pred, sample_weight=sample_weight)
    assert_equal(value, weighted_mean((y != p).mean(axis=1), w))


@settings(max_examples=60, deadline=None)
@given(case=decisions(), samplewise=st.booleans())
def test_multilabel_confusion_matrix(case, samplewise):
    (y_true, y_pred, sample_weight), (y, p, w) = case
    matrix = metrics.multilabel_confusion_matrix(
        y_true, y_pred, samplewise=samplewise, sample_weight=sample_weight
    )
    cells = [(1 - y) * (1 - p), (1 - y) * p, y * (1 - p), y * p]
    expected = np.stack([(cell * w[:, None]).sum(axis=int(samplewise)) for cell in cells], axis=1)
    np.testing.assert_array_equal(matrix.reshape(-1, 4), expected)
    assert matrix.dtype.kind == ("i" if sample_weight is None else "f")


@settings(max_examples=100, deadline=None)
@given(case=decisions())
def test_label_confusion_matrix(case):
    (y_true, y_pred, sample_weight), (y, p, w) = case
    matrix = metrics.label_confusion_matrix(y_true, y_pred, sample_weight=sample_weight)
    expected = np.zeros((y.shape[1], y.shape[1]))
    for t, predicted, weight in zip(y, p, w, strict=True):
        for right in np.flatnonzero(t & predicted):
            expected[right, right] += weight
        wrong = np.flatnonzero(predicted & ~t & 1)
        for missed in np.flatnonzero(t & ~predicted & 1):
            for other in wrong:
                expected[missed, other] += weight / len(wrong)
    assert matrix.format == "csr"
    assert np.all(matrix.data != 0)
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=1e-12)
