"""What scikit-learn's model selection does with sparse labels, and what takes its place."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB

from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

CLF = OneVsRestClassifier(GaussianNB())
CV = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
GAP = get_scorer("gap_at_5")


@pytest.fixture(scope="module")
def data():
    return make_video_embeddings(200, n_labels=15, n_video=12, n_audio=4, random_state=0)


def scores_of(search, part="test"):
    n_splits = search.n_splits_
    return np.stack([search.cv_results_[f"split{i}_{part}_score"] for i in range(n_splits)], axis=1)


@pytest.mark.parametrize(
    ("function", "params"),
    [
        (cross_val_score, {}),
        (cross_validate, {}),
        (learning_curve, {}),
        (permutation_test_score, {}),
        (validation_curve, {"param_name": "n_jobs", "param_range": [1]}),
    ],
)
def test_scikit_learn_refuses_sparse_labels(data, function, params):
    with pytest.raises(ValueError, match=r"'y' parameter of .* must be an array-like"):
        function(CLF, *data, scoring=GAP, cv=CV, **params)


def test_a_search_with_one_candidate_is_cross_validate(data):
    X, y = data
    expected = cross_validate(
        CLF, X, y.toarray(), cv=CV, scoring=GAP, return_train_score=True, error_score="raise"
    )
    search = GridSearchCV(
        CLF, {}, cv=CV, scoring=GAP, return_train_score=True, refit=False, error_score="raise"
    ).fit(X, y)
    np.testing.assert_allclose(scores_of(search)[0], expected["test_score"])
    np.testing.assert_allclose(scores_of(search, "train")[0], expected["train_score"])


def test_a_search_is_validation_curve(data):
    X, y = data
    name, values = "estimator__var_smoothing", [1e-9, 1e-2, 1.0]
    _, expected = validation_curve(
        CLF, X, y.toarray(), param_name=name, param_range=values, cv=CV, scoring=GAP
    )
    search = GridSearchCV(CLF, {name: values}, cv=CV, scoring=GAP, refit=False).fit(X, y)
    np.testing.assert_allclose(scores_of(search), expected)


def test_a_search_over_growing_training_sets_is_learning_curve(data):
    X, y = data
    cv = MultilabelStratifiedShuffleSplit(3, test_size=0.2, random_state=0)
    sizes = [80, 120, 160]
    _, _, expected = learning_curve(
        CLF, X, y.toarray(), train_sizes=sizes, cv=cv, scoring=GAP, error_score="raise"
    )
    growing = [(train[:size], test) for size in sizes for train, test in cv.split(X, y)]
    search = GridSearchCV(CLF, {}, cv=growing, scoring=GAP, refit=False, error_score="raise").fit(
        X, y
    )
    np.testing.assert_allclose(scores_of(search).reshape(3, 3), expected)
