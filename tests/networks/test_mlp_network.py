import keras
import numpy as np
import pytest

from skmlclf.networks import MLPNetwork, build_model, logits_of, set_dropout


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


def test_a_block_is_dense_normalisation_activation_dropout():
    network = MLPNetwork(6, 4, "sigmoid", (8, 7), batch_normalization=True, dropout=True)
    assert layers(network, dropout=0.5)[1:5] == ["dense_1", "norm_1", "activation_1", "dropout_1"]
    assert network.build().get_layer("dense_1").bias is None


def test_residuals_join_layers_of_one_width():
    network = MLPNetwork(8, 4, "sigmoid", (8, 8, 5), residual=True)
    assert [n for n in layers(network) if n.startswith("residual")] == ["residual_2"]


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
    model = built(MLPNetwork(4, 2, "sigmoid", (1000,), dropout=True), dropout=rate)
    x = np.ones((50, 1000), dtype="float32")
    layer = model.get_layer("dropout_1")
    dropped = np.asarray(layer(x, training=True))
    np.testing.assert_allclose((dropped == 0).mean(), rate, atol=0.01)
    np.testing.assert_allclose(dropped.mean(), 1, atol=0.02)
    assert not np.array_equal(dropped, np.asarray(layer(x, training=True)))
    np.testing.assert_array_equal(np.asarray(layer(x, training=False)), x)


def test_a_model_survives_keras_own_format(tmp_path):
    network = MLPNetwork(6, 4, "sigmoid", (8,), batch_normalization=True, dropout=True)
    model = built(network, dropout=0.3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((3, 6)).astype("float32")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert float(loaded.get_layer("dropout_1").rate) == pytest.approx(0.3)


def test_bfloat16_computes_low_and_keeps_weights_high():
    model = built(MLPNetwork(6, 4, "sigmoid", (8,), precision="bfloat16"))
    assert model.get_layer("dense_1").compute_dtype == "bfloat16"
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert model.outputs[0].dtype == "float32"
