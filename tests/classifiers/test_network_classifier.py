import pickle

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmlclf import NetworkClassifier
from skmlclf.metrics import get_scorer
from skmlclf.training import _programs, clear_programs


def linear(n_features, n_outputs):
    return keras.Sequential([keras.layers.Dense(n_outputs)])


def gated_towers(n_features, n_outputs, width=8):
    inputs = keras.Input((n_features,))
    half = n_features // 2
    video = keras.layers.Dense(width, activation="relu")(inputs[:, :half])
    audio = keras.layers.Dense(width, activation="relu")(inputs[:, half:])
    gate = keras.layers.Dense(width, activation="sigmoid")(inputs)
    mixed = gate * video + (1.0 - gate) * audio
    return keras.Model(inputs, keras.layers.Dense(n_outputs)(mixed))


def regularised(n_features, n_outputs, width=8, l2=1e-2):
    return keras.Sequential(
        [
            keras.layers.Dense(
                width, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)
            ),
            keras.layers.Dense(n_outputs, activity_regularizer=keras.regularizers.L1(1e-3)),
        ]
    )


def with_state(n_features, n_outputs, rate=0.3):
    return keras.Sequential(
        [
            keras.layers.Dense(8, use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.Dropout(rate),
            keras.layers.Dense(n_outputs),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self, n_outputs):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.out = keras.layers.Dense(n_outputs)

    def call(self, inputs):
        return self.out(self.hidden(inputs))


def subclassed(n_features, n_outputs):
    return Subclassed(n_outputs)


NETWORKS = pytest.mark.parametrize(
    "build", [linear, gated_towers, regularised, with_state, subclassed], ids=lambda f: f.__name__
)


def problem(n_rows=90, n_features=12, n_labels=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    scores = X @ rng.standard_normal((n_features, n_labels))
    return X, (scores > 3).astype(np.int64)


def make(build=gated_towers, **kwargs):
    return NetworkClassifier(build, **{"epochs": 3, "random_state": 0, **kwargs})


@NETWORKS
def test_any_network_is_a_classifier(build):
    X, y = problem()
    clf = make(build).fit(X, sparse.csr_matrix(y))
    np.testing.assert_array_equal(clf.predict_proba(X), make(build).fit(X, y).predict_proba(X))
    assert sparse.issparse(clf.predict(X))
    labels, _scores = clf.predict_topk(X, k=3)
    np.testing.assert_array_equal(
        labels, np.argsort(-clf.decision_function(X), axis=1, kind="stable")[:, :3]
    )
    np.testing.assert_allclose(clf.model_.predict(X, verbose=0), clf.predict_proba(X), rtol=1e-5)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    before = clf.predict_proba(X)
    assert not np.array_equal(clf.partial_fit(X, y).predict_proba(X), before)
    np.testing.assert_array_equal(loaded.partial_fit(X, y).predict_proba(X), clf.predict_proba(X))


@NETWORKS
def test_equal_networks_share_one_compiled_step(build):
    X, y = problem()
    clear_programs()
    for seed in (0, 1):
        clone(make(build, random_state=seed, learning_rate=1e-2 / (1 + seed))).fit(X, y)
    assert sum(key[0] == "step" for key in _programs._programs) == 1


def test_a_closure_that_changed_is_another_network():
    X, y = problem()
    settings = {"width": 4, "activation": "relu"}

    def build(n_features, n_outputs):
        hidden = keras.layers.Dense(settings["width"], activation=settings["activation"])
        return keras.Sequential([hidden, keras.layers.Dense(n_outputs)])

    fits = [make(build).fit(X, y)]
    for name, value in (("activation", "tanh"), ("width", 6)):
        settings[name] = value
        fits.append(make(build).fit(X, y))
    fresh = []
    for activation, width in (("relu", 4), ("tanh", 4), ("tanh", 6)):
        clear_programs()
        settings.update(activation=activation, width=width)
        fresh.append(make(build).fit(X, y))
    for clf, alone in zip(fits, fresh, strict=True):
        np.testing.assert_array_equal(clf.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize(
    "optimizer",
    [keras.optimizers.Adam(1e-2), keras.optimizers.SGD(0.3), keras.optimizers.RMSprop(1e-3)],
    ids=lambda o: o.name,
)
def test_regularised_weights_are_those_of_keras(optimizer):
    X, y = problem()

    class Start(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.weights = self.model.get_weights()

    start = Start()
    clf = make(
        regularised, optimizer=optimizer, callbacks=[start], batch_size=len(X), epochs=5
    ).fit(X, y)
    inputs = keras.Input((12,))
    outputs = keras.layers.Activation("sigmoid")(regularised(12, 7)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(type(optimizer).from_config(optimizer.get_config()), "binary_crossentropy")
    model.set_weights(start.weights)
    history = model.fit(X, y.astype("float32"), batch_size=len(X), epochs=5, verbose=0).history
    for ours, theirs in zip(clf.model_.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(clf.history_["loss"], history["loss"], rtol=1e-5)


def test_regularisation_counts_in_the_held_out_loss():
    X, y = problem()
    clf = make(regularised, network__l2=0.5).fit(X, y, X_val=X, y_val=y)
    model = clf.model_
    model.compile(loss="binary_crossentropy")
    expected = model.evaluate(X, y.astype("float32"), batch_size=len(X), verbose=0)
    np.testing.assert_allclose(clf.history_["val_loss"][-1], expected, rtol=1e-5)


def test_grid_search_over_arguments():
    X, y = problem()

    # Pickled by value: worker processes do not know this file.
    def build(n_features, n_outputs, width=8):
        layers = [keras.layers.Dense(width, activation="relu"), keras.layers.Dense(n_outputs)]
        return keras.Sequential(layers)

    search = GridSearchCV(
        make(build),
        {"network__width": [2, 16], "learning_rate": [1e-4, 1e-2]},
        scoring=get_scorer("precision_at_2"),
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    width = search.best_params_["network__width"]
    assert search.best_estimator_.model_.count_params() == 12 * width + width + 7 * width + 7
    assert search.best_params_["learning_rate"] == 1e-2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_arguments_are_parameters():
    clf = make(network__width=4)
    assert clf.get_params()["network__width"] == 4
    assert clone(clf).get_params() == clf.get_params()
    assert clf.set_params(network__width=6, epochs=1).get_params()["network__width"] == 6
    assert "network__width=6" in repr(clf)
    with pytest.raises(ValueError, match=r"no argument 'depth'. Valid ones are .*network__width"):
        clf.set_params(network__depth=3)
    with pytest.raises(TypeError, match="network__width"):
        clone(NetworkClassifier(linear, width=4)).fit(*problem())
    with pytest.raises(ValueError, match="no argument 'width'"):
        make(linear, network__width=3).fit(*problem())


def compiled(n_features, n_outputs):
    model = linear(n_features, n_outputs)
    model.compile("adam", "mse")
    return model


WRONG = {
    "no model": (lambda n, m: keras.layers.Dense(m), TypeError, "must return a keras.Model, got"),
    "compiled": (compiled, ValueError, "expected an uncompiled one"),
    "width": (lambda n, m: linear(n, m + 1), ValueError, r"shape \(None, 7\).* got shape"),
    "features": (
        lambda n, m: keras.Sequential([keras.Input((n + 1,)), keras.layers.Dense(m)]),
        ValueError,
        r"does not take features of shape\s*\(None, 12\)",
    ),
    "sigmoid": (
        lambda n, m: keras.Sequential([keras.layers.Dense(m, activation="sigmoid", name="end")]),
        ValueError,
        "'end' applies a sigmoid",
    ),
    "softmax": (
        lambda n, m: keras.Sequential([keras.layers.Dense(m), keras.layers.Softmax(name="end")]),
        ValueError,
        "'end' applies a softmax",
    ),
    "float64": (
        lambda n, m: keras.Sequential([keras.layers.Dense(m, dtype="float64", name="wide")]),
        ValueError,
        "'wide' .*float64",
    ),
    "stateful": (
        lambda n, m: keras.Sequential(
            [
                keras.layers.Reshape((1, n)),
                keras.layers.LSTM(3, stateful=True, name="memory"),
                keras.layers.Dense(m),
            ]
        ),
        ValueError,
        "'memory' .*stateful|does not take features",
    ),
    "no function": ("linear", (TypeError, ValueError), "callable"),
}


@pytest.mark.parametrize(("build", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_trained_is_refused_by_name(build, error, message):
    X, y = problem()
    clf = make(linear).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(error, match=message):
        clf.set_params(build_network=build).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_the_output_bias_starts_at_the_log_odds_unless_told():
    X, y = problem()
    options = {"optimizer": keras.optimizers.SGD(1e-12), "epochs": 1}
    rate = y.mean(axis=0)
    for init, expected in ((True, rate), (False, 0.5)):
        clf = make(linear, init_output_bias=init, **options).fit(0 * X, y)
        np.testing.assert_allclose(
            clf.predict_proba(0 * X)[0], np.broadcast_to(expected, 7), rtol=1e-4
        )


def test_building_leaves_the_callers_generators_and_policy():
    import random

    X, y = problem()
    random.seed(5)
    expected = random.random()
    random.seed(5)
    keras.config.set_dtype_policy("float32")
    make(with_state).fit(X, y)
    assert random.random() == expected
    assert keras.config.dtype_policy().name == "float32"


def test_transposed_products_and_biases_of_images_have_their_gradients():
    def build(n_features, n_outputs):
        inputs = keras.Input((n_features,))
        image = keras.layers.Reshape((n_features, 1))(inputs)
        x = keras.layers.Conv1D(4, 3, activation="relu")(image)
        x = keras.layers.GlobalAveragePooling1D()(x)
        x = keras.layers.Dense(5)(keras.layers.Concatenate()([x, inputs]))
        x = keras.layers.Lambda(
            lambda t: keras.ops.transpose(
                keras.ops.matmul(
                    keras.ops.transpose(keras.ops.ones((5, 5))), keras.ops.transpose(t)
                )
            )
        )(x)
        return keras.Model(inputs, keras.layers.Dense(n_outputs)(x))

    X, y = problem()

    class Start(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.weights = self.model.get_weights()

    start = Start()
    clf = make(
        build, optimizer=keras.optimizers.SGD(0.1), callbacks=[start], batch_size=len(X), epochs=3
    ).fit(X, y)
    inputs = keras.Input((12,))
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(build(12, 7)(inputs)))
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    model.set_weights(start.weights)
    model.fit(X, y.astype("float32"), batch_size=len(X), epochs=3, verbose=0)
    for ours, theirs in zip(clf.model_.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
