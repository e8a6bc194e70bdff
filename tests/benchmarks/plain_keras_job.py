"""The main job as one would write it in plain Keras: the peer of ``skmlclf compare``.

Random features, dense targets, four models, five epochs of Keras' default batch size, and a
callback that predicts the held-out rows and calls scikit-learn's metrics after each epoch.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import (
    f1_score,
    hamming_loss,
    multilabel_confusion_matrix,
    recall_score,
)

N_SAMPLES, N_FEATURES, N_LABELS, EPOCHS = 1000, 1152, 4800, 5


class Metrics(keras.callbacks.Callback):
    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y

    def on_epoch_end(self, epoch, logs=None):
        p = self.model.predict(self.X, verbose=0)
        decided = (p > 0.5).astype(int)
        best = np.argsort(-p, axis=1)[:, :20]
        precision = np.take_along_axis(self.y, best, axis=1).mean()
        options = {"average": "samples", "zero_division": 0}
        recall = recall_score(self.y, decided, **options)
        f1 = f1_score(self.y, decided, **options)
        totals = multilabel_confusion_matrix(self.y, decided).sum(axis=0).ravel()
        loss = hamming_loss(self.y, decided)
        print(f"{epoch + 1} {precision:.4f} {recall:.4f} {f1:.4f} {loss:.5f} {totals}", flush=True)


def dense_model(n_features, hidden, *, blocks=False, dropout=0.5):
    model = keras.Sequential([keras.Input((n_features,))])
    for units in hidden:
        if blocks:
            model.add(keras.layers.Dense(units))
            model.add(keras.layers.BatchNormalization())
            model.add(keras.layers.ReLU())
            model.add(keras.layers.Dropout(dropout))
        else:
            model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dense(N_LABELS, activation="sigmoid"))
    return model


def main():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    y = (rng.random((N_SAMPLES, N_LABELS)) < 3 / N_LABELS).astype(int)
    n_train = int(0.8 * N_SAMPLES)
    X, X_val, y, y_val = X[:n_train], X[n_train:], y[:n_train], y[n_train:]
    pca = PCA(256, random_state=0).fit(X)
    jobs = [
        (dense_model(N_FEATURES, [1024]), 1e-3, X, X_val),
        (dense_model(256, [1024]), 1e-3, pca.transform(X), pca.transform(X_val)),
        (dense_model(N_FEATURES, [1024, 512], blocks=True), 3e-3, X, X_val),
        (dense_model(N_FEATURES, [2048] * 3, blocks=True, dropout=0.4), 8e-4, X, X_val),
    ]
    for model, rate, X_train, X_held_out in jobs:
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
        watch = Metrics(X_held_out, y_val)
        model.fit(X_train, y, epochs=EPOCHS, verbose=0, callbacks=[watch])


if __name__ == "__main__":
    sys.exit(main())
