"""Metrics picked by name at run time."""

import numpy as np
import pytest

from skmlclf import metrics
from skmlclf.metrics._registry import metric_names, resolve_metric

Y_TRUE = (np.random.default_rng(0).random((30, 12)) < 0.3).astype(int)
Y_SCORE = np.random.default_rng(1).random((30, 12))
LABELS = np.argsort(-Y_SCORE, axis=1)


def topk(k):
    return LABELS[:, :k], np.take_along_axis(Y_SCORE, LABELS[:, :k], axis=1)


@pytest.mark.parametrize("name", metric_names())
def test_every_name_computes(name):
    metric = resolve_metric(name)
    assert metric.name == name
    value = metric.compute(Y_TRUE, y_score=Y_SCORE, y_pred=Y_SCORE > 0.5)
    assert isinstance(value, float)
    assert 0 <= value <= 1
    if metric.kind == "ranking":
        assert metric.compute(Y_TRUE, topk=topk(12)) == value
    assert metric.greater_is_better == (name != "hamming")
    assert metric.k == (int(name.rpartition("_")[2]) if "_at_" in name else None)


def test_a_loss_keeps_its_own_sign():
    value = resolve_metric("hamming").compute(Y_TRUE, y_pred=Y_SCORE > 0.5)
    assert value == metrics.hamming_loss(Y_TRUE, Y_SCORE > 0.5)


def test_pairs_are_taken_where_they_are_deep_enough():
    other = 1 - Y_SCORE
    for name, depth in {"gap_at_5": 5, "perr": Y_TRUE.sum(axis=1).max()}.items():
        metric = resolve_metric(name)
        assert metric.depth(Y_TRUE) == depth
        value = metric.compute(Y_TRUE, y_score=Y_SCORE)
        assert metric.compute(Y_TRUE, topk=topk(depth), y_score=other) == value
        assert metric.compute(Y_TRUE, topk=topk(depth - 1), y_score=Y_SCORE) == value
        with pytest.raises(ValueError, match=f"needs the {depth} best"):
            metric.compute(Y_TRUE, topk=topk(depth - 1))
    assert resolve_metric("map").depth(Y_TRUE) is None
    expected = metrics.mean_average_precision_score(Y_TRUE, Y_SCORE)
    assert resolve_metric("map").compute(Y_TRUE, topk=topk(12), y_score=Y_SCORE) == expected


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="give topk or y_score"):
        resolve_metric("gap_at_5").compute(Y_TRUE, y_pred=Y_TRUE)
    with pytest.raises(ValueError, match="give y_pred"):
        resolve_metric("f1_samples").compute(Y_TRUE, y_score=Y_SCORE)
