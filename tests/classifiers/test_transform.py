"""The last hidden layer of a fitted classifier, as features."""

import pickle

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, NetworkClassifier

SIZES = {"epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 8))
    return X, (X @ rng.standard_normal((8, 5)) > 0.5).astype(int)


def nested(n_features, n_outputs):
    head = keras.Sequential(
        [keras.layers.Dense(7), keras.layers.Dropout(0.5), keras.layers.Dense(n_outputs)]
    )
    return keras.Sequential([keras.layers.Dense(9, activation="relu"), head])


class Subclassed(keras.Model):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.dense = keras.layers.Dense(n_outputs)

    def call(self, inputs):
        return self.dense(inputs)


CASES = [
    (BaseMLPClassifier(6, dropout=0.5, **SIZES), 6),
    (BaseMLPClassifier((), **SIZES), 8),
    (BlockMLPClassifier((12, 6), **SIZES), 6),
    (DeepMLPClassifier((6, 6, 6), label_units=(), **SIZES), 6),
    (NetworkClassifier(nested, **SIZES), 7),
]


@pytest.mark.parametrize(("clf", "width"), CASES, ids=lambda case: type(case).__name__)
def test_logits_are_linear_in_what_transform_returns(data, clf, width):
    X, y = data
    hidden = clf.fit(X, y).transform(X)
    assert hidden.shape == (60, width)
    assert hidden.dtype == np.float32
    with_one = np.column_stack([hidden, np.ones(len(hidden))])
    logits = clf.decision_function(X)
    weights = np.linalg.lstsq(with_one, logits, rcond=None)[0]
    np.testing.assert_allclose(with_one @ weights, logits, atol=1e-4)
    np.testing.assert_array_equal(clf.transform(sparse.csr_matrix(X)), hidden)
    names = clf.get_feature_names_out()
    assert list(names) == [f"{type(clf).__name__.lower()}{i}" for i in range(width)]


def test_corrected_logits_come_after_it(data):
    X, y = data
    clf = DeepMLPClassifier(6, label_units=3, **SIZES).fit(X, y)
    hidden = clf.transform(X)
    assert hidden.shape == (60, 6)
    first = keras.Model(clf.model_.inputs, clf.model_.get_layer("logits_0").output)
    layer = clf.model_.get_layer("logits_0")
    logits = first.predict(X.astype(np.float32), verbose=0)
    np.testing.assert_allclose(hidden @ layer.kernel + layer.bias, logits, atol=1e-5)


def test_it_is_the_same_in_a_pickle_and_in_pandas(data):
    clf = BaseMLPClassifier(6, **SIZES).fit(*data)
    hidden = clf.transform(data[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).transform(data[0]), hidden)
    frame = clf.set_output(transform="pandas").transform(data[0])
    assert list(frame.columns) == list(clf.get_feature_names_out())


def test_a_pipeline_learns_from_it(data):
    X, y = data
    pipeline = make_pipeline(BaseMLPClassifier(6, **SIZES), LogisticRegression())
    assert pipeline.fit(X, y[:, 0]).predict(X).shape == (60,)
    assert pipeline[-1].n_features_in_ == 6


def test_what_has_no_hidden_layer_to_show_says_so(data):
    with pytest.raises(NotFittedError):
        BaseMLPClassifier().transform(data[0])
    clf = NetworkClassifier(Subclassed, **SIZES).fit(*data)
    with pytest.raises(ValueError, match="has no such layer"):
        clf.transform(data[0])
