"""Scorers with scikit-learn's tools and classifiers."""

import pickle
from collections import Counter
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skmlclf import metrics
from skmlclf.metrics import Metric, get_scorer, get_scorer_names

SCALARS = [name for name in get_scorer_names() if name != "multilabel_confusion_matrix"]
CALIBRATION = [name for name in SCALARS if name.startswith("expected_calibration_error")]
X, Y = make_multilabel_classification(n_samples=90, n_features=8, n_classes=6, random_state=0)
WEIGHTS = np.random.default_rng(0).random(len(X))


class TopKClassifier(ClassifierMixin, BaseEstimator):
    """Answers ``predict_topk`` and ``predict``, counts its calls, and never gives all scores."""

    calls: ClassVar[Counter] = Counter()

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y):
        dense = y.toarray() if sp.issparse(y) else np.asarray(y)
        self.coef_ = np.linalg.lstsq(X, dense, rcond=None)[0]
        self.classes_ = np.arange(dense.shape[1])
        return self

    def scores(self, X):
        return self.scale * (X @ self.coef_)

    def predict_topk(self, X, k=20):
        self.calls["predict_topk"] += 1
        if k > len(self.classes_):
            raise ValueError("k exceeds the labels")
        scores = self.scores(X)
        labels = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return labels, np.take_along_axis(scores, labels, axis=1)

    def predict(self, X):
        self.calls["predict"] += 1
        return (self.scores(X) > 0.5).astype(int)


class BothWays(TopKClassifier):
    """Has probabilities, too."""

    def predict_proba(self, X):
        self.calls["predict_proba"] += 1
        return 1 / (1 + np.exp(-self.scores(X)))


@pytest.fixture
def calls():
    TopKClassifier.calls.clear()
    return TopKClassifier.calls


# --- names -------------------------------------------------------------------------------------


