"""Any order of calls: fits, parameters, copies and files leave what they should, and no more."""

import copy
import pickle

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skmlclf
from skmlclf import BaseMLPClassifier, BlockMLPClassifier
from skmlclf.classifiers._state import FITTED

_RNG = np.random.default_rng(0)
X = _RNG.standard_normal((24, 5)).astype(np.float32)
_LABELS = (X @ _RNG.standard_normal((5, 4)) > 1).astype(np.int64)
TARGETS = {
    "labels": _LABELS,
    "sparse labels": sparse.csr_array(_LABELS),
    "two classes": np.where(X[:, 0] > 0, "yes", "no"),
    "classes": np.digitize(X[:, 0], [-0.5, 0.5]),
}
PARAMETERS = {
    "warm_start": [False, True],
    "learning_rate": [1e-3, 1e-2],
    "batch_size": ["auto", 10],
    "epochs": [1, 2],
    "dropout": [0.0, 0.5],
    "random_state": [0, 1],
}
ALWAYS = tuple(
    name for name in FITTED if name not in ("feature_names_in_", "label_names_", "best_epoch_")
)


class Expected:
    """What is known of a classifier from the calls so far."""

    def __init__(self, params, kind=None, n_iter=0, dropout=False):
        self.params, self.kind, self.n_iter = params, kind, n_iter
        # The network was built with dropout or without, which a later call cannot change.
        self.dropout = dropout

    def copy(self):
        return copy.deepcopy(self)


def answers(classifier):
    return [
        classifier.predict_proba(X),
        classifier.decision_function(X),
        *classifier.predict_topk(X, k=2),
        np.asarray(sparse.csr_array(classifier.predict(X)).todense())
        if sparse.issparse(classifier.predict(X))
        else classifier.predict(X),
    ]


def assert_alike(one, other):
    """Two classifiers predict the same, bit for bit, and tell the same of their fit."""
    for mine, theirs in zip(answers(one), answers(other), strict=True):
        np.testing.assert_array_equal(mine, theirs, strict=True)
    assert (one.history_, one.n_iter_) == (other.history_, other.n_iter_)
    np.testing.assert_array_equal(one.classes_, other.classes_, strict=True)


