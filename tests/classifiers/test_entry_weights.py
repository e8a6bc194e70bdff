"""Weights of single labels of a row, and labels that are not known."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit

from skmlclf import BaseMLPClassifier
from skmlclf.callbacks import EpochMetrics


def problem(n_rows=60, n_features=5, n_labels=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    y = (X @ rng.standard_normal((n_features, n_labels)) > 0.5).astype(float)
    return X, y, rng.random((n_rows, n_labels)) * 2


def make(**kwargs):
    options = {"batch_size": 1000, "epochs": 4, "optimizer": "sgd", "learning_rate": 0.1}
    plain = {"dropout": 0.0, "input_dropout": 0.0, "learning_rate_schedule": "constant"}
    return BaseMLPClassifier((), random_state=0, **{**options, **plain, **kwargs})


def reference(X, y, weight, epochs=4, rate=0.1):
    """Train the logistic model on all rows at once in float64, from the definition."""
    X = X.astype(np.float64)
    weight = weight / weight.mean()
    share = (weight * y).sum(axis=0) / weight.sum(axis=0)
    start = make(epochs=1, learning_rate=1e-30).fit(X, y)
    kernel = start.model_.get_weights()[0].astype(np.float64)
    bias = np.log(share) - np.log1p(-share)
    velocity = [np.zeros_like(kernel), np.zeros_like(bias)]
    losses = []
    for _ in range(epochs):
        z = X @ kernel + bias
        losses.append((weight * (np.logaddexp(0, z) - z * y)).sum() / weight.sum())
        gradient = weight * (expit(z) - y) / len(X)
        for variable, moment, step in zip(
            (kernel, bias), velocity, (X.T @ gradient, gradient.sum(axis=0)), strict=True
        ):
            moment *= 0.9
            moment -= rate * step
            variable += 0.9 * moment - rate * step
    return kernel, bias, losses


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.coo_array])
def test_weights_per_label_are_those_of_the_definition(container):
    X, y, weight = problem()
    weight[weight < 0.6] = 0.0
    clf = make().fit(X, y, sample_weight=container(weight))
    kernel, bias, losses = reference(X, y, weight)
    np.testing.assert_allclose(clf.model_.get_weights()[0], kernel, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(clf.model_.get_weights()[1], bias, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(clf.history_["loss"], losses, rtol=1e-5)


def test_dense_and_sparse_weights_give_the_same_fit():
    X, y, weight = problem()
    weight[weight < 0.6] = 0.0
    for options in ({}, {"batch_size": 7, "optimizer": "adam"}):
        dense = make(**options).fit(X, y, sample_weight=weight)
        stored = make(**options).fit(X, y, sample_weight=sparse.csr_matrix(weight))
        np.testing.assert_allclose(
            dense.predict_proba(X), stored.predict_proba(X), rtol=1e-5, atol=1e-6
        )


def test_rows_weighted_label_by_label_are_weighted_rows():
    X, y, _ = problem()
    weight = np.random.default_rng(1).random(len(X)) + 0.1
    by_row = make().fit(X, y, sample_weight=weight)
    by_label = make().fit(X, y, sample_weight=np.repeat(weight[:, None], 4, axis=1))
    np.testing.assert_allclose(by_row.predict_proba(X), by_label.predict_proba(X), rtol=1e-5)
    np.testing.assert_allclose(by_row.history_["loss"], by_label.history_["loss"], rtol=1e-5)


def with_unknown(y, share=0.3):
    unknown = np.random.default_rng(2).random(y.shape) < share
    return np.where(unknown, np.nan, y), unknown


@pytest.mark.parametrize("form", ["array", "sparse", "frame", "nullable"])
def test_labels_that_are_not_known_take_no_part(form):
    X, y, _ = problem()
    missing, unknown = with_unknown(y)
    given = {
        "array": missing,
        "sparse": sparse.csr_matrix(missing),
        "frame": pd.DataFrame(missing),
        "nullable": pd.DataFrame(missing).astype("Int64"),
    }[form]
    clf = make().fit(X, given)
    kernel, bias, losses = reference(X, np.where(unknown, 0, y), np.where(unknown, 0.0, 1.0))
    np.testing.assert_allclose(clf.model_.get_weights()[0], kernel, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(clf.model_.get_weights()[1], bias, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(clf.history_["loss"], losses, rtol=1e-5)
    # Whatever stood there.
    other = make().fit(X, np.where(unknown, 1, y), sample_weight=np.where(unknown, 0.0, 1.0))
    np.testing.assert_allclose(other.predict_proba(X), clf.predict_proba(X), rtol=1e-5, atol=1e-6)


def test_unknown_and_weighted():
    X, y, weight = problem()
    missing, unknown = with_unknown(y)
    expected = make().fit(X, y, sample_weight=np.where(unknown, 0.0, weight)).predict_proba(X)
    for given in (weight, sparse.csr_matrix(weight)):
        found = make().fit(X, missing, sample_weight=given).predict_proba(X)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    rows = np.random.default_rng(3).random(len(X)) + 0.1
    both = make().fit(X, missing, sample_weight=rows).predict_proba(X)
    each = np.where(unknown, 0.0, rows[:, None])
    np.testing.assert_allclose(
        both, make().fit(X, y, sample_weight=each).predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_a_label_that_is_never_known_starts_at_the_mean_rate():
    X, y, _ = problem()
    y[:, 2] = np.nan
    p = make(epochs=1, learning_rate=1e-30).fit(0 * X, y).predict_proba(0 * X)[0]
    known = y[:, [0, 1, 3]].mean()
    np.testing.assert_allclose(p[2], known, rtol=0.05)


def test_rows_without_a_known_label_are_left_out():
    X, y, _ = problem()
    y[::3] = np.nan
    left = np.arange(len(X)) % 3 != 0
    options = {"batch_size": 8, "optimizer": "adam"}
    expected = make(**options).fit(X[left], y[left]).predict_proba(X)
    np.testing.assert_allclose(make(**options).fit(X, y).predict_proba(X), expected, rtol=1e-6)


def test_held_out_rows_with_unknown_labels():
    X, y, _ = problem(200)
    missing, unknown = with_unknown(y[100:])
    watch = EpochMetrics(["hit_at_1", "hamming", "f1_samples", "gap_at_4"], verbose=False)
    clf = make(callbacks=[watch]).fit(X[:100], y[:100], X_val=X[100:], y_val=missing)
    z = clf.decision_function(X[100:]).astype(np.float64)
    terms = np.logaddexp(0, z) - z * y[100:]
    np.testing.assert_allclose(clf.history_["val_loss"][-1], terms[~unknown].mean(), rtol=1e-5)
    right = clf.predict(X[100:]) == y[100:]
    np.testing.assert_allclose(clf.history_["val_hamming"][-1], 1 - right[~unknown].mean())
    best = np.where(unknown, -np.inf, z).argmax(axis=1)
    hits = np.where(unknown, 0, y[100:])[np.arange(100), best]
    np.testing.assert_allclose(clf.history_["val_hit_at_1"][-1], hits.mean())


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones((60, 3)), r"shape \(60,\) or \(60, 4\), got \(60, 3\)"),
        (-np.ones((60, 4)), "Negative"),
        (np.full((60, 4), np.nan), "NaN"),
        (np.zeros((60, 4)), "zero for every row"),
        (sparse.csr_matrix((60, 4)), "zero for every row"),
    ],
)
def test_bad_weights_per_label(weight, message):
    X, y, _ = problem()
    with pytest.raises(ValueError, match=message):
        make().fit(X, y, sample_weight=weight)


def test_classes_take_one_weight_per_row():
    X, y, _ = problem()
    with pytest.raises(ValueError, match="one weight per row"):
        make().fit(X, y[:, 0], sample_weight=np.ones((60, 1)) @ np.ones((1, 2)))


def test_nothing_known_is_refused():
    X, y, _ = problem()
    with pytest.raises(ValueError, match="no label is known"):
        make().fit(X, np.full_like(y, np.nan))
