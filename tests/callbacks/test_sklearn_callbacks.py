"""scikit-learn's own callbacks on the classifiers, alone, in a pipeline and under a search."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier
from skmlclf.metrics import get_scorer

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")


def problem():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 5)).astype(np.float32), rng.integers(0, 2, (60, 4))


def make(**kwargs):
    # Without a schedule, an epoch is the same in a long fit and in a short one.
    constant = {"learning_rate_schedule": "constant"}
    return BaseMLPClassifier(8, epochs=3, random_state=0, **{**constant, **kwargs})


class Recorder:
    """Notes every task, and stops after an epoch if told to."""

    def __init__(self, stop_after=None):
        self.events, self.kept, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        self.kept.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop_after


def test_an_epoch_is_a_task():
    X, y = problem()
    recorder = Recorder()
    make().set_callbacks(recorder).fit(X, y)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.events == ["setup", "begin fit", *3 * epoch, "end fit", "teardown"]


def test_a_fitted_estimator_is_that_epochs():
    X, y = problem()
    recorder = Recorder()
    clf = make().set_callbacks(recorder).fit(X, y)
    for i, kept in enumerate(recorder.kept[:3]):
        stepwise = make()
        for _ in range(i + 1):
            stepwise.partial_fit(X, y)
        np.testing.assert_array_equal(kept.predict_proba(X), stepwise.predict_proba(X))
    np.testing.assert_array_equal(recorder.kept[-1].predict_proba(X), clf.predict_proba(X))


def test_a_callback_stops_the_fit():
    X, y = problem()
    assert make().set_callbacks(Recorder(stop_after=1)).fit(X, y).n_iter_ == 2


def test_teardown_comes_after_an_error_too():
    recorder = Recorder()
    recorder.on_fit_task_end = lambda estimator, context: 1 / 0
    with pytest.raises(ZeroDivisionError):
        make().set_callbacks(recorder).fit(*problem())
    assert recorder.events[-1] == "teardown"


@pytest.mark.parametrize("where", ["alone", "pipeline", "search"])
def test_scoring_monitor(where):
    X, y = problem()
    monitor = callback.ScoringMonitor(scoring=get_scorer("precision_at_2"))
    estimator = clf = make().set_callbacks(monitor)
    if where == "pipeline":
        estimator = make_pipeline(StandardScaler(), clf)
    elif where == "search":
        grid = {"learning_rate": [1e-3, 1e-2]}
        estimator = GridSearchCV(clf, grid, cv=2, scoring=get_scorer("hit_at_1"))
    estimator.fit(X, y)
    scores = [row["score"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    # Two candidates on two folds, and the refit of the better one.
    assert len(scores) == {"alone": 3, "pipeline": 3, "search": 15}[where]
    if where != "search":
        assert scores[-1] == get_scorer("precision_at_2")(estimator, X, y)


@pytest.mark.parametrize("search", [False, True])
def test_progress_bar(search, capsys):
    pytest.importorskip("rich")
    estimator = make_pipeline(StandardScaler(), make())
    if search:
        grid = {"basemlpclassifier__learning_rate": [1e-3, 1e-2]}
        estimator = GridSearchCV(estimator, grid, cv=2)
    bar = callback.ProgressBar(max_propagation_depth=None)
    estimator.set_callbacks(bar).fit(*problem())
    assert "BaseMLPClassifier" in capsys.readouterr().out