def test_every_name_gives_a_scorer_that_says_its_name():
    names = get_scorer_names()
    assert names == sorted(set(names))
    for name in [*names, "ndcg_at_7", "map_at_123"]:
        scorer = get_scorer(name)
        assert repr(scorer) == f"get_scorer({name!r})"
        assert repr(pickle.loads(pickle.dumps(scorer))) == repr(scorer)
        assert get_scorer(scorer) is scorer


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gap_at_020", "no metric 'gap_at_020'. Did you mean .*'gap_at_20'"),
        ("precison_at_5", "Did you mean .*'precision_at_5'"),
        ("GAP_at_20", r"Did you mean 'gap_at_20'"),
        ("f1-samples", r"Did you mean 'f1_samples'(?! or 'f1_samples')"),
        ("f1_sample", "Did you mean 'f1_samples'"),
        ("gap_at_0", "gap_at_1"),
        ("perr_at_5", "no metric"),
        ("gap", "no metric 'gap'"),
        ("nonsense", r"Known are .*f1_samples, .* any other k"),
        ("f1_makro", "Did you mean .*'f1_macro'"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        get_scorer(name)


def test_scoring_is_a_name_or_a_callable():
    own = make_scorer(accuracy_score)
    assert get_scorer(own) is own
    for scoring in (None, 5, ["gap_at_20"]):
        with pytest.raises(ValueError, match="name of a metric or a callable"):
            get_scorer(scoring)


# --- values ------------------------------------------------------------------------------------


def expected_scores(y_true, y_score, y_pred, **kwargs):
    """The value of every scorer, from the metrics themselves."""
    samples = metrics.samples_precision_recall_f1(y_true, y_pred, **kwargs)
    expected = {
        "perr": metrics.precision_at_equal_recall_score(y_true, y_score, **kwargs),
        "map": metrics.mean_average_precision_score(y_true, y_score, **kwargs),
        "hamming": -metrics.hamming_loss(y_true, y_pred, **kwargs),
        "precision_samples": samples.precision,
        "recall_samples": samples.recall,
        "f1_samples": samples.f1,
    }
    for family, metric in {
        "precision": metrics.precision_at_k_score,
        "recall": metrics.recall_at_k_score,
        "ndcg": metrics.ndcg_at_k_score,
        "hit": metrics.hit_at_k_score,
        "gap": metrics.global_average_precision_score,
        "map": metrics.mean_average_precision_score,
    }.items():
        for k in (1, 5, 20):
            expected[f"{family}_at_{k}"] = metric(y_true, y_score, k=k, **kwargs)
    assert set(expected) == set(SCALARS) - set(CALIBRATION)
    if 0 <= np.min(y_score) <= np.max(y_score) <= 1:
        for k in (1, 5, 20):
            error = metrics.expected_calibration_error(y_true, y_score, k=k, **kwargs)
            expected[f"expected_calibration_error_at_{k}"] = -error
    return expected


def columns_of_ones(probabilities):
    return np.stack([p[:, 1] for p in probabilities], axis=1)


CLASSIFIERS = {
    "forest": (RandomForestClassifier(5, random_state=0), columns_of_ones),
    "tree": (DecisionTreeClassifier(random_state=0), columns_of_ones),
    "neighbours": (KNeighborsClassifier(), columns_of_ones),
    "multi-output": (MultiOutputClassifier(LogisticRegression()), columns_of_ones),
    "chain": (ClassifierChain(LogisticRegression()), np.asarray),
    "one-vs-rest": (OneVsRestClassifier(LogisticRegression()), np.asarray),
    "one-vs-rest, decision function": (OneVsRestClassifier(LinearSVC()), np.asarray),
    "perceptron": (MLPClassifier((4,), max_iter=300, tol=0.1, random_state=0), np.asarray),
    "ridge": (RidgeClassifier(), np.asarray),
    "in a pipeline": (make_pipeline(StandardScaler(), KNeighborsClassifier()), columns_of_ones),
    "in a search": (GridSearchCV(KNeighborsClassifier(), {"p": [1]}, cv=2), columns_of_ones),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_any_classifier(name, weighted):
    classifier, arrange = CLASSIFIERS[name]
    classifier = clone(classifier).fit(X, Y)
    respond = getattr(classifier, "predict_proba", None) or classifier.decision_function
    kwargs = {"sample_weight": WEIGHTS} if weighted else {}
    expected = expected_scores(Y, arrange(respond(X)), classifier.predict(X), **kwargs)
    for scoring in SCALARS:
        if scoring in CALIBRATION and not hasattr(classifier, "predict_proba"):
            with pytest.raises(AttributeError, match="gives no probabilities"):
                get_scorer(scoring)(classifier, X, Y, **kwargs)
            continue
        value = get_scorer(scoring)(classifier, X, Y, **kwargs)
        assert value == pytest.approx(expected[scoring], rel=1e-12), scoring


def every_pair_twice(y):
    y = sp.csr_array(y)
    return sp.csr_array((np.repeat(y.data, 2), np.repeat(y.indices, 2), 2 * y.indptr), y.shape)


FORMS = {
    "lists": lambda y: y.tolist(),
    "frame": pd.DataFrame,
    "nullable frame": lambda y: pd.DataFrame(y).astype("Int64"),
    "frame of mixed columns": lambda y: pd.DataFrame(y).astype({0: bool, 1: object, 2: "boolean"}),
    "object": lambda y: y.astype(object),
    "float16": lambda y: y.astype(np.float16),
    "big-endian": lambda y: y.astype(">i4"),
    "csc": sp.csc_array,
    "each pair twice": every_pair_twice,
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_targets(form):
    targets = FORMS[form](Y)
    model = TopKClassifier().fit(X, Y)
    for scoring in ("gap_at_3", "perr", "f1_samples", "multilabel_confusion_matrix"):
        scorer = get_scorer(scoring)
        assert scorer(model, X, targets) == scorer(model, X, Y)


def test_labels_always_or_never_there_in_training():
    """Their probabilities are a single column, and only ``classes_`` tells of which class."""
    y = Y.copy()
    y[:, 1], y[:, 4] = 1, 0
    for classifier in (KNeighborsClassifier(), RandomForestClassifier(3), DummyClassifier()):
        classifier.fit(X, y)
        probabilities = classifier.predict_proba(X)
        assert [p.shape[1] for p in probabilities] == [2, 1, 2, 2, 1, 2]
        scores = np.stack([p[:, -1] for p in probabilities], axis=1)
        scores[:, 4] = 0
        expected = metrics.global_average_precision_score(Y, scores)
        assert get_scorer("gap_at_20")(classifier, X, Y) == expected
    classifier.classes_ = "unknown"
    with pytest.raises(ValueError, match="whether that column stands for 0 or for 1"):
        get_scorer("gap_at_20")(classifier, X, Y)


def test_one_dimensional_targets():
    features, y = make_classification(90, n_informative=5, n_classes=3, random_state=0)
    names = np.array(["ape", "bee", "cat"])[y]
    model = LogisticRegression().fit(features, names)
    assert get_scorer("hit_at_1")(model, features, names) == model.score(features, names)
    assert get_scorer("f1_samples")(model, features, names) == model.score(features, names)
    expected = metrics.ndcg_at_k_score(np.eye(3)[y], model.predict_proba(features), k=3)
    assert get_scorer("ndcg_at_3")(model, features, pd.Series(names)) == expected
    # Binary, by the sign of the decision function.
    model = LinearSVC().fit(features, y == 1)
    assert get_scorer("hit_at_1")(model, features, y == 1) == model.score(features, y == 1)
    with pytest.raises(ValueError, match="not among the classes"):
        get_scorer("hit_at_1")(model, features, y)
    with pytest.raises(ValueError, match="y is one-dimensional"):
        get_scorer("hit_at_1")(KNeighborsClassifier().fit(X, Y), X, Y[:, 0])


def test_ragged_lists_of_names_are_told_of_the_binarizer():
    model = TopKClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        get_scorer("gap_at_5")(model, X[:2], [["cat", "dog"], ["cat"]])


def test_no_scores_to_be_had(calls):
    class Decided(TopKClassifier):
        predict_topk = None

    with pytest.raises(AttributeError, match="Decided has none of predict_topk, predict_proba"):
        get_scorer("gap_at_5")(Decided().fit(X, Y), X, Y)


def test_totals_of_the_confusion_matrices():
    scorer = get_scorer("multilabel_confusion_matrix")
    model = KNeighborsClassifier().fit(X, Y)
    totals = scorer(model, X, sp.csr_array(Y))
    expected = metrics.multilabel_confusion_matrix(Y, model.predict(X)).sum(axis=0)
    assert totals == dict(zip(("tn", "fp", "fn", "tp"), expected.ravel(), strict=True))
    results = cross_validate(KNeighborsClassifier(), X, Y, scoring=scorer, cv=3)
    assert sum(results[f"test_{cell}"].sum() for cell in totals) == Y.size
    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 5]}, scoring=scorer, refit="tp", cv=2
    ).fit(X, Y)
    assert search.best_score_ == search.cv_results_["mean_test_tp"].max()


