"""Every ranking and decision metric against its definition in plain Python."""

import math
from collections import defaultdict

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skmlclf import metrics

# --- the definitions, one row and one pair at a time -------------------------------------------


def ranked(scores, k=None):
    """Labels of one row, best first: score descending, then lower column."""
    return sorted(range(len(scores)), key=lambda label: (-scores[label], label))[:k]


def weighted_mean(values, weights):
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)


def precision_at_k(y, s, w, k):
    rows = [sum(t[j] for j in ranked(r, k)) / k for t, r in zip(y, s, strict=True)]
    return weighted_mean(rows, w)


def recall_at_k(y, s, w, k):
    rows = [sum(t[j] for j in ranked(r, k)) / max(sum(t), 1) for t, r in zip(y, s, strict=True)]
    return weighted_mean(rows, w)


def hit_at_k(y, s, w, k):
    rows = [float(any(t[j] for j in ranked(r, k))) for t, r in zip(y, s, strict=True)]
    return weighted_mean(rows, w)


def dcg(gains):
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def ndcg_at_k(y, s, w, k):
    rows = []
    for t, r in zip(y, s, strict=True):
        ideal = dcg([1] * min(k, sum(t)))
        rows.append(dcg([t[j] for j in ranked(r, k)]) / ideal if ideal else 0.0)
    return weighted_mean(rows, w)


def equal_recall(y, s, w, floor):
    rows = []
    for t, r in zip(y, s, strict=True):
        n = sum(t)
        rows.append(sum(t[j] and r[j] > floor for j in ranked(r, n)) / n if n else 0.0)
    return weighted_mean(rows, w)


def average_precision(pairs, total):
    """``pairs`` of (score, truth, weight), already in index order."""
    down_to_here = found = gained = 0.0
    for _, truth, weight in sorted(pairs, key=lambda pair: -pair[0]):
        down_to_here += weight
        if truth and weight:
            found += weight
            gained += weight * found / down_to_here
    return gained / total


def global_average_precision(y, s, w, k):
    pairs = []
    for t, r, weight in zip(y, s, w, strict=True):
        pairs += [(r[j], t[j], weight) for j in sorted(ranked(r, k))]
    total = math.fsum(weight * sum(t) for t, weight in zip(y, w, strict=True))
    return average_precision(pairs, total) if total else 0.0


def mean_average_precision(y, s, w, k):
    pairs, totals = defaultdict(list), defaultdict(float)
    for t, r, weight in zip(y, s, w, strict=True):
        for j in ranked(r, k):
            pairs[j].append((r[j], t[j], weight))
        for j, truth in enumerate(t):
            totals[j] += weight * truth
    values = [average_precision(pairs[j], total) for j, total in totals.items() if total]
    return math.fsum(values) / len(values) if values else math.nan


def propensity_scored(y, s, w, k, label_weights, gain_of_place, normalised):
    found = possible = 0.0
    for t, r, weight in zip(y, s, w, strict=True):
        n = min(k, sum(t))
        if not n:
            continue
        factor = weight / (dcg([1] * n) if normalised else 1)
        heaviest = sorted((label_weights[j] for j in range(len(t)) if t[j]), reverse=True)[:k]
        for place, j in enumerate(ranked(r, k), start=1):
            found += factor * t[j] * label_weights[j] * gain_of_place(place)
        for place, label_weight in enumerate(heaviest, start=1):
            possible += factor * label_weight * gain_of_place(place)
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
    if form != "dense":
        depth = min(n_labels, k if form == "pair" else k + 2)
        labels = np.array([ranked(row, depth) for row in scores.tolist()])
        y_score = (labels, np.take_along_axis(scores, labels, axis=1).astype(dtype))
    return y_true, y_score, sample_weight, k, (y.tolist(), scores.tolist(), w.tolist())


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
    y_true, y_score, sample_weight, _, (y, s, w) = case
    if isinstance(y_score, tuple) and y_score[0].shape[1] < len(y[0]):
        with pytest.raises(ValueError, match="best labels of a row"):
            metrics.mean_average_precision_score(y_true, y_score)
        return
    value = metrics.mean_average_precision_score(y_true, y_score, sample_weight=sample_weight)
    assert_equal(value, mean_average_precision(y, s, w, None))


@settings(max_examples=60, deadline=None)
@given(case=cases(), logits=st.sampled_from([None, False, True]))
def test_precision_at_equal_recall(case, logits):
    y_true, y_score, sample_weight, _, (y, s, w) = case

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
        retrieved = [[r[j] for j in ranked(r, sum(t))] for t, r in zip(y, s, strict=True)]
        logits_here = any(score < 0 for row in retrieved for score in row)
    else:
        logits_here = logits
    assert_equal(compute(), equal_recall(y, s, w, -math.inf if logits_here else 0))


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
    expected = propensity_scored(*plain, k, label_weights, lambda place: 1, normalised=False)
    assert_equal(precision, expected)
    expected = propensity_scored(
        *plain, k, label_weights, lambda place: 1 / math.log2(place + 1), normalised=True
    )
    assert_equal(ndcg, expected)


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
