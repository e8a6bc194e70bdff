"""Averages of the weights: their values, and where they stand in for the weights."""

import keras
import numpy as np
import pytest

from skmlclf import BaseMLPClassifier, BlockMLPClassifier


class Weights(keras.callbacks.Callback):
    """Writes down the weights after each batch and each epoch."""

    def on_train_begin(self, logs=None):
        self.batches, self.epochs = [self.model.get_weights()], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())


def fitted(cls=BaseMLPClassifier, units=5, **params):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 6)).astype(np.float32)
    y = (X @ rng.standard_normal((6, 4)) > 1).astype(int)
    watch = Weights()
    settings = {"epochs": 2, "batch_size": 12, "learning_rate": 0.05, "random_state": 0, **params}
    clf = cls(units, callbacks=[watch], **settings).fit(X, y, X_val=X, y_val=y)
    return clf, watch, X, y


def test_they_follow_the_weights_and_leave_training_alone():
    clf, watch, _, _ = fitted(ema_momentum=0.5)
    plain = fitted()[1]
    # Within an epoch, the model has the weights that it would have without averages.
    for ours, theirs in zip(watch.batches, plain.batches, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    average = watch.batches[0]
    after = {}
    for step, weights in enumerate(watch.batches[1:]):
        m = min(0.5, (1 + step) / (10 + step))
        average = [m * a + (1 - m) * w for a, w in zip(average, weights, strict=True)]
        after[step + 1] = average
    for epoch, weights in enumerate(watch.epochs, start=1):
        for a, b in zip(weights, after[5 * epoch], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for a, b in zip(clf.model_.get_weights(), average, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_what_is_measured_and_kept_has_the_averages():
    clf, _, X, y = fitted(BlockMLPClassifier, (5,), ema_momentum=0.9, dropout=0.3)
    p = clf.predict_proba(X).astype(float)
    loss = -np.mean(np.where(y, np.log(p), np.log1p(-p)))
    assert clf.history_["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    rates = [float(layer.rate) for layer in clf.model_.layers if hasattr(layer, "rate")]
    assert rates == [pytest.approx(0.2), pytest.approx(0.3)]


def test_one_more_call_moves_as_far_as_without_them():
    ours, _, X, y = fitted(ema_momentum=0.9)
    plain = fitted()[0]
    plain.model_.set_weights(ours.model_.get_weights())
    ours.partial_fit(X, y)
    plain.partial_fit(X, y)
    for a, b in zip(ours.model_.get_weights(), plain.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