# --- scikit-learn's tools ----------------------------------------------------------------------


@pytest.mark.parametrize("scoring", SCALARS)
def test_cross_validate_alone(scoring):
    values = cross_val_score(
        KNeighborsClassifier(), X, Y, scoring=get_scorer(scoring), cv=3, error_score="raise"
    )
    assert np.isfinite(values).all()
    if scoring in ("hamming", *CALIBRATION):
        values = -values
    assert ((values >= 0) & (values <= 1)).all()


def test_cross_validate_together_as_alone():
    scorers = {name: get_scorer(name) for name in SCALARS} | {"accuracy": "accuracy"}
    together = cross_validate(
        KNeighborsClassifier(), X, Y, scoring=scorers, cv=3, error_score="raise"
    )
    for name in SCALARS:
        alone = cross_val_score(KNeighborsClassifier(), X, Y, scoring=scorers[name], cv=3)
        np.testing.assert_array_equal(together[f"test_{name}"], alone)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("scoring", ["gap_at_3", "ndcg_at_5", "f1_samples", "hamming", "map"])
def test_grid_search(form, scoring):
    search = GridSearchCV(
        OneVsRestClassifier(DecisionTreeClassifier(random_state=0)),
        {"estimator__max_depth": [1, 4]},
        scoring=get_scorer(scoring),
        cv=3,
        error_score="raise",
    )
    targets = form(Y)
    search.fit(X, targets)
    expected = clone(search).fit(X, Y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected)
    assert len(set(expected)) == 2
    assert search.score(X, targets) == get_scorer(scoring)(search.best_estimator_, X, Y)


