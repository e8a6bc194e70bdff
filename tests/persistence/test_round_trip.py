"""Estimators that were saved are the same ones in a process that knows nothing of them."""

import subprocess
import sys
from pathlib import Path

import cases
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

import skmlclf
from skmlclf import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    LabelThresholdClassifier,
    NeighborBlendClassifier,
    NetworkClassifier,
)

FITS = [
    *((f"{c}, {t}") for c in cases.classifiers() for t in cases.targets()),
    *cases.transformers(),
    *cases.pipelines(),
]


def fitted(name):
    if ", " in name:
        classifier, target = name.split(", ")
        return cases.classifiers()[classifier].fit(*cases.targets()[target])
    y = cases.label_matrix()
    if name in cases.pipelines():
        return cases.pipelines()[name].fit(cases.features(), y)
    return cases.transformers()[name].fit(cases.features(), y[:, 0])


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """Every case fitted, saved, and loaded by one process of its own."""
    folder = tmp_path_factory.mktemp("models")
    estimators = {name: fitted(name) for name in FITS}
    for name, estimator in estimators.items():
        skmlclf.save(estimator, folder / f"{name}.safetensors")
    subprocess.run([sys.executable, cases.__file__, str(folder)], check=True, capture_output=True)
    return folder, estimators


@pytest.mark.parametrize("name", FITS)
def test_a_fresh_process_predicts_the_same(fits, name):
    folder, estimators = fits
    expected = cases.outputs(estimators[name], cases.rows_of(estimators[name]))
    found = np.load(folder / f"{name}.npz")
    assert set(found) == set(expected)
    for output, values in expected.items():
        values = values.astype(str) if values.dtype == object else values
        assert found[output].dtype == values.dtype
        np.testing.assert_array_equal(found[output], values)


@pytest.mark.parametrize("name", FITS)
def test_a_loaded_estimator_has_all_that_a_fitted_one_has(fits, name):
    folder, estimators = fits
    before = estimators[name]
    loaded = skmlclf.load(folder / f"{name}.safetensors", custom_objects=cases.CUSTOM_OBJECTS)
    assert type(loaded) is type(before)
    assert repr(loaded) == repr(before)
    if isinstance(before, skmlclf.classifiers.BaseKerasClassifier):
        assert vars(loaded).keys() == vars(before).keys()
        assert loaded.history_ == before.history_
        np.testing.assert_array_equal(loaded.classes_, before.classes_)
        assert loaded.classes_.dtype == before.classes_.dtype
        np.testing.assert_array_equal(loaded.label_names_, before.label_names_)
        for values in (before, loaded):
            assert repr(values.get_params()) == repr(before.get_params())


@pytest.mark.parametrize("name", cases.classifiers())
@pytest.mark.parametrize("resume", ["partial_fit", "warm_start"])
def test_training_resumes_bit_for_bit(tmp_path, name, resume):
    X, y = cases.features(), cases.label_matrix()
    clf = cases.classifiers()[name]
    if resume == "warm_start":
        clf.set_params(warm_start=True).fit(X, y)
    else:
        clf.partial_fit(X, y).partial_fit(X, y)
    clf.save(tmp_path / "m", with_optimizer=True)
    clf.save(tmp_path / "without")
    loaded = skmlclf.load(tmp_path / "m", custom_objects=cases.CUSTOM_OBJECTS)
    anew = skmlclf.load(tmp_path / "without", custom_objects=cases.CUSTOM_OBJECTS)
    for _ in range(2):
        for each in (clf, loaded, anew):
            each.fit(X, y) if resume == "warm_start" else each.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert not np.array_equal(anew.predict_proba(X), clf.predict_proba(X))
    assert loaded.history_ == clf.history_


@pytest.mark.parametrize("cls", ["Adam", "AdamW", "RMSprop", "Adagrad", "Ftrl", "Lion", "Nadam"])
def test_optimizers_of_keras_are_saved(tmp_path, cls):
    X, y = cases.features(), cases.label_matrix()
    optimizer = getattr(keras.optimizers, cls)(learning_rate=2e-3)
    clf = BaseMLPClassifier(8, optimizer=optimizer, epochs=2, random_state=0, warm_start=True)
    clf.fit(X, y).save(tmp_path / "m", with_optimizer=True)
    loaded = skmlclf.load(tmp_path / "m")
    assert loaded.optimizer.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(loaded.fit(X, y).predict_proba(X), clf.fit(X, y).predict_proba(X))


