"""Classifiers of scikit-learn beside those of this package, and fits that fail."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skmlclf import BaseMLPClassifier, make_feature_mlp
from skmlclf.comparison import ComparisonInterrupted, compare
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import EstimatorResponses, Metric, hamming_loss, precision_at_k_score

# Three iterations of a perceptron are enough here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

logistic = LogisticRegression(C=0.1)
components = PCA(5, random_state=0)
network = BaseMLPClassifier(hidden_units=4, epochs=1, random_state=0)
OTHERS = {
    "forest": RandomForestClassifier(5, random_state=0),
    "neighbors": KNeighborsClassifier(),
    "mlp": MLPClassifier(8, max_iter=3, random_state=0),
    "one vs rest": OneVsRestClassifier(logistic),
    "chain": ClassifierChain(logistic),
    "multi-output": MultiOutputClassifier(KNeighborsClassifier()),
    "ridge": RidgeClassifier(),
    "dummy": DummyClassifier(),
    "pipeline": make_pipeline(components, KNeighborsClassifier()),
    "search": GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=2),
    "one vs rest on components": make_pipeline(components, OneVsRestClassifier(logistic)),
}
OURS = {
    "base": network,
    "pipeline of ours": make_feature_mlp("audio", 5, hidden_units=4, epochs=1, random_state=0),
    "search of ours": GridSearchCV(network, {"hidden_units": [4]}, cv=2),
}


@pytest.fixture(scope="module")
def data():
    X, y = make_video_embeddings(160, n_labels=40, random_state=0)
    # Every label on and off in training, which linear models of scikit-learn insist on.
    counts = np.asarray(y[:120].sum(axis=0)).ravel()
    y = y[:, counts > 2]
    return X[:120], y[:120], X[120:], y[120:]


@pytest.fixture(scope="module")
def comparison(data):
    return compare(OURS | OTHERS, *data, metrics=["precision_at_5", "hamming"], verbose=False)


@pytest.mark.parametrize("name", OTHERS)
def test_metrics_are_those_of_a_fit_of_ones_own(name, comparison, data):
    X, y, X_val, y_val = data
    (result,) = (r for r in comparison.results if r.name == name)
    fitted = OTHERS[name].fit(X, y.toarray().astype(int))
    y_pred, y_score = fitted.predict(X_val), EstimatorResponses(fitted, X_val).scores()
    assert result.metrics["hamming"] == pytest.approx(hamming_loss(y_val, y_pred), abs=1e-12)
    assert (result.y_pred != y_pred).sum() == 0
    expected = precision_at_k_score(y_val, y_score, k=5)
    assert result.metrics["precision_at_5"] == pytest.approx(expected, abs=1e-12)
    assert (np.diff(result.topk[1], axis=1) <= 0).all()
    np.testing.assert_array_equal(
        result.topk[1], np.take_along_axis(y_score, result.topk[0], axis=1)
    )
    assert (result.n_parameters, result.history, result.best_epoch) == (None, {}, None)
    assert np.isnan(result.loss)
    assert result.error is None


def test_a_network_in_a_search_is_still_a_network(comparison):
    base, _, search = comparison.results[:3]
    assert search.n_parameters == base.n_parameters
    assert list(search.history) == ["loss"]


def test_table_page_and_files_cope(comparison, tmp_path):
    lines = str(comparison).splitlines()
    assert len({len(line) for line in lines}) == 1
    forest = next(line for line in lines if line.startswith("forest"))
    assert forest.split()[1] == "-"
    assert "forest" in str(comparison.against("base"))
    assert np.isnan(comparison.to_frame().loc["forest", "n_parameters"])
    page = comparison.report(tmp_path, base="base").read_text()
    assert page.count("<figure>") == 4
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    forest = next(result for result in results if result["name"] == "forest")
    assert forest["n_parameters"] is forest["loss"] is forest["best_epoch"] is None
    assert forest["history"] == {}


def test_a_comparison_without_any_network(data, tmp_path):
    file = io.StringIO()
    comparison = compare({"neighbors": KNeighborsClassifier()}, *data, file=file)
    assert comparison.report(tmp_path).read_text().count("<figure>") == 4
    line = file.getvalue().splitlines()[2]
    assert line.startswith("fitted ")
    assert all(f" {name} " in line for name in ("P@20", "F1", "tn", "fp", "fn", "tp"))


def test_one_column_of_labels(data, tmp_path):
    X, y, X_val, y_val = data
    one, one_val = y[:, :1].toarray(), y_val[:, :1].toarray()
    chosen = OURS | {k: e for k, e in OTHERS.items() if k != "dummy"}
    comparison = compare(chosen, X, one, X_val, one_val, metrics=["hamming", "gap_at_1"])
    for result in comparison.results:
        assert result.error is None
        assert result.y_pred.shape == (40, 1)
        assert result.topk[0].shape == (40, 1)
        wrong = np.mean(result.y_pred.toarray() != one_val)
        assert result.metrics["hamming"] == pytest.approx(wrong)
    assert comparison.report(tmp_path).exists()


def accuracy(estimator, X, y):
    return float((estimator.predict(X) == y).all(axis=1).mean())


# Scikit-learn 1.7 warns of few rows and many classes.
@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_metrics_may_be_names_metrics_scorers_and_functions(data):
    own = Metric("wrong", hamming_loss, greater_is_better=False, response="decisions")
    metrics = {
        "hamming": "hamming",
        "wrong": own,
        "f1_macro": make_scorer(f1_score, average="macro", zero_division=0.0),
        "neg_hinge": lambda estimator, X, y: -1.0,
        "accuracy": "accuracy",
        "exact": accuracy,
    }
    estimators = {"base": network, "neighbors": KNeighborsClassifier()}
    comparison = compare(estimators, *data, metrics=metrics, verbose=False)
    assert comparison.metrics == tuple(metrics)
    assert not comparison.greater_is_better["wrong"]
    assert comparison.greater_is_better["f1_macro"]
    for result in comparison.results:
        assert result.metrics["wrong"] == result.metrics["hamming"]
        assert result.metrics["neg_hinge"] == -1.0
    X, y, X_val, y_val = data
    y, y_val = y.toarray().astype(int), y_val.toarray().astype(int)
    neighbors = KNeighborsClassifier().fit(X, y)
    values = comparison.values()["neighbors"]
    assert values["exact"] == values["accuracy"] == neighbors.score(X_val, y_val)
    f1 = f1_score(y_val, neighbors.predict(X_val), average="macro", zero_division=0.0)
    assert values["f1_macro"] == pytest.approx(f1)
    listed = compare(estimators, *data, metrics=[own, accuracy], verbose=False)
    assert listed.metrics == ("wrong", "accuracy")


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("hamming", TypeError, "must be a sequence"),
        (["hamming", "precision_at_x"], ValueError, "no metric 'precision_at_x'"),
        ([3], TypeError, "must be a name, a Metric or a scorer, got 3"),
        ({"seconds": "hamming"}, ValueError, "cannot be called 'seconds'"),
        ({"P": "hamming"}, ValueError, "'hamming' cannot be called 'P'"),
    ],
)
def test_metrics_that_cannot_be_used_are_refused_before_any_fit(metrics, error, message, data):
    file = io.StringIO()
    with pytest.raises(error, match=message):
        compare({"base": network}, *data, metrics=metrics, file=file)
    assert file.getvalue() == ""


def test_what_an_estimator_cannot_give_is_nan_and_told(data):
    estimators = {"no scores": MultiOutputClassifier(RidgeClassifier())}
    with pytest.warns(UserWarning, match="no scores: precision_at_5 could not be measured"):
        comparison = compare(estimators, *data, metrics=["precision_at_5", "hamming"])
    (result,) = comparison.results
    assert np.isnan(result.metrics["precision_at_5"])
    assert result.metrics["hamming"] > 0
    assert result.topk is None
    with pytest.raises(AttributeError, match="no ranking"):
        compare(estimators, *data, metrics=["precision_at_5"], error_score="raise")


class Broken(KNeighborsClassifier):
    def fit(self, X, y):
        raise RuntimeError("out of order")


class Interrupted(KNeighborsClassifier):
    def fit(self, X, y):
        raise KeyboardInterrupt


def test_a_fit_that_fails_leaves_the_others(data, tmp_path):
    estimators = {"first": network, "broken": Broken(), "last": KNeighborsClassifier()}
    with pytest.warns(FitFailedWarning, match=r"broken failed(.|\n)*out of order"):
        comparison = compare(estimators, *data, verbose=False)
    assert comparison.errors == {"broken": "RuntimeError: out of order"}
    assert [r.y_pred is None for r in comparison.results] == [False, True, False]
    assert all(map(np.isnan, comparison.values()["broken"].values()))
    assert str(comparison).endswith("\nbroken failed: RuntimeError: out of order")
    page = comparison.report(tmp_path, base="first").read_text()
    assert "<b>broken</b> failed: RuntimeError: out of order" in page
    with np.load(tmp_path / "predictions.npz") as arrays:
        assert not any(key.startswith("broken/") for key in arrays)


def test_a_fit_that_fails_may_raise(data):
    estimators = {"first": network, "broken": Broken()}
    with pytest.raises(RuntimeError, match="out of order") as caught:
        compare(estimators, *data, verbose=False, error_score="raise")
    assert caught.value.__notes__ == ["while 'broken' was fitted and measured"]
    with pytest.raises(ValueError, match="error_score must be nan or 'raise', got 0"):
        compare(estimators, *data, error_score=0)


def test_it_raises_where_every_fit_failed(data):
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match=r"Every fit failed\. a: RuntimeError: out of order; b: "),
    ):
        compare({"a": Broken(), "b": Broken()}, *data, verbose=False)


def test_an_interrupt_holds_what_is_done(data):
    estimators = {"first": network, "second": Interrupted(), "third": network}
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(estimators, *data, verbose=False)
    assert isinstance(caught.value, ComparisonInterrupted)
    assert [result.name for result in caught.value.comparison.results] == ["first"]
    with pytest.raises(KeyboardInterrupt) as caught:
        compare({"only": Interrupted()}, *data, verbose=False)
    assert not isinstance(caught.value, ComparisonInterrupted)


def test_a_reader_that_goes_away_is_no_failed_fit(data):
    class Gone(io.StringIO):
        def write(self, text):
            if "epoch" in text:
                raise BrokenPipeError
            return super().write(text)

    with pytest.raises(BrokenPipeError):
        compare({"base": network}, *data, file=Gone())


def test_names_of_labels_are_those_of_the_frame(data, tmp_path):
    X, y, X_val, y_val = data
    names = [f"topic {i}" for i in range(y.shape[1])]
    frame, frame_val = (pd.DataFrame(each.toarray(), columns=names) for each in (y, y_val))
    estimators = {"neighbors": KNeighborsClassifier()}
    comparison = compare(estimators, X, frame, X_val, frame_val, verbose=False)
    assert list(comparison.label_names) == names
    assert "topic 1" in comparison.report(tmp_path).read_text()
