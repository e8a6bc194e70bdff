"""pickle, joblib, cloudpickle, copy and skops: what travels, and how much of it."""

import copy
import io
import pickle

import cases
import cloudpickle
import joblib
import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmlclf import BaseMLPClassifier
from skmlclf.persistence import SKOPS_TRUSTED

skops_io = pytest.importorskip("skops.io")


def through_joblib(value):
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def through_skops(value):
    # The function of a network is the user's to trust.
    trusted = [*SKOPS_TRUSTED, "cases.build_towers"]
    return skops_io.loads(skops_io.dumps(value), trusted=trusted)


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "cloudpickle": lambda value: cloudpickle.loads(cloudpickle.dumps(value)),
    "joblib": through_joblib,
    "deepcopy": copy.deepcopy,
    "skops": through_skops,
}
WAYS = pytest.mark.parametrize("way", COPIES)


@WAYS
@pytest.mark.parametrize("name", cases.classifiers())
def test_a_copy_is_the_same_in_all_that_follows(way, name):
    X, y = cases.features(), cases.label_matrix()
    clf = cases.classifiers()[name]
    assert repr(COPIES[way](clf)) == repr(clf)
    clf.fit(X, y)
    # After each kind of training: a fit, a resumed one, one that is resumed again.
    for train in ("partial_fit", "partial_fit", "fit"):
        loaded = COPIES[way](clf)
        assert vars(loaded).keys() == vars(clf).keys()
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        for each in (loaded, clf):
            each.set_params(warm_start=True)
            getattr(each, train)(X, y)
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        assert loaded.history_ == clf.history_


@WAYS
@pytest.mark.parametrize("target", cases.targets())
def test_every_kind_of_target_travels(way, target):
    X, y = cases.targets()[target]
    clf = BaseMLPClassifier(4, epochs=1, random_state=0).fit(X, y)
    loaded = COPIES[way](clf)
    for name, values in cases.outputs(clf, X).items():
        found = cases.outputs(loaded, X)[name]
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values)


@WAYS
@pytest.mark.parametrize("name", cases.pipelines())
def test_pipelines_travel(way, name):
    X, y = cases.features(), cases.label_matrix()
    pipe = cases.pipelines()[name].fit(X, y)
    np.testing.assert_array_equal(COPIES[way](pipe).predict_proba(X), pipe.predict_proba(X))


@WAYS
def test_optimizers_of_keras_travel(way):
    X, y = cases.features(), cases.label_matrix()
    optimizer = keras.optimizers.AdamW(2e-3)
    clf = BaseMLPClassifier(4, optimizer=optimizer, epochs=1, random_state=0).partial_fit(X, y)
    assert clf.optimizer is optimizer
    loaded = COPIES[way](clf)
    np.testing.assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X), clf.partial_fit(X, y).predict_proba(X)
    )


@keras.saving.register_keras_serializable()
class Slow(keras.optimizers.SGD):
    """An optimizer of a user's own, registered as Keras asks of what is pickled."""


def test_other_optimizers_are_pickled_as_they_are():
    X, y = cases.features(), cases.label_matrix()
    clf = BaseMLPClassifier(4, optimizer=Slow(0.1), epochs=1, random_state=0).partial_fit(X, y)
    loaded = cloudpickle.loads(cloudpickle.dumps(clf))
    np.testing.assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X), clf.partial_fit(X, y).predict_proba(X)
    )


def test_the_trusted_names_are_all_that_skops_asks_for():
    X, y = cases.features(), cases.label_matrix()
    asked = set()
    for estimator in [*cases.classifiers().values(), *cases.pipelines().values()]:
        for each in (clone(estimator), estimator.fit(X, y)):
            asked |= set(skops_io.get_untrusted_types(data=skops_io.dumps(each)))
    assert asked == {*SKOPS_TRUSTED, "cases.build_towers"}


def test_a_pickle_is_as_large_as_the_weights_unless_training_resumes():
    X = np.zeros((64, 512), np.float32)
    y = sparse.random_array((64, 1000), density=0.01, random_state=0).astype(bool)
    clf = BaseMLPClassifier(256, epochs=1, random_state=0).fit(X, y)
    weights = 4 * clf.model_.count_params()
    assert len(pickle.dumps(clf)) < 1.03 * weights
    assert len(pickle.dumps(clf.partial_fit(X, y))) > 2.9 * weights
    assert len(pickle.dumps(clf.fit(X, y))) < 1.03 * weights
    assert len(pickle.dumps(clf.set_params(warm_start=True).fit(X, y))) > 2.9 * weights
