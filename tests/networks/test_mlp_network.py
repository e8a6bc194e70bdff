import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmlclf.networks import (
    DropoutDense,
    GroupRMSNormalization,
    MLPNetwork,
    RootProbabilities,
    auxiliary_logits_of,
    build_model,
    hidden_layer_of,
    logits_of,
    set_dropout,
    set_output_bias,
)


def built(network, dropout=0.0, seed=0):
    model = build_model(network, seed)
    set_dropout(network, model, dropout)
    return model


def layers(network, **kwargs):
    return [layer.name for layer in built(network, **kwargs).layers]


def test_the_base_is_one_dense_layer():
    model = built(MLPNetwork(6, 4, "sigmoid", (8,)))
    assert [layer.name for layer in model.layers] == [
        "embeddings",
        "dense_1",
        "activation_1",
        "logits",
        "probabilities",
    ]
    assert model.count_params() == 6 * 8 + 8 + 8 * 4 + 4


def test_a_block_is_dense_normalisation_activation_and_the_next_layer_drops_its_units():
    network = MLPNetwork(6, 4, "sigmoid", (8, 7), batch_normalization=True, dropout=True)
    assert layers(network, dropout=0.5)[1:4] == ["dense_1", "norm_1", "activation_1"]
    drops = [layer.name for layer in built(network).layers if isinstance(layer, DropoutDense)]
    assert drops == ["dense_2", "logits"]
    assert network.build().get_layer("dense_1").bias is None


def test_residuals_join_layers_of_one_width():
    network = MLPNetwork(8, 4, "sigmoid", (8, 8, 5), residual=True)
    assert [n for n in layers(network) if n.startswith("residual")] == ["residual_2"]


CORRECTED = MLPNetwork(
    6,
    4,
    "sigmoid",
    (8, 8),
    feature_groups=(4, 2),
    normalize_inputs=True,
    batch_normalization=True,
    dropout=True,
    residual=True,
    input_dropout=True,
    label_units=(12, 9),
)


@pytest.mark.parametrize(
    "network", [CORRECTED, MLPNetwork(6, 4, "softmax", (8,), label_units=(2,))]
)
def test_variables_are_those_of_a_built_model(network):
    model = built(network)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    # A dropout is a part of the layer whose inputs it drops.
    dropping = {
        "dropout_1": "dense_2",
        "dropout_2": "logits_0",
        "dropout_labels_1": "correction_1",
        "dropout_labels_2": "correction_2",
    }
    for (name, shape), variable in zip(network.variables(), variables, strict=True):
        layer, kind = name.split(".")
        assert tuple(variable.shape) == shape
        assert kind == "seed" or variable.path.endswith(f"{dropping.get(layer, layer)}/{kind}")


def test_corrections_are_added_to_the_logits_before_them():
    model = built(CORRECTED)
    set_output_bias(CORRECTED, model, np.arange(4.0))
    np.testing.assert_array_equal(model.get_layer("logits_0").bias, np.arange(4))
    logits = [*auxiliary_logits_of(CORRECTED, model), logits_of(model)]
    assert hidden_layer_of(CORRECTED, model) is model.get_layer("logits_0").input
    stages = keras.Model(model.inputs, logits)
    x = np.random.default_rng(0).standard_normal((3, 6)).astype("float32")
    first, second, last = stages.predict(x, verbose=0)
    assert not np.allclose(first, second)
    assert not np.allclose(second, last)
    for i in (1, 2):
        kernel = model.get_layer(f"correction_{i}").kernel
        kernel.assign(0 * kernel)
    for each in stages.predict(x, verbose=0):
        np.testing.assert_array_equal(each, first)
    one_head = MLPNetwork(6, 4, "sigmoid", ())
    assert auxiliary_logits_of(one_head, built(one_head)) == []


