import io
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmlclf import BaseMLPClassifier, make_feature_mlp
from skmlclf.callbacks import EpochMetrics, EpochTable
from skmlclf.classifiers._best_epoch import BestEpoch
from skmlclf.metrics import (
    get_scorer,
    multilabel_confusion_matrix,
    precision_at_k_score,
    samples_precision_recall_f1,
)


def problem(n_rows=120, n_features=1152, n_labels=30):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    y = sparse.csr_matrix((rng.random((n_rows, n_labels)) < 0.1).astype(np.int8))
    return X[:80], y[:80], X[80:], y[80:]


def make(**kwargs):
    return BaseMLPClassifier(hidden_units=8, epochs=2, random_state=0, **kwargs)


def test_figures_are_those_of_the_metrics_on_the_predictions():
    X, y, X_val, y_val = problem()
    metrics = ["precision_at_5", "f1_samples", "map", "multilabel_confusion_matrix"]
    watch = EpochMetrics(metrics, verbose=False)
    clf = make(callbacks=[watch]).fit(X, y, X_val=X_val, y_val=y_val)
    last = {name: values[-1] for name, values in clf.history_.items()}
    p, y_pred = clf.predict_proba(X_val), clf.predict(X_val)
    assert last["val_precision_at_5"] == precision_at_k_score(y_val, p, k=5)
    assert last["val_f1_samples"] == samples_precision_recall_f1(y_val, y_pred).f1
    tn, fp, fn, tp = multilabel_confusion_matrix(y_val, y_pred).sum(axis=0).ravel()
    assert [last[f"val_{n}"] for n in ("tn", "fp", "fn", "tp")] == [tn, fp, fn, tp]
    assert {len(values) for values in clf.history_.values()} == {2}


def test_rows_of_its_own_equal_rows_of_the_fit():
    X, y, X_val, y_val = problem()
    own = EpochMetrics(["precision_at_5"], X_val=X_val, y_val=y_val, verbose=False)
    history = make(callbacks=[own]).fit(X, y).history_
    watch = EpochMetrics(["precision_at_5"], verbose=False)
    assert history == make(callbacks=[watch]).fit(X, y, X_val=X_val, y_val=y_val).history_


def test_rows_of_its_own_stand_beside_those_of_the_fit():
    X, y, X_val, y_val = problem()
    other = EpochMetrics(["precision_at_5"], X_val=X[:20], y_val=y[:20], name="test", verbose=False)
    options = {"early_stopping": True, "scoring": "precision_at_5"}
    clf = make(callbacks=[other], **options).fit(X, y, X_val=X_val, y_val=y_val)
    alone = make(**options).fit(X, y, X_val=X_val, y_val=y_val)
    assert {n: v for n, v in clf.history_.items() if n[:4] != "test"} == alone.history_
    assert set(clf.history_) - set(alone.history_) == {"test_loss", "test_precision_at_5"}
    clashing = EpochMetrics(["precision_at_5"], X_val=X[:20], y_val=y[:20])
    with pytest.raises(ValueError, match=r"are called 'val'.*name='test'"):
        make(callbacks=[clashing]).fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_figures_of_classes_are_those_of_the_scorers(n_classes):
    X, _, _, _ = problem()
    y = np.digitize(X[:, 0], [-0.5, 0.5][: n_classes - 1])
    names = ["precision_at_1", "hit_at_1", "gap_at_5", "map", "f1_samples", "hamming"]
    clf = make(callbacks=[EpochMetrics(names, verbose=False)])
    clf.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    for name in names:
        scorer = get_scorer(name)
        expected = scorer._sign * scorer(clf, X[60:], y[60:])
        assert clf.history_[f"val_{name}"][-1] == pytest.approx(expected)


def test_copies_share_data_and_stream_but_not_the_model(tmp_path):
    X, y, X_val, y_val = problem()
    with (tmp_path / "log").open("w") as file:
        watch = EpochMetrics(["precision_at_5"], X_val=X_val, y_val=y_val, file=file)
        clf = make(callbacks=[watch, EpochTable(file=file)]).fit(X, y)
        copied = clone(clf).callbacks[0]
        assert copied is not watch
        assert copied.X_val is X_val
        assert copied.file is file
        assert copied.model is None
        loaded = pickle.loads(pickle.dumps(clone(clf))).callbacks[0]
        assert loaded.file is None
        np.testing.assert_array_equal(loaded.X_val, X_val)


def test_lines_stand_under_each_other():
    X, y, X_val, y_val = problem()
    file = io.StringIO()
    make(callbacks=[EpochMetrics(file=file)]).fit(X, y, X_val=X_val, y_val=y_val)
    lines = file.getvalue().splitlines()
    assert len(lines) == 2
    for name in ("loss", "val loss", "P@20", "recall", "F1", "hamming", "tp"):
        assert lines[0].index(name) == lines[1].index(name)


def test_verbose_prints_and_silence_is_silent(capsys):
    X, y, _, _ = problem()
    make(verbose=1).fit(X, y)
    assert capsys.readouterr().out.count("epoch") == 2
    make().fit(X, y)
    assert capsys.readouterr().out == ""


def test_inside_a_pipeline_held_out_rows_pass_through_the_transformers():
    import sklearn

    X, y, X_val, y_val = problem()
    pipe = make_feature_mlp("audio", n_components=5, hidden_units=8, epochs=1, random_state=0)
    pipe["mlp"].set_params(callbacks=[EpochMetrics(["precision_at_5"], verbose=False)])
    with sklearn.config_context(enable_metadata_routing=True):
        pipe["mlp"].set_fit_request(X_val=True, y_val=True)
        pipe.set_params(transform_input=["X_val"]).fit(X, y, X_val=X_val, y_val=y_val)
    expected = precision_at_k_score(y_val, pipe.predict_proba(X_val), k=5)
    assert pipe["mlp"].history_["val_precision_at_5"] == [expected]


def test_multiclass_decisions_are_the_best_class():
    X, _, _, _ = problem()
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    watch = EpochMetrics(["recall_samples", "hit_at_1"], verbose=False)
    clf = make(callbacks=[watch], validation_fraction=0.5).fit(X, y)
    assert clf.history_["val_recall_samples"] == clf.history_["val_hit_at_1"]


@pytest.mark.parametrize(
    ("args", "kwargs", "error"),
    [
        (["precision_at_5"], {}, TypeError),
        ([[1]], {}, TypeError),
        ([["no_such"]], {}, ValueError),
        ([["map"]], {"X_val": [[1.0]]}, ValueError),
    ],
)
def test_bad_arguments(args, kwargs, error):
    with pytest.raises(error):
        EpochMetrics(*args, **kwargs)


class Model:
    """Stands for a Keras model: a weight and a wish to stop."""

    stop_training = False
    weight = 0

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        (self.weight,) = weights


@pytest.mark.parametrize(
    ("values", "greater", "patience", "stopped", "best"),
    [
        ([3, 2, 1, 2, 2, 0], False, 2, 4, 2),
        ([1, 2, 3, 3, 3], True, 2, 4, 2),
        ([5, 4, 3, 2], False, 1, None, 3),
        ([1.0, 1.0 + 1e-9, 1.0 + 2e-9], True, 2, 2, 2),
    ],
)
def test_best_epoch(values, greater, patience, stopped, best):
    callback = BestEpoch("val_x", greater_is_better=greater, patience=patience, tol=1e-6)
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weight = epoch
        callback.on_epoch_end(epoch, {"val_x": value})
        if model.stop_training:
            break
    assert (epoch if model.stop_training else None) == stopped
    callback.on_train_end()
    assert model.weight == best