def test_clone_keeps_the_scorer():
    search = GridSearchCV(KNeighborsClassifier(), {}, scoring=get_scorer("ndcg_at_7"))
    assert repr(clone(search).scoring) == "get_scorer('ndcg_at_7')"


# --- the best labels alone ---------------------------------------------------------------------


def wrapped(classifier):
    inner = make_pipeline(FunctionTransformer(np.sqrt), StandardScaler(), classifier)
    return {
        "bare": classifier,
        "pipeline": inner,
        "pipeline of one": make_pipeline(classifier),
        "search": GridSearchCV(classifier, {"scale": [1.0]}, cv=2),
        "search in pipeline": make_pipeline(
            StandardScaler(with_mean=False), GridSearchCV(classifier, {"scale": [1.0]}, cv=2)
        ),
        "search over pipeline": GridSearchCV(inner, {}, cv=2),
    }


@pytest.mark.parametrize("name", wrapped(TopKClassifier()))
def test_predict_topk_is_found(name, calls):
    model = wrapped(TopKClassifier())[name].fit(X, Y)
    peer = wrapped(BothWays())[name].fit(X, Y)
    calls.clear()
    y_score = peer.predict_proba(X)
    for scoring in ("precision_at_3", "gap_at_20", "map_at_5", "perr"):
        value = get_scorer(scoring)(model, X, Y)
        expected = {
            "precision_at_3": metrics.precision_at_k_score(Y, y_score, k=3),
            "gap_at_20": metrics.global_average_precision_score(Y, y_score),
            "map_at_5": metrics.mean_average_precision_score(Y, y_score, k=5),
            "perr": metrics.precision_at_equal_recall_score(Y, y_score),
        }[scoring]
        assert value == pytest.approx(expected, rel=1e-12)
    assert calls == {"predict_topk": 4, "predict_proba": 1}


def test_all_scores_only_where_all_are_needed(calls):
    model = BothWays().fit(X, Y)
    for scoring in SCALARS:
        get_scorer(scoring)(model, X, Y)
    n_decisions = 4
    assert calls == {
        "predict_topk": len(SCALARS) - n_decisions - 1 - len(CALIBRATION),
        "predict_proba": 1 + len(CALIBRATION),
        "predict": n_decisions,
    }


@pytest.mark.parametrize("order", [1, -1])
def test_scorers_of_one_dict_share_predictions(order, calls):
    names = ["gap_at_20", "ndcg_at_5", "hit_at_1", "perr", "map", "f1_samples", "hamming"][::order]
    scorers = {name: get_scorer(name) for name in names}
    results = cross_validate(
        BothWays(), X, Y, scoring=scorers, cv=2, return_estimator=True, error_score="raise"
    )
    assert calls["predict_proba"] == calls["predict"] == 2
    # One a fold, or a few where a later metric looks further than those before.
    assert calls["predict_topk"] <= (2 if order == 1 else 6)
    halves = (slice(45, None), slice(0, 45))
    for fold, rows in enumerate((slice(0, 45), slice(45, None))):
        model = results["estimator"][fold]
        assert not np.allclose(model.coef_, clone(model).fit(X[halves[1 - fold]], Y[rows]).coef_)
        for name in names:
            assert results[f"test_{name}"][fold] == scorers[name](model, X[rows], Y[rows])