def test_rates_of_dropout_are_those_of_inputs_and_of_hidden_layers():
    model = build_model(CORRECTED, 0)
    set_dropout(CORRECTED, model, 0.5, 0.2)
    rates = {layer.name: float(layer.rate) for layer in model.layers if hasattr(layer, "rate")}
    assert rates.pop("input_dropout") == pytest.approx(0.2)
    assert set(rates.values()) == {0.5}
    assert set(rates) == {"dense_2", "logits_0", "correction_1", "correction_2"}
    linear = MLPNetwork(6, 4, "sigmoid", (), dropout=True, input_dropout=True)
    model = build_model(linear, 0)
    set_dropout(linear, model, 0.5, 0.2)
    assert [float(x.rate) for x in model.layers if hasattr(x, "rate")] == [pytest.approx(0.2)]


def test_groups_are_scaled_each_by_itself():
    layer = GroupRMSNormalization((3, 2))
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    scaled = np.asarray(layer(x))
    for columns, width in ((slice(0, 3), 3), (slice(3, 5), 2)):
        lengths = np.linalg.norm(scaled[:, columns], axis=1)
        np.testing.assert_allclose(lengths, np.sqrt(width), rtol=1e-5)
    other = x * np.float32([100, 100, 100, 0.01, 0.01])
    np.testing.assert_allclose(np.asarray(layer(other)), scaled, rtol=1e-4)
    np.testing.assert_array_equal(np.asarray(layer(0 * x)), 0 * x)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_roots_of_probabilities_have_finite_gradients(output):
    layer = RootProbabilities(output)
    logits = tf.constant([[-200.0, -3.0, 0.0, 2.0], [200.0, 0.0, -90.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        roots = layer(logits)
    expected = getattr(tf.nn, output)(tf.cast(logits, tf.float64))
    np.testing.assert_allclose(np.asarray(roots) ** 2, expected, rtol=1e-5, atol=1e-30)
    assert np.isfinite(tape.gradient(roots, logits)).all()


def test_no_hidden_layer_is_a_linear_model():
    model = built(MLPNetwork(6, 4, "softmax", ()))
    x = np.random.default_rng(0).standard_normal((3, 6)).astype("float32")
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(
        keras.Model(model.inputs, logits_of(model)).predict(x, verbose=0),
        x @ kernel + bias,
        rtol=1e-5,
    )


def test_a_seed_decides_the_weights_and_no_global_generator():
    network = MLPNetwork(6, 4, "sigmoid", (8,))
    keras.utils.set_random_seed(0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second, other = (network.build(seed=seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    network = MLPNetwork(1000, 2, "sigmoid", (4,), input_dropout=True)
    model = build_model(network, 0)
    set_dropout(network, model, 0.0, rate)
    x = np.ones((50, 1000), dtype="float32")
    layer = model.get_layer("input_dropout")
    dropped = np.asarray(layer(x, training=True))
    np.testing.assert_allclose((dropped == 0).mean(), rate, atol=0.01)
    np.testing.assert_allclose(dropped.mean(), 1, atol=0.02)
    assert not np.array_equal(dropped, np.asarray(layer(x, training=True)))
    np.testing.assert_array_equal(np.asarray(layer(x, training=False)), x)


def test_a_model_survives_keras_own_format(tmp_path):
    model = built(CORRECTED, dropout=0.3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((3, 6)).astype("float32")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert float(loaded.get_layer("dense_2").rate) == pytest.approx(0.3)


def test_bfloat16_computes_low_and_keeps_weights_high():
    model = built(MLPNetwork(6, 4, "sigmoid", (8,), precision="bfloat16"))
    assert model.get_layer("dense_1").compute_dtype == "bfloat16"
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert model.outputs[0].dtype == "float32"


@pytest.mark.parametrize("imports", ["import skmlclf, keras", "import keras, skmlclf"])
def test_a_saved_model_loads_after_importing_the_package(tmp_path, imports):
    network = MLPNetwork(6, 4, "sigmoid", (8,), dropout=True)
    built(network, dropout=0.3).save(tmp_path / "model.keras")
    code = (
        f"{imports}; model = keras.models.load_model({str(tmp_path / 'model.keras')!r});"
        "print(round(float(model.get_layer('logits').rate.numpy()), 4))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0.3"]
