"""Targets in every form that users bring, and what comes back."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, predict_topk
from skmlclf.metrics import get_scorer


def problem(n_rows=90, n_features=12, n_labels=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    scores = X @ rng.standard_normal((n_features, n_labels))
    return X, (scores > 2).astype(np.int64)


def make(**kwargs):
    return BaseMLPClassifier(16, **{"epochs": 20, "random_state": 0, **kwargs})


def stored_twice(y):
    """Return a CSR matrix that stores each pair twice, in no order."""
    coo = sparse.coo_matrix(y)
    order = np.lexsort((-coo.col, coo.row))
    rows = np.r_[coo.row[order], coo.row[order]]
    by_row = np.argsort(rows, kind="stable")
    cols = np.r_[coo.col[order], coo.col[order]][by_row]
    indptr = np.r_[0, np.cumsum(np.bincount(rows, minlength=y.shape[0]))]
    return sparse.csr_matrix((np.ones(len(cols)), cols, indptr), shape=y.shape)


FORMS = {
    "float16": lambda y: y.astype(np.float16),
    "object": lambda y: y.astype(object),
    "big-endian": lambda y: y.astype(">i4"),
    "bool": lambda y: y.astype(bool),
    "uint8": lambda y: y.astype(np.uint8),
    "list": lambda y: y.tolist(),
    "frame": pd.DataFrame,
    "nullable": lambda y: pd.DataFrame(y).astype("Int64"),
    "nullable boolean": lambda y: pd.DataFrame(y).astype("boolean"),
    "objects": lambda y: pd.DataFrame(y).astype(object),
    "mixed": lambda y: pd.DataFrame(y).astype({0: bool, 1: float, 2: "Int8"}),
    "pairs stored twice": stored_twice,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_any_form_of_the_targets_fits_and_scores_the_same(form):
    X, y = problem()
    expected = make().fit(X, y)
    clf = make().fit(X, form(y))
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    assert clf.score(X, form(y)) == expected.score(X, y) == accuracy_score(y, expected.predict(X))
    assert get_scorer("f1_samples")(clf, X, form(y)) == get_scorer("f1_samples")(expected, X, y)
    predicted = clf.predict(X)
    assert predicted.dtype.kind in "bif"
    dense = predicted.toarray() if sparse.issparse(predicted) else predicted
    # scikit-learn's metrics take it.
    assert f1_score(y, dense, average="micro") == f1_score(y, expected.predict(X), average="micro")


def test_weighted_score_is_that_of_scikit_learn():
    X, y = problem()
    clf = make().fit(X, y)
    weight = np.random.default_rng(0).random(len(X))
    np.testing.assert_allclose(
        clf.score(X, y, sample_weight=weight),
        accuracy_score(y, clf.predict(X), sample_weight=weight),
    )
    classes = y[:, 0]
    binary = make().fit(X, classes)
    assert binary.score(X, classes) == accuracy_score(classes, binary.predict(X))
    three = y[:, :2].sum(axis=1)
    several = make().fit(X, three)
    assert several.score(X, three) == accuracy_score(three, several.predict(X))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "int32"])
def test_predictions_of_integers_do_not_wrap_around(dtype):
    X, y = problem()
    predicted = make().fit(X, y.astype(dtype)).predict(X)
    assert predicted.dtype == np.int64
    wrong = (predicted != y).sum()
    assert abs(predicted - y.astype(dtype).astype(np.int64)).sum() == wrong > 0


def test_names_of_labels():
    X, y = problem()
    names = [f"label {i}" for i in range(7)]
    frame = pd.DataFrame(y, columns=names)
    for clf in (make().fit(X, frame), make(label_names=names).fit(X, sparse.csr_matrix(y))):
        assert clf.label_names_.tolist() == names
    assert make().fit(X, y).label_names_ is None
    by_name = make(class_weight={"label 2": 9.0}).fit(X, frame).predict_proba(X)
    np.testing.assert_array_equal(
        by_name, make(class_weight={2: 9.0}).fit(X, frame).predict_proba(X)
    )
    with pytest.raises(ValueError, match="names the label 'label 9'"):
        make(class_weight={"label 9": 9.0}).fit(X, frame)
    with pytest.raises(ValueError, match="one name for each of the 7"):
        make(label_names=["a"]).fit(X, y)
    with pytest.raises(ValueError, match="leave label_names out"):
        make(label_names=["a"]).fit(X, y[:, 0])


def test_lists_of_names_are_told_what_to_do():
    X, _ = problem(2)
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        make().fit(X, [["cat", "dog"], ["cat"]])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_one_classifier_per_label(container):
    X, y = problem()
    y = y[:, :3]
    several = MultiOutputClassifier(make(epochs=2)).fit(X, y)
    assert several.predict(X).shape == (90, 3)
    first = y[:, 0] if container is np.asarray else container(y[:, :1])
    column = make(epochs=2).fit(X, first)
    np.testing.assert_array_equal(column.predict(X), several.predict(X)[:, 0])
    assert column.predict_proba(X).shape == (90, 2)


def test_a_sparse_column_without_positives_still_has_two_classes():
    X, _ = problem()
    clf = make(epochs=1).fit(X, sparse.csr_matrix((90, 1)))
    np.testing.assert_array_equal(clf.classes_, [0, 1])


@pytest.mark.parametrize("kind", ["multilabel", "multiclass", "binary", "single"])
def test_log_probabilities(kind):
    X, y = problem()
    y = {
        "multilabel": y,
        "multiclass": y[:, :2].sum(axis=1),
        "binary": y[:, 0],
        "single": np.zeros(90),
    }[kind]
    clf = make().fit(X, y)
    log_p = clf.predict_log_proba(X)
    assert log_p.shape == clf.predict_proba(X).shape
    np.testing.assert_allclose(np.exp(log_p), clf.predict_proba(X), rtol=1e-5)
    if kind != "single":
        assert (log_p < 0).all()


def test_sure_probabilities_keep_their_logarithms():
    X, y = problem()
    clf = make().fit(X, y)
    clf.model_.get_layer("logits").bias.assign(np.full(7, 60.0))
    assert (clf.predict_proba(X) > 0.9999999).all()
    assert len(np.unique(clf.predict_log_proba(X))) > 100


def test_the_default_of_topk_adapts_to_few_labels():
    X, y = problem()
    labels, scores = make().fit(X, y).predict_topk(X)
    assert labels.shape == scores.shape == (90, 7)
    for k in (8, 19, 21, 0):
        with pytest.raises(ValueError, match="from 1 to the 7"):
            make().fit(X, y).predict_topk(X, k=k)


def test_topk_scores_never_rise():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3)).astype(np.float32)
    y = rng.integers(0, 2, (400, 2000))
    clf = make(epochs=1).fit(X, y)
    # Logits that lie close together, where the float32 sigmoid is not monotone.
    bias = 2.0 + np.arange(2000) * np.spacing(np.float32(2.0))
    layer = clf.model_.get_layer("logits")
    layer.kernel.assign(0 * layer.kernel)
    layer.bias.assign(bias)
    labels, scores = clf.predict_topk(X, k=1000)
    assert (np.diff(scores, axis=1) <= 0).all()
    _, logits = clf.predict_topk(X, k=1000, response_method="decision_function")
    assert (np.diff(logits, axis=1) < 0).all()
    np.testing.assert_array_equal(labels[0], np.arange(1999, 999, -1))
    assert 0 <= get_scorer("precision_at_1000")(clf, X, y) <= 1
    with pytest.raises(ValueError, match="response_method must be one of"):
        clf.predict_topk(X, k=2, response_method="predict")


def test_topk_through_pipelines_and_searches():
    X, y = problem(120, 40)
    pipe = make_pipeline(StandardScaler(), make()).fit(X, y)
    expected = pipe[-1].predict_topk(pipe[:-1].transform(X), k=3)
    for found in (
        predict_topk(pipe, X, k=3),
        predict_topk(
            GridSearchCV(pipe, {"basemlpclassifier__learning_rate": [2e-3]}, cv=2).fit(X, y), X, k=3
        ),
    ):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_topk_of_scikit_learns_classifiers():
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier

    X, y = problem()
    for clf, method in (
        (KNeighborsClassifier(), None),
        (RidgeClassifier(), "decision_function"),
    ):
        clf.fit(X, y)
        labels, scores = predict_topk(clf, X)
        assert labels.shape == scores.shape == (90, 7)
        assert (np.diff(scores, axis=1) <= 0).all()
        if method:
            np.testing.assert_array_equal(
                scores, np.take_along_axis(getattr(clf, method)(X), labels, axis=1)
            )
    with pytest.raises(ValueError, match="from 1 to the 7 labels"):
        predict_topk(clf, X, k=9)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix])
def test_sparse_features(container):
    X, y = problem()
    X[np.abs(X) < 0.8] = 0
    expected = make().fit(X, y)
    clf = make().fit(container(X), y, X_val=container(X), y_val=y)
    for method in ("predict_proba", "decision_function", "predict"):
        np.testing.assert_array_equal(
            getattr(clf, method)(container(X)), getattr(expected, method)(X)
        )
    np.testing.assert_array_equal(clf.predict_topk(container(X))[0], expected.predict_topk(X)[0])
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))
    np.testing.assert_array_equal(make().fit(frame, y).predict_proba(X), expected.predict_proba(X))


def test_a_column_that_is_no_number_is_named():
    X, y = problem()
    frame = pd.DataFrame(X).rename(columns=str)
    frame["kind"] = pd.Categorical(["cat", "dog", "cow"] * 30)
    with pytest.raises(ValueError, match="the column 'kind' of dtype category"):
        make().fit(frame, y)
    clf = make().fit(frame.drop(columns="kind"), y)
    with pytest.raises(ValueError, match="the column 'kind'"):
        clf.predict(frame)


def test_no_classes_are_refused():
    X, y = problem()
    with pytest.raises(ValueError, match="at least one class"):
        make().partial_fit(X, y[:, 0], classes=[])


def test_held_out_weights_are_scaled():
    X, y = problem()
    expected = make(epochs=1).fit(X, y, X_val=X, y_val=y).history_["val_loss"]
    for size in (1e-46, 1e39, 1e-300):
        clf = make(epochs=1).fit(X, y, X_val=X, y_val=y, sample_weight_val=np.full(len(X), size))
        np.testing.assert_allclose(clf.history_["val_loss"], expected, rtol=1e-6)