def test_a_schedule_of_keras_is_saved(tmp_path):
    X, y = cases.features(), cases.label_matrix()
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 10)
    clf = BaseMLPClassifier(8, optimizer=keras.optimizers.SGD(schedule), epochs=2, random_state=0)
    clf.partial_fit(X, y).save(tmp_path / "m", with_optimizer=True)
    loaded = skmlclf.load(tmp_path / "m")
    np.testing.assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X), clf.partial_fit(X, y).predict_proba(X)
    )


PARAMS = {
    "numpy scalars": {"hidden_units": np.int64(5), "learning_rate": np.float32(1e-3)},
    "tuple": {"hidden_units": (5, 4)},
    "list": {"hidden_units": [5, 4]},
    "label names": {"label_names": [f"n{i}" for i in range(cases.N_LABELS)]},
    "index": {"label_names": pd.Index([f"n{i}" for i in range(cases.N_LABELS)])},
    "weights by number": {"class_weight": {0: 2.0, 3: 0.5}},
    "weights": {"class_weight": np.arange(1.0, 1 + cases.N_LABELS)},
    "generator": {"random_state": np.random.RandomState(3)},
    "scoring": {"scoring": "precision_at_2", "early_stopping": True},
}


@pytest.mark.parametrize("name", PARAMS)
def test_parameters_of_every_kind_are_saved(tmp_path, name):
    X, y = cases.features(), cases.label_matrix()
    clf = BaseMLPClassifier(**{"hidden_units": 8, "epochs": 2, "random_state": 0, **PARAMS[name]})
    clf.fit(X, y).save(tmp_path / "m")
    loaded = skmlclf.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    refitted, expected = clone(loaded).fit(X, y), clone(clf).fit(X, y)
    np.testing.assert_array_equal(refitted.predict_proba(X), expected.predict_proba(X))


def test_parameters_that_were_changed_after_the_fit(tmp_path):
    X, y = cases.features(), cases.label_matrix()
    clf = BlockMLPClassifier((8, 6), epochs=1, random_state=0, warm_start=True).fit(X, y)
    clf.set_params(hidden_units=99, dropout=0.0, activation="tanh", optimizer="sgd")
    clf.save(tmp_path / "m")
    loaded = skmlclf.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match="Training resumes with"):
        loaded.fit(X, y)


def test_what_is_not_fitted_is_saved_too(tmp_path):
    for name, estimator in {**cases.classifiers(), **cases.pipelines()}.items():
        skmlclf.save(estimator, tmp_path / name)
        loaded = skmlclf.load(tmp_path / name, custom_objects=cases.CUSTOM_OBJECTS)
        assert repr(loaded) == repr(estimator)


def test_callbacks_are_left_out(tmp_path):
    X, y = cases.features(), cases.label_matrix()
    stop = keras.callbacks.TerminateOnNaN()
    clf = BaseMLPClassifier(8, epochs=1, callbacks=[stop]).fit(X, y)
    clf.save(tmp_path / "m")
    assert skmlclf.load(tmp_path / "m").callbacks is None
    assert clf.callbacks == [stop]


