"""Fits hold up against Keras' own loop: the same steps, the same calls of callbacks."""

import keras
import numpy as np
import pytest
from scipy import sparse

from skmlclf.networks import MLPNetwork, build_model
from skmlclf.training import (
    RowBatches,
    _programs,
    check_optimizer,
    clear_programs,
    make_optimizer,
    train,
)


def problem(n_rows=40):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 6)).astype(np.float32)
    return X, sparse.csr_matrix((rng.random((n_rows, 5)) < 0.3).astype(np.uint8))


class Recorder(keras.callbacks.Callback):
    """Writes down what it is called for."""

    def __init__(self):
        super().__init__()
        self.events = []

    def on_train_begin(self, logs=None):
        self.events.append(("train", self.params["epochs"], self.params["steps"]))

    def on_train_batch_begin(self, batch, logs=None):
        self.events.append(("begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(("batch", batch, round(logs["loss"], 4)))

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(("epoch", epoch, sorted(logs)))
        if epoch == 1:
            self.model.stop_training = True


def keras_fit(callbacks, optimizer=None, epochs=3, batch_size=16):
    """Fit the same network on the same batches with Keras' own loop."""
    network = MLPNetwork(6, 5, "sigmoid", (8,))
    X, y = problem()
    model = build_model(network, 0)
    model.compile(optimizer or keras.optimizers.Adam(1e-2), "binary_crossentropy")
    rng = np.random.RandomState(0)

    n_steps = -(-len(X) // batch_size)
    # An epoch is cut evenly.
    bounds = np.arange(n_steps + 1) * len(X) // n_steps

    def batches():
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for rows in np.array_split(order, bounds[1:-1]):
                yield X[rows], y[rows].toarray().astype(np.float32)

    model.fit(
        batches(),
        epochs=epochs,
        steps_per_epoch=n_steps,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    return model


def our_fit(callbacks, optimizer=None, epochs=3, batch_size=16):
    network = MLPNetwork(6, 5, "sigmoid", (8,))
    X, y = problem()
    model = build_model(network, 0)
    model.compile(
        make_optimizer(optimizer or keras.optimizers.Adam(1e-2), None, model.trainable_variables),
        "binary_crossentropy",
    )
    train(
        network,
        model,
        RowBatches(X, y, None, batch_size),
        epochs=range(epochs),
        rng=np.random.RandomState(0),
        label_reduction="mean",
        callbacks=callbacks,
    )
    return model


def test_callbacks_are_called_as_keras_calls_them():
    ours, theirs = Recorder(), Recorder()
    our_fit([ours])
    keras_fit([theirs])
    assert ours.events == theirs.events
    assert ("batch", 2) in {event[:2] for event in ours.events}


def test_a_rate_finder_steps_once_per_batch():
    class RateFinder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 1.1 * self.model.optimizer.learning_rate

    rates = [
        float(fit([RateFinder()], batch_size=1).optimizer.learning_rate.numpy())
        for fit in (our_fit, keras_fit)
    ]
    np.testing.assert_allclose(rates, 1e-2 * 1.1**120, rtol=1e-4)


def test_a_callback_stops_after_a_batch():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    assert [int(fit([Stop()]).optimizer.iterations) for fit in (our_fit, keras_fit)] == [2, 2]


def test_checkpoints_every_few_batches(tmp_path):
    for name, fit in (("ours", our_fit), ("theirs", keras_fit)):
        path = str(tmp_path / name) + "-{epoch}-{batch}.weights.h5"
        fit(
            [keras.callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True)],
            batch_size=8,
        )
    saved = [
        sorted(f.name.split("-", 1)[1] for f in tmp_path.glob(f"{n}-*")) for n in ("ours", "theirs")
    ]
    assert saved[0] == saved[1]
    assert len(saved[0]) == 7


def test_callbacks_that_do_not_watch_batches_cost_no_calls(tmp_path):
    calls = []

    class Progress(keras.callbacks.Callback):
        def on_progress(self, n_batches, logs=None):
            calls.append(n_batches)

    our_fit([Progress(), keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))])
    # The three batches of an epoch in one call of the compiled step.
    assert calls == [3, 3, 3]


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(1e-2, beta_1=0.8),
    "adam clipped": lambda: keras.optimizers.Adam(1e-2, clipnorm=0.01),
    "adam accumulating": lambda: keras.optimizers.Adam(1e-2, gradient_accumulation_steps=2),
    "adam averaging": lambda: keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.5),
    "adam on a schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(1e-2, 9)
    ),
    "sgd": lambda: keras.optimizers.SGD(0.5),
    "sgd with momentum": lambda: keras.optimizers.SGD(0.5, momentum=0.8),
    "adamw": lambda: keras.optimizers.AdamW(1e-2, weight_decay=0.5),
    "rmsprop": lambda: keras.optimizers.RMSprop(1e-3),
    "adafactor": lambda: keras.optimizers.Adafactor(1e-2),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_any_optimizer_makes_the_steps_that_it_makes_in_keras(make):
    ours, theirs = our_fit([], make()), keras_fit([], make())
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_optimizers_of_one_kind_with_other_settings_do_not_share_a_step():
    clear_programs()
    kernels = [
        our_fit([], keras.optimizers.Adam(1e-2, beta_1=beta)).get_weights()[0]
        for beta in (0.9, 0.5, 0.9)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[2])
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3
    assert sum(key[0] == "step" for key in _programs._programs) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        "newton",
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        keras.optimizers.Adam(loss_scale_factor=2.0),
    ],
    ids=["name", "wrapper", "factor"],
)
def test_an_optimizer_that_cannot_be_used_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"newton|LossScaleOptimizer|Adam"):
        check_optimizer(wrong)
