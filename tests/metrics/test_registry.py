"""The open table of metrics."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from skmlclf import metrics
from skmlclf.metrics import Metric, get_metric, get_scorer_names, register_metric

Y_TRUE = (np.random.default_rng(0).random((30, 12)) < 0.3).astype(int)
Y_SCORE = np.random.default_rng(1).random((30, 12))
LABELS = np.argsort(-Y_SCORE, axis=1)


def topk(k):
    return LABELS[:, :k], np.take_along_axis(Y_SCORE, LABELS[:, :k], axis=1)


@pytest.mark.parametrize("name", get_scorer_names())
def test_every_name_computes(name):
    metric = get_metric(name)
    assert metric.name == name
    assert get_metric(metric) is metric
    decisions = metric.response == "decisions"
    value = metric.compute(Y_TRUE, Y_SCORE > 0.5 if decisions else Y_SCORE)
    if metric.keys:
        assert list(value) == list(metric.keys) == ["tn", "fp", "fn", "tp"]
        assert sum(value.values()) == Y_TRUE.size
        assert metric.greater_is_better is None
        return
    assert isinstance(value, float)
    assert 0 <= value <= 1
    if metric.response == "ranking":
        assert metric.compute(Y_TRUE, topk(12)) == value
    losses = ("hamming", "expected_calibration_error")
    assert metric.greater_is_better == (not name.startswith(losses))
    if "_at_" in name and metric.response == "ranking":
        assert metric.depth == metric.depth_for(Y_TRUE) == int(name.rpartition("_")[2])
    assert pickle.loads(pickle.dumps(metric)).compute.__self__.name == name


def test_a_loss_keeps_its_own_sign():
    value = get_metric("hamming").compute(Y_TRUE, Y_SCORE > 0.5)
    assert value == metrics.hamming_loss(Y_TRUE, Y_SCORE > 0.5)


def test_depths():
    assert get_metric("perr").depth_for(Y_TRUE) == Y_TRUE.sum(axis=1).max()
    assert get_metric("perr").depth_for(np.zeros((2, 3))) == 1
    assert get_metric("map").depth_for(Y_TRUE) is None
    assert get_metric("gap_at_7").depth_for(Y_TRUE) == 7
    assert get_metric("f1_samples").depth_for(Y_TRUE) is None


def coverage(y_true, y_score, sample_weight=None):
    lowest = np.where(y_true.toarray() == 1, y_score, np.inf).min(axis=1, keepdims=True)
    return np.average((y_score >= lowest).sum(axis=1), weights=sample_weight)


def found_at_k(y_true, y_score, *, k, sample_weight=None):
    labels = y_score[0] if isinstance(y_score, tuple) else np.argsort(-y_score, axis=1)
    hits = np.take_along_axis(y_true.toarray(), labels[:, :k], axis=1)
    return np.average(hits.sum(axis=1), weights=sample_weight)


def test_a_metric_of_ones_own():
    before = get_scorer_names()
    metric = Metric("coverage", coverage, greater_is_better=False)
    assert register_metric(metric) is metric
    assert get_metric("coverage") is metric
    assert get_scorer_names() == sorted([*before, "coverage"])
    with pytest.raises(ValueError, match=r"a metric 'coverage' already.*overwrite=True"):
        register_metric(Metric("coverage", found_at_k))
    other = register_metric(Metric("coverage", coverage), overwrite=True)
    assert get_metric("coverage") is other


def test_a_family_of_ones_own():
    register_metric(Metric("found_at_k", found_at_k))
    metric = get_metric("found_at_3")
    assert (metric.name, metric.depth) == ("found_at_3", 3)
    y_true = sp.csr_array(Y_TRUE)
    assert metric.compute(y_true, topk(3)) == found_at_k(y_true, Y_SCORE, k=3)
    assert {"found_at_1", "found_at_5", "found_at_20"} <= set(get_scorer_names())
    assert "found_at_k" not in get_scorer_names()
    with pytest.raises(ValueError, match="no metric 'found_at_k'"):
        get_metric("found_at_k")
    with pytest.raises(ValueError, match=r"Did you mean .*found_at_1"):
        get_metric("found_at_0")


def test_what_a_function_returns_is_checked():
    counts = Metric("counts", lambda y, p: {"a": 1}, response="decisions", keys=("a", "b"))
    with pytest.raises(TypeError, match=r"must return a mapping with the keys \('a', 'b'\)"):
        counts.compute(Y_TRUE, Y_TRUE)
    number = Metric("number", lambda y, p: {"a": 1}, response="decisions")
    with pytest.raises(TypeError, match="must return a number"):
        number.compute(Y_TRUE, Y_TRUE)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "My Metric"}, ValueError, "lower-case letters"),
        ({"name": 3}, ValueError, "lower-case letters"),
        ({"function": "f1"}, TypeError, "function must be callable"),
        ({"greater_is_better": "yes"}, TypeError, "True, False or None"),
        ({"response": "scores"}, ValueError, "one of ranking, probabilities, decisions"),
        ({"response": "decisions", "depth": 5}, ValueError, "looks at decisions"),
        ({"depth": 0}, ValueError, "int of at least 1"),
        ({"depth": 2.5}, ValueError, "int of at least 1"),
    ],
)
def test_bad_rows(arguments, error, message):
    with pytest.raises(error, match=message):
        Metric(**{"name": "mine", "function": coverage} | arguments)


def test_only_metrics_are_registered():
    with pytest.raises(TypeError, match="takes a Metric"):
        register_metric(coverage)
    with pytest.raises(ValueError, match="no metric None"):
        get_metric(None)