def test_the_same_estimator_gives_the_same_file(tmp_path):
    clf = BaseMLPClassifier(8, epochs=1).fit(cases.features(), sparse.eye_array(96, 7))
    clf.save(tmp_path / "a")
    skmlclf.load(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_functions_are_passed_to_load(tmp_path):
    clf = fitted("network, multilabel")
    clf.save(tmp_path / "m")
    with pytest.raises(ValueError, match=r"custom_objects=\{'build_towers': ...\}"):
        skmlclf.load(tmp_path / "m")

    def build_towers(n_features, n_outputs, width):
        model = cases.build_towers(n_features, n_outputs, width)
        inputs = keras.Input((n_features,))
        return keras.Model(inputs, keras.ops.tanh(model(inputs)))

    with pytest.raises(ValueError, match="builds another network than the one that was trained"):
        skmlclf.load(tmp_path / "m", custom_objects={"build_towers": build_towers})
    with pytest.raises(ValueError, match="passed as build_network, failed"):
        skmlclf.load(tmp_path / "m", custom_objects={"build_towers": lambda: None})


class Odd(keras.optimizers.SGD):
    """An optimizer that is not Keras' own."""


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"optimizer": Odd()}, "params.optimizer"),
        ({"scoring": object.__init__}, "params.scoring"),
        ({"random_state": np.random.RandomState(np.random.PCG64(0))}, "MT19937"),
        ({"label_names": [frozenset()]}, "params.label_names.0"),
        ({"learning_rate": -1.0}, "learning_rate"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_no_file_can_hold_is_refused_before_anything_is_written(tmp_path, params, named):
    with pytest.raises(ValueError, match=named):
        skmlclf.save(BaseMLPClassifier(**params), tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_other_estimators_are_refused(tmp_path):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    class Subclass(BaseMLPClassifier):
        pass

    search = GridSearchCV(BaseMLPClassifier(4, epochs=1), {"epochs": [1]}, cv=2)
    search.fit(cases.features(), cases.label_matrix())
    with pytest.raises(ValueError, match="save its best_estimator_"):
        skmlclf.save(search, tmp_path / "m")
    pipe = cases.make_pipeline(cases.PCA(2), LogisticRegression())
    for estimator in (pipe, LogisticRegression(), Subclass(), object(), "text"):
        with pytest.raises(ValueError, match="is none of the estimators that a file can hold"):
            skmlclf.save(estimator, tmp_path / "m")
    assert not list(tmp_path.iterdir())
    skmlclf.save(search.best_estimator_, tmp_path / "m")


@pytest.mark.parametrize("frozen", [False, True])
def test_an_estimator_that_was_tuned_after_its_fit_is_written_once(tmp_path, frozen):
    X, y = cases.features(), cases.label_matrix()
    clf = BaseMLPClassifier(16, epochs=1, random_state=0).fit(X, y)
    tuned = LabelThresholdClassifier(FrozenEstimator(clf) if frozen else clf, cv="prefit")
    skmlclf.save(tuned, tmp_path / "fresh")
    tuned.set_params(objective="samples_f1", calibrate=True).fit(X, y)
    skmlclf.save(tuned, tmp_path / "m")
    clf.save(tmp_path / "inside")
    assert (tmp_path / "m").stat().st_size < 2 * (tmp_path / "inside").stat().st_size
    assert not hasattr(skmlclf.load(tmp_path / "fresh"), "estimator_")
    loaded = skmlclf.load(tmp_path / "m")
    assert repr(loaded) == repr(tuned)
    assert loaded.estimator_ is loaded.estimator
    for name in ("predict", "predict_proba"):
        np.testing.assert_array_equal(getattr(loaded, name)(X), getattr(tuned, name)(X))
    kept = ("best_score_", "temperature_", "nonempty_", "thresholds_", "label_names_")
    assert [getattr(loaded, name) for name in kept] == [getattr(tuned, name) for name in kept]


def test_functions_of_one_name_are_refused(tmp_path):
    def twin():
        return lambda n_features, n_outputs, other=None: cases.build_towers(n_features, n_outputs)

    clf = NetworkClassifier(twin(), network__other=twin())
    with pytest.raises(ValueError, match="second function of the name '<lambda>'"):
        clf.save(tmp_path / "m")


def test_a_file_is_as_large_as_the_weights(tmp_path):
    X = np.zeros((64, 512), np.float32)
    y = sparse.random_array((64, 1000), density=0.01, random_state=0).astype(bool)
    clf = BaseMLPClassifier(256, epochs=1, warm_start=True, random_state=0).fit(X, y)
    weights = 4 * clf.model_.count_params()
    clf.save(tmp_path / "m")
    clf.save(tmp_path / "resumable", with_optimizer=True)
    assert Path(tmp_path / "m").stat().st_size < 1.03 * weights
    assert 2.9 * weights < Path(tmp_path / "resumable").stat().st_size < 3.1 * weights


def test_the_bank_of_a_fixed_estimator_is_saved_with_it_once(tmp_path):
    X, y = cases.features(), cases.label_matrix()
    network = BaseMLPClassifier(64, epochs=1, random_state=0).fit(X, y)
    network.save(tmp_path / "network")
    for name, blend in {
        "frozen": NeighborBlendClassifier(FrozenEstimator(network)),
        "prefit": NeighborBlendClassifier(network, cv="prefit"),
    }.items():
        blend.fit(X[:50], y[:50]).save(tmp_path / name)
        loaded = skmlclf.load(tmp_path / name)
        assert repr(loaded) == repr(blend)
        assert loaded.estimator_ is loaded.estimator
        for each in (blend, loaded):
            each.partial_fit(X[50:], y[50:])
        np.testing.assert_array_equal(loaded.predict_proba(X), blend.predict_proba(X))
        bank = 2 * 50 * 64
        assert (tmp_path / name).stat().st_size < (
            tmp_path / "network"
        ).stat().st_size + bank + 4000