class Calls(RuleBasedStateMachine):
    classifiers = Bundle("classifiers")

    def __init__(self):
        super().__init__()
        # Every classifier that was ever made, with what is expected of it and what it predicted.
        self.known = []

    def add(self, classifier, expected):
        self.known.append([classifier, expected, None])
        self.note(len(self.known) - 1)
        return len(self.known) - 1

    def note(self, i):
        classifier, expected, _ = self.known[i]
        self.known[i][2] = None if expected.kind is None else answers(classifier)

    @initialize(target=classifiers, cls=st.sampled_from([BaseMLPClassifier, BlockMLPClassifier]))
    def make(self, cls):
        params = {"hidden_units": 3, "random_state": 0, "epochs": 1, "dropout": 0.0}
        classifier = cls(**params)
        return self.add(classifier, Expected(classifier.get_params()))

    @rule(i=classifiers, kind=st.sampled_from(sorted(TARGETS)))
    def fit(self, i, kind):
        classifier, expected, _ = self.known[i]
        resumes = expected.params["warm_start"] and expected.kind is not None
        if resumes and self.is_refused(i, kind, classifier.fit):
            return
        assert classifier.fit(X, TARGETS[kind]) is classifier
        expected.n_iter = expected.params["epochs"] + (expected.n_iter if resumes else 0)
        expected.kind = kind
        if not resumes:
            expected.dropout = expected.params["dropout"] > 0
        self.note(i)

    @rule(i=classifiers, kind=st.sampled_from(sorted(TARGETS)))
    def partial_fit(self, i, kind):
        classifier, expected, _ = self.known[i]
        resumes = expected.kind is not None
        if resumes and self.is_refused(i, kind, classifier.partial_fit):
            return
        y = TARGETS[kind]
        classes = None if resumes or y.ndim == 2 else np.unique(y)
        assert classifier.partial_fit(X, y, classes=classes) is classifier
        expected.n_iter += 1
        expected.kind = kind
        if not resumes:
            expected.dropout = expected.params["dropout"] > 0
        self.note(i)

    def is_refused(self, i, kind, function):
        """Whether training cannot resume with these targets and parameters; it says so then."""
        _, expected, _ = self.known[i]
        # Sparse and dense labels are the same targets, and predictions stay as they were.
        same = TARGETS[kind].shape[1:] == TARGETS[expected.kind].shape[1:]
        same &= TARGETS[kind].ndim == 2 or kind == expected.kind
        if same and expected.dropout == (expected.params["dropout"] > 0):
            return False
        with pytest.raises(ValueError, match=r"as in the first fit|among the classes|now ask for"):
            function(X, TARGETS[kind])
        return True

    @rule(i=classifiers, name=st.sampled_from(sorted(PARAMETERS)), data=st.data())
    def set_params(self, i, name, data):
        classifier, expected, _ = self.known[i]
        value = data.draw(st.sampled_from(PARAMETERS[name]))
        classifier.set_params(**{name: value})
        expected.params[name] = value

    @rule(i=classifiers, epochs=st.sampled_from([0, 2.5, "1", None]))
    def bad_parameter(self, i, epochs):
        classifier, expected, _ = self.known[i]
        for function in (classifier.fit, classifier.partial_fit):
            classifier.set_params(epochs=epochs)
            with pytest.raises(ValueError, match="'epochs'"):
                function(X, TARGETS["labels"])
        classifier.set_params(epochs=expected.params["epochs"])

    @rule(target=classifiers, i=classifiers)
    def clone(self, i):
        classifier, expected, _ = self.known[i]
        return self.add(clone(classifier), Expected(expected.params.copy()))

    @rule(target=classifiers, i=classifiers, way=st.sampled_from(["pickle", "deepcopy", "file"]))
    def copied(self, i, way):
        classifier, expected, _ = self.known[i]
        if way == "pickle":
            other = pickle.loads(pickle.dumps(classifier))
        elif way == "deepcopy":
            other = copy.deepcopy(classifier)
        else:
            other = self.through_a_file(classifier)
        if expected.kind is not None:
            assert_alike(other, classifier)
            # The copy goes on as the original would, without touching it.
            goes_on = expected.dropout == (expected.params["dropout"] > 0)
            if goes_on:
                y = TARGETS[expected.kind]
                first, second = copy.deepcopy(other), copy.deepcopy(classifier)
                assert_alike(first.partial_fit(X, y), second.partial_fit(X, y))
        return self.add(other, expected.copy())

    def through_a_file(self, classifier):
        path = self.folder / f"{len(self.known)}.safetensors"
        classifier.save(path, with_optimizer=True, overwrite=True)
        return skmlclf.load(path)

    @invariant()
    def each_is_as_its_calls_left_it(self):
        for classifier, expected, before in self.known:
            assert classifier.get_params() == expected.params
            is_fitted = expected.kind is not None
            assert {hasattr(classifier, name) for name in ALWAYS} == {is_fitted}
            if not is_fitted:
                with pytest.raises(NotFittedError):
                    classifier.predict(X)
                continue
            assert classifier.n_iter_ == len(classifier.history_["loss"]) == expected.n_iter
            assert classifier.best_epoch_ == expected.n_iter - 1
            for mine, theirs in zip(answers(classifier), before, strict=True):
                np.testing.assert_array_equal(mine, theirs, strict=True)


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    Calls.folder = tmp_path_factory.mktemp("files")


class TestCalls(Calls.TestCase):
    settings = settings(
        max_examples=15, stateful_step_count=12, deadline=None, derandomize=True, database=None
    )
