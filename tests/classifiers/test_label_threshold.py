"""Tuned decisions around networks, scikit-learn's classifiers, pipelines and searches."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, ShuffleSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, LabelThresholdClassifier, predict_topk
from skmlclf.datasets import NpyRowStore, make_video_embeddings
from skmlclf.metrics import (
    expected_calibration_error,
    get_scorer,
    inverse_propensity,
    propensity_scored_precision_at_k_score,
)
from skmlclf.thresholds import OBJECTIVES, kept_scores, objective_value, with_temperature

N_LABELS = 8
LINEAR = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
OTHERS = {
    "one vs rest": LINEAR,
    "ridge": RidgeClassifier(),
    "neighbors": KNeighborsClassifier(8),
    "multi-output": MultiOutputClassifier(LogisticRegression(solver="liblinear")),
}


@pytest.fixture(scope="module")
def data():
    X, y = make_multilabel_classification(
        400, n_features=12, n_classes=N_LABELS, n_labels=2, random_state=0
    )
    return X[:280].astype(np.float32), y[:280], X[280:].astype(np.float32), y[280:]


@pytest.fixture(scope="module")
def network(data):
    """A network fitted on half of the training rows; the others are left to tune on."""
    X, y, _, _ = data
    clf = BaseMLPClassifier(8, epochs=3, learning_rate=3e-2, random_state=0)
    return clf.fit(X[:140], sparse.csr_matrix(y[:140]))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", OTHERS)
def test_decisions_are_no_worse_than_at_one_half(data, name, objective):
    X, y, X_val, y_val = data
    if name == "ridge" and objective == "samples_f1":
        pytest.skip("needs probabilities")
    tuned = LabelThresholdClassifier(OTHERS[name], objective=objective, cv=3).fit(X, y)
    plain = clone(OTHERS[name]).fit(X, y).predict(X_val)
    found = tuned.predict(X_val)
    assert found.dtype == y.dtype
    if objective == "cardinality":
        assert abs(found.sum() - y_val.sum()) < abs(plain.sum() - y_val.sum())
        return
    value, before = (
        objective_value(sparse.csr_matrix(y_val), sparse.csr_matrix(each), objective)
        for each in (found, plain)
    )
    assert value > before
    assert tuned.best_score_ == pytest.approx(value, abs=0.15)


@pytest.mark.parametrize("way", ["prefit", "frozen", "held out"])
def test_one_fit_is_enough(data, network, way):
    X, y, X_val, y_val = data
    truth = sparse.csr_matrix(y[140:])
    if way == "prefit":
        tuned = LabelThresholdClassifier(network, cv="prefit").fit(X[140:], truth)
    elif way == "frozen":
        tuned = LabelThresholdClassifier(FrozenEstimator(network)).fit(X[140:], truth)
    else:
        tuned = LabelThresholdClassifier(clone(network)).fit(
            X[:140], sparse.csr_matrix(y[:140]), X_val=X[140:], y_val=truth
        )
        # The classifier inside had the held-out rows too.
        assert "val_loss" in tuned.estimator_.history_
    expected = LabelThresholdClassifier(network, cv="prefit").fit(X[140:], truth)
    np.testing.assert_array_equal(tuned.thresholds_, expected.thresholds_)
    decisions = tuned.predict(X_val)
    assert isinstance(decisions, sparse.csr_matrix)
    p = network.predict_proba(X_val)
    np.testing.assert_array_equal(decisions.toarray(), p >= tuned.thresholds_)
    np.testing.assert_array_equal(tuned.predict_proba(X_val), p)
    for ours, theirs in zip(
        tuned.predict_topk(X_val, k=3), network.predict_topk(X_val, k=3), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    value = objective_value(sparse.csr_matrix(y_val), decisions, "micro_f1")
    assert value > objective_value(
        sparse.csr_matrix(y_val), sparse.csr_matrix(network.predict(X_val)), "micro_f1"
    )


def test_folds_of_any_kind(data):
    X, y, X_val, _ = data
    whole = None
    for cv in (
        4,
        0.3,
        KFold(3),
        ShuffleSplit(1, random_state=0),
        RepeatedKFold(n_splits=2, n_repeats=2),
        None,
    ):
        tuned = LabelThresholdClassifier(LINEAR, cv=cv, random_state=0).fit(X, y)
        p = tuned.predict_proba(X_val)
        whole = p if whole is None else whole
        np.testing.assert_array_equal(p, whole)
    # Without a refit the estimator is that of the split.
    tuned = LabelThresholdClassifier(LINEAR, cv=0.3, refit=False, random_state=0).fit(X, y)
    assert not np.array_equal(tuned.predict_proba(X_val), whole)
    with pytest.raises(ValueError, match="refit cannot be False"):
        LabelThresholdClassifier(LINEAR, cv=3, refit=False).fit(X, y)


def test_folds_side_by_side(data):
    X, y, X_val, _ = data
    # Processes would import TensorFlow first, which takes longer than all other tests here.
    with parallel_config(backend="threading"):
        one, two = (LabelThresholdClassifier(LINEAR, cv=2, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.thresholds_, two.thresholds_)
    np.testing.assert_array_equal(one.predict(X_val), two.predict(X_val))


def test_pipelines_and_searches(data):
    X, y, X_val, y_val = data
    inside = LabelThresholdClassifier(make_pipeline(StandardScaler(), LINEAR), cv=2)
    outside = make_pipeline(StandardScaler(), LabelThresholdClassifier(LINEAR, cv=2))
    search = GridSearchCV(
        outside,
        {"labelthresholdclassifier__objective": ["micro_f1", "macro_f1"]},
        scoring=get_scorer("f1_samples"),
        cv=2,
        error_score="raise",
    )
    for model in (inside, outside, search):
        model.fit(X, y)
        labels, scores = predict_topk(model, X_val, k=3)
        p = model.predict_proba(X_val)
        np.testing.assert_array_equal(np.take_along_axis(p, labels, axis=1), scores)
        assert model.predict(X_val).shape == y_val.shape
    assert {"micro_f1", "macro_f1"} & {search.best_params_.popitem()[1]}


def test_forms_of_y(data):
    X, y, X_val, _ = data
    expected = LabelThresholdClassifier(LINEAR, cv=2).fit(X, y).predict(X_val)
    names = [f"label {i}" for i in range(N_LABELS)]
    forms = [sparse.csr_matrix(y), sparse.csc_array(y), sparse.coo_matrix(y), y.astype(bool)]
    for form in forms:
        found = LabelThresholdClassifier(LINEAR, cv=2).fit(X, form).predict(X_val)
        assert found.dtype == form.dtype
        if sparse.issparse(form):
            assert found.format == "csr"
            assert isinstance(found, sparse.sparray) == isinstance(form, sparse.sparray)
            found = found.toarray()
        np.testing.assert_array_equal(found, expected)
    frame = pd.DataFrame(y, columns=names)
    tuned = LabelThresholdClassifier(LINEAR, cv=2).fit(pd.DataFrame(X).add_prefix("f"), frame)
    assert tuned.label_names_.tolist() == names
    assert tuned.feature_names_in_.tolist()[:2] == ["f0", "f1"]
    assert tuned.n_features_in_ == X.shape[1]


def test_two_classes():
    X, y = make_multilabel_classification(200, n_classes=2, random_state=0)
    names = np.array(["absent", "present"])
    tuned = LabelThresholdClassifier(LogisticRegression()).fit(X, names[y[:, 0]])
    assert tuned.thresholds_.shape == (1,)
    p = tuned.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(tuned.predict(X) == "present", p >= tuned.thresholds_[0])
    with pytest.raises(ValueError, match="use 'macro_f1'"):
        LabelThresholdClassifier(LogisticRegression(), objective="samples_f1").fit(X, y[:, 0])
    with pytest.raises(ValueError, match=r"Only binary classification is supported\."):
        LabelThresholdClassifier(LogisticRegression()).fit(X, y.sum(axis=1))


def test_labels_that_are_not_known_are_not_tuned_on(data, network):
    X, y, _, _ = data
    X, y = X[140:], y[140:].astype(float)
    holes = np.random.default_rng(0).random(y.shape) < 0.2
    holes[:, 0] = np.arange(len(y)) % 2
    unknown = np.where(holes, np.nan, y)
    alone, tuned = (
        LabelThresholdClassifier(
            network,
            objective="macro_f1",
            cv="prefit",
            shrinkage=0,
            nonempty=False,
            store_cv_results=True,
        )
        for _ in range(2)
    )
    known = np.flatnonzero(~holes[:, 0])
    tuned.fit(X, unknown)
    alone.fit(X[known], y[known])
    # The same decisions: where between two scores a threshold lies depends on the other labels too.
    scores = network.predict_proba(X[known])[:, 0]
    np.testing.assert_array_equal(scores > tuned.thresholds_[0], scores > alone.thresholds_[0])
    assert tuned.cv_results_["n_positives"][0] == y[known, 0].sum()
    # In a fit of folds too.
    clf = clone(network).set_params(epochs=1)
    assert LabelThresholdClassifier(clf, cv=2).fit(X, unknown).predict(X).shape == y.shape


def test_weights_of_rows(data):
    X, y, X_val, _ = data
    counts = 1 + np.arange(len(X)) % 2
    repeated = np.repeat(np.arange(len(X)), counts)
    half = len(X) // 2
    splits = [(np.arange(half), np.arange(half, len(X)))]
    where = np.searchsorted(repeated, half)
    splits_repeated = [(np.arange(where), np.arange(where, len(repeated)))]
    ridge = RidgeClassifier()
    weighted = LabelThresholdClassifier(ridge, cv=splits).fit(X, y, sample_weight=counts)
    twice = LabelThresholdClassifier(ridge, cv=splits_repeated).fit(X[repeated], y[repeated])
    np.testing.assert_allclose(weighted.thresholds_, twice.thresholds_, rtol=1e-4)
    np.testing.assert_array_equal(weighted.predict(X_val), twice.predict(X_val))
    unweighted = LabelThresholdClassifier(ridge, cv=splits).fit(X, y)
    assert not np.array_equal(weighted.predict(X_val), unweighted.predict(X_val))


def test_at_least_one_and_at_most_two(data, network):
    X, y, X_val, _ = data
    for objective in ("micro_macro_f1", "samples_f1"):
        tuned = LabelThresholdClassifier(
            network, cv="prefit", objective=objective, min_labels=1, max_labels=2
        )
        per_row = tuned.fit(X, y).predict(X_val).sum(axis=1)
        assert 1 <= per_row.min() <= per_row.max() == 2
    with pytest.raises(ValueError, match="max_labels=1 is below min_labels=2"):
        tuned.set_params(min_labels=2, max_labels=1).fit(X, y)


def test_rows_on_disk(data, network, tmp_path):
    X, y, X_val, _ = data
    np.save(tmp_path / "X.npy", X)
    store = NpyRowStore(tmp_path / "X.npy")
    expected = LabelThresholdClassifier(network, cv="prefit").fit(X, y)
    tuned = LabelThresholdClassifier(network, cv="prefit").fit(store, y)
    np.testing.assert_array_equal(tuned.thresholds_, expected.thresholds_)
    np.testing.assert_array_equal(tuned.predict(store), expected.predict(X))
    np.testing.assert_array_equal(tuned.predict(store[5:9]), expected.predict(X[5:9]))
    folds = LabelThresholdClassifier(LINEAR, cv=2)
    np.testing.assert_array_equal(
        clone(folds).fit(store, y).predict(X_val), clone(folds).fit(X, y).predict(X_val)
    )


def test_results_by_label(data):
    X, y, _, _ = data
    tuned = LabelThresholdClassifier(LINEAR, objective="macro_f1", cv=3, store_cv_results=True)
    tuned.fit(X, y)
    results = tuned.cv_results_
    assert {values.shape for values in results.values()} == {(N_LABELS,)}
    np.testing.assert_array_equal(results["n_positives"], y.sum(axis=0))
    assert tuned.best_score_ == pytest.approx(results["scores"].mean())
    assert results["scores"].mean() > results["scores_at_half"].mean()
    assert not hasattr(tuned.set_params(store_cv_results=False).fit(X, y), "cv_results_")


def test_labels_with_few_positives_share_a_threshold(data):
    X, y, _, _ = data
    counts = y.sum(axis=0)
    least = int(np.sort(counts)[3]) + 1
    tuned = LabelThresholdClassifier(LINEAR, cv=3, method="per_label", min_positives=least)
    thresholds = tuned.fit(X, y).thresholds_
    few = counts < least
    assert len(set(thresholds[few])) == 1
    assert len(set(thresholds[~few])) == np.sum(~few)


def test_rows_that_are_known_to_have_a_label(data, network):
    X, y, X_val, _ = data
    some = y[140:].any(axis=1)
    assert not some.all()
    tuned = LabelThresholdClassifier(network, cv="prefit")
    assert not tuned.fit(X[140:], y[140:]).nonempty_
    assert tuned.fit(X[140:][some], y[140:][some]).nonempty_
    p = with_temperature(network.predict_proba(X_val).astype(float), tuned.temperature_)
    given = p / (1 - np.prod(1 - p, axis=1, keepdims=True))
    np.testing.assert_array_equal(tuned.predict(X_val), given >= tuned.thresholds_)
    assert not tuned.set_params(nonempty=False).fit(X[140:][some], y[140:][some]).nonempty_


def test_weights_bring_rare_labels_forward(data, network):
    X, y, X_val, _ = data
    weights = inverse_propensity(y) ** 4
    plain, weighted = (
        predict_topk(network, X_val, 2),
        predict_topk(network, X_val, 2, label_weight=weights),
    )
    p = network.predict_proba(X_val) * weights
    np.testing.assert_array_equal(weighted[0], np.argsort(-p, axis=1, kind="stable")[:, :2])
    np.testing.assert_array_equal(weighted[1], np.take_along_axis(p, weighted[0], axis=1))
    # Where the probabilities are right, the weighted ranking is the best.
    rng, truth = np.random.default_rng(0), network.predict_proba(X_val)
    draws = [rng.random(p.shape) < truth for _ in range(50)]
    gains = [
        np.mean([propensity_scored_precision_at_k_score(d, pair, weights, k=2) for d in draws])
        for pair in (plain, weighted)
    ]
    assert gains[1] > gains[0]
    tuned = LabelThresholdClassifier(network, cv="prefit").fit(X, y)
    same = tuned.predict_topk(X_val, 2, label_weight=weights)
    np.testing.assert_array_equal(same[0], weighted[0])
    with pytest.raises(ValueError, match="one weight for each of the 8 labels, got 7"):
        predict_topk(network, X_val, 2, label_weight=weights[1:])
    for wrong in (weights[:, None], -weights, weights * np.nan):
        with pytest.raises(ValueError, match="label_weight must hold one finite weight"):
            predict_topk(network, X_val, 2, label_weight=wrong)
    with pytest.raises(ValueError, match="label_weight weighs probabilities"):
        predict_topk(network, X_val, 2, label_weight=weights, response_method="decision_function")


def test_calibrated_probabilities():
    X, y = make_video_embeddings(300, n_labels=20, random_state=0)
    # Without dropout, and at a high learning rate, it becomes too certain.
    clf = BaseMLPClassifier(
        32, epochs=40, dropout=0.0, input_dropout=0.0, learning_rate=0.01, random_state=0
    ).fit(X[:150], y[:150])
    plain, calibrated = (
        LabelThresholdClassifier(clf, cv="prefit", nonempty=False, calibrate=c).fit(
            X[150:225], y[150:225]
        )
        for c in (False, True)
    )
    assert calibrated.temperature_ > 1 == plain.temperature_
    X_val, y_val = X[225:], y[225:]
    errors = [
        expected_calibration_error(y_val, each.predict_proba(X_val), k=5)
        for each in (plain, calibrated)
    ]
    assert errors[1] < errors[0]
    assert (plain.predict(X_val) != calibrated.predict(X_val)).nnz == 0
    p = calibrated.predict_proba(X_val)
    np.testing.assert_allclose(np.exp(calibrated.predict_log_proba(X_val)), p, rtol=1e-5)
    labels, scores = calibrated.predict_topk(X_val, 3)
    np.testing.assert_allclose(np.take_along_axis(p, labels, axis=1), scores, rtol=1e-4)
    np.testing.assert_array_equal(labels, plain.predict_topk(X_val, 3)[0])


def test_what_is_decided_depends_on_kept_scores_alone(data, network):
    X, y, X_val, _ = data
    tuned = LabelThresholdClassifier(network, cv="prefit", keep_top_k=2, keep_above=0.4).fit(X, y)
    kept = kept_scores(network, X_val, N_LABELS, top_k=2, above=0.4)
    expected = kept.toarray() >= tuned.thresholds_
    expected &= kept.toarray() > 0
    np.testing.assert_array_equal(tuned.predict(X_val), expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thresholds", None),
        ("thresholds", np.zeros(N_LABELS - 1)),
        ("temperature", 0.0),
        ("temperature", np.nan),
        ("nonempty", 1),
        ("label_names", np.array(["a"], dtype=object)),
        ("cv_results", {"scores": np.zeros(N_LABELS)}),
        ("estimator", 3),
        ("targets", {}),
    ],
)
def test_a_saved_state_that_does_not_fit_itself_is_refused(data, network, field, value):
    X, y, _, _ = data
    params, state = (
        LabelThresholdClassifier(network, cv="prefit")
        .fit(X[:20], y[:20])
        ._to_state(with_optimizer=False)
    )
    LabelThresholdClassifier._from_state(params, state)
    with pytest.raises(ValueError, match=r"\w"):
        LabelThresholdClassifier._from_state(params, {**state, field: value})
    with pytest.raises(ValueError, match="other parameters"):
        LabelThresholdClassifier._from_state({**params, "more": 1}, state)


def test_what_does_not_go_together(data):
    X, y, X_val, y_val = data
    fresh = BaseMLPClassifier(4, epochs=1)
    with pytest.raises(NotFittedError):
        LabelThresholdClassifier(fresh, cv="prefit").fit(X, y)
    with pytest.raises(NotFittedError):
        LabelThresholdClassifier(LINEAR).predict(X)
    fitted = clone(LINEAR).fit(X, y)
    cases = [
        (LINEAR, {}, {"X_val": X_val}, "X_val and y_val are given together"),
        (fitted, {"cv": "prefit"}, {"X_val": X_val, "y_val": y_val}, "yet to be fitted"),
        (RidgeClassifier(), {"objective": "samples_f1"}, {}, "needs probabilities"),
        (RidgeClassifier(), {"calibrate": True}, {}, "needs probabilities"),
        (LINEAR, {"objective": "accuracy"}, {}, "objective"),
        (LINEAR, {"keep_above": 2}, {}, "keep_above"),
    ]
    for estimator, params, given, message in cases:
        tuned = LabelThresholdClassifier(estimator, **params)
        with pytest.raises(ValueError, match=message):
            tuned.fit(X, y, **given)
        assert not hasattr(tuned, "thresholds_")
    named = BaseMLPClassifier(4, epochs=1, label_names=list("abcdefgh")).fit(X, y)
    tuned = LabelThresholdClassifier(named, cv="prefit")
    with pytest.raises(ValueError, match="in the same order: got"):
        tuned.fit(X, pd.DataFrame(y, columns=list("bacdefgh")))
    for other in (y[:, :5], np.hstack([y, y])):
        with pytest.raises(ValueError, match="was fitted on 8 labels"):
            tuned.fit(X, other)
    tuned.fit(X, y)
    for name, rows in {"minimum of 1 is required": X[:0], "features": X[:, :3]}.items():
        with pytest.raises(ValueError, match=name):
            tuned.predict(rows)
    with pytest.raises(ValueError, match="requires y to be passed"):
        LabelThresholdClassifier(LINEAR).fit(X, None)