def test_one_dimensional_targets_pass_over_predict_topk(calls):
    features, y = make_classification(60, n_informative=5, n_classes=3, random_state=0)
    model = BothWays().fit(features, np.eye(3)[y])
    assert 0 < get_scorer("hit_at_1")(model, features, y) <= 1
    assert calls == {"predict_proba": 1}


# --- metrics of one's own, and scikit-learn's --------------------------------------------------


def subset_accuracy(y_true, y_pred, sample_weight=None):
    return np.average((y_true.toarray() == y_pred).all(axis=1), weights=sample_weight)


def label_loss(y_true, y_proba):
    truth = y_true.toarray()
    return -np.mean(np.log(np.where(truth == 1, y_proba, 1 - y_proba).clip(1e-9)))


@pytest.fixture
def own_metrics():
    metrics.register_metric(Metric("subset_accuracy", subset_accuracy, response="decisions"))
    metrics.register_metric(
        Metric("label_loss", label_loss, greater_is_better=False, response="probabilities")
    )


def test_registered_metrics_are_scorers(own_metrics):
    model = KNeighborsClassifier().fit(X, Y)
    assert get_scorer("subset_accuracy")(model, X, Y) == model.score(X, Y)
    probabilities = columns_of_ones(model.predict_proba(X))
    value = get_scorer("label_loss")(model, X, Y)
    assert value == pytest.approx(-label_loss(sp.csr_array(Y), probabilities), rel=1e-12)
    with pytest.raises(AttributeError, match="RidgeClassifier has no predict_proba"):
        get_scorer("label_loss")(RidgeClassifier().fit(X, Y), X, Y)
    unregistered = Metric("unregistered", subset_accuracy, response="decisions")
    assert get_scorer(unregistered)(model, X, Y) == model.score(X, Y)


def test_registered_metrics_reach_worker_processes():
    """A worker has its own table of metrics; the scorer brings its metric along."""
    # Functions that a worker can import, which it cannot those of a test file.
    for name, function, better in (
        ("share_of_rows", sklearn.metrics.accuracy_score, True),
        ("wrong_rows", sklearn.metrics.zero_one_loss, False),
    ):
        metrics.register_metric(
            Metric(name, function, greater_is_better=better, response="decisions")
        )
    search = GridSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": [1, 5]},
        scoring={name: get_scorer(name) for name in ("share_of_rows", "wrong_rows")},
        refit="share_of_rows",
        cv=2,
        error_score="raise",
    )
    alone = clone(search).fit(X, Y).cv_results_
    together = search.set_params(n_jobs=2).fit(X, Y).cv_results_
    for name in ("mean_test_share_of_rows", "mean_test_wrong_rows"):
        np.testing.assert_array_equal(together[name], alone[name])
        assert len(set(alone[name])) == 2


def test_names_of_scikit_learn():
    model = KNeighborsClassifier().fit(X, Y)
    for name in ("f1_macro", "accuracy", "neg_log_loss"):
        assert repr(get_scorer(name)) == repr(sklearn.metrics.get_scorer(name))
    assert get_scorer("accuracy")(model, X, Y) == model.score(X, Y)


# --- logits, where they are offered ------------------------------------------------------------


