"""Dropout of whole columns of a batch, against products with the full matrices."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmlclf.networks import DropoutDense

WIDTH, UNITS = 40, 7


def layer_of(rate, width=WIDTH, **params):
    layer = DropoutDense(UNITS, rate, seed=3, **params)
    layer.build((None, width))
    return layer


def factors_of(layer, width=WIDTH):
    """Return what the next batch's inputs are multiplied with, one number per input."""
    outputs = np.asarray(layer(np.eye(width, dtype="float32"), training=True))
    return (outputs - layer.bias.numpy())[:, 0] / layer.kernel.numpy()[:, 0]


def batch(n_rows=5, width=WIDTH):
    return np.random.default_rng(0).standard_normal((n_rows, width)).astype("float32")


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.7])
def test_the_same_inputs_are_dropped_for_all_rows_and_others_in_the_next_batch(rate):
    layer = layer_of(rate)
    first, second = factors_of(layer), factors_of(layer)
    for factors in (first, second):
        kept = round(WIDTH * (1 - rate))
        assert np.count_nonzero(factors) == kept
        np.testing.assert_allclose(factors[factors != 0], WIDTH / kept, rtol=1e-5)
    assert np.any(first != second)


@pytest.mark.parametrize(("width", "rate"), [(3, 0.5), (7, 0.2), (1, 0.0)])
def test_the_rate_is_right_on_average_where_few_inputs_cannot_be_divided_by_it(width, rate):
    layer = layer_of(rate, width)
    factors = np.array([factors_of(layer, width) for _ in range(600)])
    np.testing.assert_allclose((factors == 0).mean(), rate, atol=0.03)
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.15)


def test_one_input_is_kept_at_any_rate():
    layer = layer_of(0.99, 2)
    for _ in range(20):
        assert sorted(factors_of(layer, 2)) == [0, pytest.approx(2, rel=1e-5)]


def test_other_than_rows_of_features_are_refused():
    with pytest.raises(ValueError, match="expected ndim=2, found ndim=3"):
        DropoutDense(3)(np.ones((2, 4, 6), "float32"), training=False)


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_gradients_are_those_of_the_full_product(use_bias, traced):
    layer = layer_of(0.5, use_bias=use_bias)
    factors = tf.constant(factors_of(layer_of(0.5)))
    x = tf.constant(batch())
    upstream = tf.constant(np.random.default_rng(1).standard_normal((5, UNITS)).astype("float32"))
    weights = [v.value for v in layer.trainable_variables]

    def full(x):
        product = (x * factors) @ weights[0]
        return product + weights[1] if use_bias else product

    def outputs_and_gradients(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = function(x)
        return [outputs, *tape.gradient(outputs, [x, *weights], upstream)]

    run = tf.function(outputs_and_gradients) if traced else outputs_and_gradients
    found = run(lambda x: layer(x, training=True))
    for value, expected in zip(found, outputs_and_gradients(full), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(value), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.6])
def test_predictions_and_a_rate_of_zero_drop_nothing(rate):
    layer = layer_of(rate)
    expected = batch() @ layer.kernel.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer(batch(), training=rate == 0), expected, rtol=1e-4, atol=1e-5)


def test_the_global_generator_is_left_alone_and_a_seed_repeats_the_draws():
    keras.utils.set_random_seed(0)
    first = factors_of(layer_of(0.5))
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(factors_of(layer_of(0.5)) == 0, first == 0)


def test_bfloat16_computes_low_and_keeps_the_weights_high():
    layer = layer_of(0.5, dtype=keras.DTypePolicy("mixed_bfloat16"))
    with tf.GradientTape() as tape:
        outputs = layer(batch(), training=True)
    assert outputs.dtype == tf.bfloat16
    gradient = tf.convert_to_tensor(tape.gradient(outputs, layer.kernel.value))
    assert gradient.dtype == tf.float32
    assert np.count_nonzero(np.asarray(gradient).any(axis=1)) == WIDTH // 2


def test_keras_own_fit_trains_it():
    model = keras.Sequential([keras.Input((WIDTH,)), DropoutDense(1, 0.3, name="only")])
    model.compile("adam", "mse")
    before = model.get_layer("only").kernel.numpy()
    model.fit(batch(20), batch(20)[:, :1], epochs=1, verbose=0)
    assert (model.get_layer("only").kernel.numpy() != before).any()
    assert model.get_layer("only").get_config()["rate"] == 0.3