class Saturated(BothWays):
    """Responds with float32 probabilities, or with the logits behind them on request."""

    def decision_function(self, X):
        self.calls["decision_function"] += 1
        return self.scale * (X @ self.coef_ - 0.5)

    def predict_proba(self, X):
        self.calls["predict_proba"] += 1
        return expit(self.scale * (X @ self.coef_ - 0.5)).astype(np.float32)

    def predict_topk(self, X, k=20, *, response_method="predict_proba"):
        logits = self.scale * (X @ self.coef_ - 0.5)
        labels = np.argsort(-logits, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(logits, labels, axis=1)
        self.calls[response_method] += 1
        if response_method == "predict_proba":
            scores = expit(scores).astype(np.float32)
        return labels, scores


@pytest.mark.parametrize("wrap", [lambda m: m, make_pipeline, lambda m: GridSearchCV(m, {}, cv=2)])
def test_rankings_go_by_logits(wrap, calls):
    model = wrap(Saturated(scale=1000.0)).fit(X, Y)
    bare = Saturated(scale=1000.0).fit(X, Y)
    logits, probabilities = bare.decision_function(X), bare.predict_proba(X)
    calls.clear()
    expected = metrics.global_average_precision_score(Y, logits, k=3)
    assert metrics.global_average_precision_score(Y, probabilities, k=3) != expected
    assert get_scorer("gap_at_3")(model, X, Y) == expected
    assert set(calls) == {"decision_function"}


def test_all_scores_go_by_logits(calls):
    model = Saturated(scale=1000.0).fit(X, Y)
    expected = metrics.mean_average_precision_score(Y, model.decision_function(X))
    calls.clear()
    assert get_scorer("map")(model, X, Y) == expected
    assert calls == {"decision_function": 1}


def test_perr_of_logits_counts_labels_of_any_positive_probability(calls):
    model = Saturated(scale=3.0).fit(X, Y)
    logits, probabilities = model.decision_function(X), model.predict_proba(X)
    assert (logits < 0).any()
    assert (probabilities > 0).all()
    expected = metrics.precision_at_equal_recall_score(Y, probabilities)
    assert get_scorer("perr")(model, X, Y) == pytest.approx(expected, rel=1e-12)
    # The official rule, which a classifier of probabilities alone keeps to.
    counts = KNeighborsClassifier(1).fit(X[:45], Y[:45])
    votes = columns_of_ones(counts.predict_proba(X))
    official = metrics.precision_at_equal_recall_score(Y, votes, logits=False)
    assert official < metrics.precision_at_equal_recall_score(Y, votes, logits=True)
    assert get_scorer("perr")(counts, X, Y) == official


# --- metadata routing --------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_sample_weight_is_routed(routing):
    names = ["gap_at_5", "f1_samples", "multilabel_confusion_matrix"]
    for name in names:
        scorer = get_scorer(name).set_score_request(sample_weight=True)
        plain = get_scorer(name).set_score_request(sample_weight=False)
        values = {}
        for key, scoring in {"weighted": scorer, "plain": plain}.items():
            params = {"sample_weight": WEIGHTS} if key == "weighted" else None
            values[key] = cross_validate(
                KNeighborsClassifier(), X, Y, scoring=scoring, cv=2, params=params
            )
        key = "test_tp" if name.startswith("multilabel") else "test_score"
        assert not np.allclose(values["weighted"][key], values["plain"][key])
        rows = slice(0, 45)
        model = KNeighborsClassifier().fit(X[45:], Y[45:])
        expected = get_scorer(name)(model, X[rows], Y[rows], sample_weight=WEIGHTS[rows])
        if isinstance(expected, dict):
            expected = expected["tp"]
        assert values["weighted"][key][0] == pytest.approx(expected, rel=1e-12)


def test_sample_weight_is_routed_by_name_in_a_search(routing):
    search = GridSearchCV(
        MultiOutputClassifier(LogisticRegression().set_fit_request(sample_weight=False)),
        {},
        scoring={
            "weighted": get_scorer("ndcg_at_3").set_score_request(sample_weight="importance"),
            "plain": get_scorer("ndcg_at_3").set_score_request(sample_weight=False),
        },
        refit="weighted",
        cv=2,
    ).fit(X, Y, importance=WEIGHTS)
    results = search.cv_results_
    assert not np.allclose(results["mean_test_weighted"], results["mean_test_plain"])


def test_unrequested_weights_raise(routing):
    with pytest.raises((ValueError, TypeError), match="sample_weight"):
        cross_validate(
            KNeighborsClassifier(),
            X,
            Y,
            scoring=get_scorer("gap_at_5"),
            params={"sample_weight": WEIGHTS},
        )
