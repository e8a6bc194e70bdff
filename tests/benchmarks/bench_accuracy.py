"""Accuracy on real videos: simple rankings, peers, and the classifiers of the package.

Trained on ``train``, measured on ``validate`` of ``SKMLCLF_YT8M_DIR``. Run
``python tests/benchmarks/bench_accuracy.py`` for the table, or a part of it with
``--only base blocks deep``; ``--only ablation`` changes the parts of `DeepMLPClassifier`, one at a
time. Seconds are those of a fit, on all cores of the machine, and are comparable within a run.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from results import record
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, make_feature_mlp
from skmlclf.datasets import load_tfrecords
from skmlclf.metrics import (
    global_average_precision_score,
    hit_at_k_score,
    mean_average_precision_score,
    ndcg_at_k_score,
    precision_at_k_score,
    samples_precision_recall_f1,
)

METRICS = {
    "GAP@20": lambda y, p: global_average_precision_score(y, p, k=20),
    "Hit@1": lambda y, p: hit_at_k_score(y, p, k=1),
    "P@20": lambda y, p: precision_at_k_score(y, p, k=20),
    "nDCG@5": lambda y, p: ndcg_at_k_score(y, p, k=5),
    "mAP": mean_average_precision_score,
    "F1": lambda y, p: samples_precision_recall_f1(y, p > 0.5).f1,
}
MODALITIES = (1024, 128)


def log_odds(y):
    frequency = (np.asarray(y.sum(axis=0)).ravel() + 0.5) / (y.shape[0] + 1)
    return np.log(frequency / (1 - frequency))


def by_modality(X):
    """Scale each modality to unit length, times the root of its width."""
    parts = np.split(X, np.cumsum(MODALITIES)[:-1], axis=1)
    lengths = [np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in parts]
    scaled = [p / n * np.sqrt(p.shape[1]) for p, n in zip(parts, lengths, strict=True)]
    return np.hstack(scaled).astype(np.float32)


def frequency(X, y, seed):
    shares = np.asarray(y.mean(axis=0)).ravel()
    return lambda X: np.tile(shares, (len(X), 1))


def fitted_keras(model, X, y, optimizer, epochs, batch_size):
    model.compile(optimizer, "binary_crossentropy")
    dense = y.toarray().astype(np.float32)
    model.fit(X, dense, batch_size=batch_size, epochs=epochs, verbose=0)
    return lambda X: model.predict(X, verbose=0, batch_size=1024)


def starter_logistic(X, y, seed):
    """Fit ``LogisticModel`` of the official starter code, with its rate, batches and epochs."""
    keras.utils.set_random_seed(seed)
    l2 = keras.regularizers.L2(1e-8)
    output = keras.layers.Dense(y.shape[1], activation="sigmoid", kernel_regularizer=l2)
    model = keras.Sequential([keras.Input((X.shape[1],)), output])
    return fitted_keras(model, X, y, keras.optimizers.Adam(0.01), 5, 1024)


def starter_mixture(X, y, seed):
    """Fit ``MoeModel`` of the official starter code: two experts, and one that says no."""
    keras.utils.set_random_seed(seed)
    n_labels, l2 = y.shape[1], keras.regularizers.L2(1e-8)
    inputs = keras.Input((X.shape[1],))
    gates = keras.layers.Dense(n_labels * 3, use_bias=False, kernel_regularizer=l2)(inputs)
    experts = keras.layers.Dense(n_labels * 2, kernel_regularizer=l2, activation="sigmoid")(inputs)
    gates = keras.layers.Softmax()(keras.layers.Reshape((n_labels, 3))(gates))
    mixed = keras.ops.sum(gates[:, :, :2] * keras.layers.Reshape((n_labels, 2))(experts), axis=-1)
    model = keras.Model(inputs, mixed)
    return fitted_keras(model, X, y, keras.optimizers.Adam(0.01), 5, 1024)


def plain_keras(X, y, seed):
    """Fit one hidden layer with Keras' defaults, as one would write it first."""
    keras.utils.set_random_seed(seed)
    hidden = keras.layers.Dense(512, activation="relu")
    output = keras.layers.Dense(y.shape[1], activation="sigmoid")
    model = keras.Sequential([keras.Input((X.shape[1],)), hidden, output])
    return fitted_keras(model, X, y, "adam", 5, 32)


def wide_by_hand(X, y, seed):
    """Fit a wide layer with everything that is known to help it."""
    keras.utils.set_random_seed(seed)
    bias = log_odds(y)
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(2048, use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(
                y.shape[1],
                activation="sigmoid",
                bias_initializer=lambda shape, dtype=None: keras.ops.cast(bias, dtype),
            ),
        ]
    )
    epochs, batch_size = 7, 256
    steps = epochs * -(-len(X) // batch_size)
    # Keras' mean over labels makes gradients small beside Adam's epsilon.
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), epsilon=1e-10)
    predict = fitted_keras(model, by_modality(X), y, adam, epochs, batch_size)
    return lambda X: predict(by_modality(X))


def sklearn_mlp(X, y, seed):
    """Fit ten of its 200 epochs: with thousands of labels each takes the time of two of ours."""
    clf = MLPClassifier(max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf.fit(X, y.toarray())
    return clf.predict_proba


def sklearn_neighbors(X, y, seed):
    clf = KNeighborsClassifier(50, weights="distance").fit(by_modality(X), y.toarray())
    positive = [list(classes).index(1) if 1 in classes else None for classes in clf.classes_]

    def predict(X):
        columns = clf.predict_proba(by_modality(X))
        none = np.zeros(len(X))
        return np.column_stack(
            [none if i is None else c[:, i] for c, i in zip(columns, positive, strict=True)]
        )

    return predict


def ours(make, **params):
    def fit(X, y, seed):
        return make(random_state=seed, **params).fit(X, y).predict_proba

    return fit


ROWS = {
    "frequency": frequency,
    "logistic": starter_logistic,
    "mixture": starter_mixture,
    "plain-keras": plain_keras,
    "sklearn-mlp": sklearn_mlp,
    "sklearn-knn": sklearn_neighbors,
    "wide-by-hand": wide_by_hand,
    "base": ours(BaseMLPClassifier),
    "pca": ours(make_feature_mlp),
    "blocks": ours(BlockMLPClassifier),
    "deep": ours(DeepMLPClassifier),
}
ABLATION = {
    "deep": ours(DeepMLPClassifier),
    "no corrections": ours(DeepMLPClassifier, label_units=()),
    "no scaling by modality": ours(DeepMLPClassifier, feature_groups=None),
    "constant rate": ours(DeepMLPClassifier, learning_rate_schedule="constant"),
    "averaged weights": ours(DeepMLPClassifier, ema_momentum=0.99),
    "one correction": ours(DeepMLPClassifier, label_units=256),
    "512 units": ours(DeepMLPClassifier, hidden_units=512),
}
DETERMINISTIC = {"frequency", "sklearn-knn"}


def line(name, values):
    *metrics, seconds = values
    return f"{name:30}" + "".join(f"{value:9.4f}" for value in metrics) + f"{seconds:9.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--only", nargs="+", default=list(ROWS), choices=[*ROWS, *ABLATION, "ablation"]
    )
    parser.add_argument("--every", type=int, default=1, help="train on every so many-th row")
    args = parser.parse_args()
    folder = Path(os.environ["SKMLCLF_YT8M_DIR"])
    train, held_out = (load_tfrecords(str(folder / part / "*")) for part in ("train", "validate"))
    y_true = held_out.target.toarray()
    X, y = train.data[:: args.every], train.target[:: args.every]
    rows = {**ROWS, **ABLATION}
    chosen = ABLATION if args.only == ["ablation"] else {name: rows[name] for name in args.only}
    print(f"{'':30}" + "".join(f"{name:>9}" for name in METRICS) + f"{'seconds':>9}", flush=True)
    for name, fit in chosen.items():
        results = []
        for seed in args.seeds[: 1 if name in DETERMINISTIC else None]:
            start = time.perf_counter()
            predict = fit(X, y, seed)
            seconds = time.perf_counter() - start
            y_score = predict(held_out.data)
            results.append([*(metric(y_true, y_score) for metric in METRICS.values()), seconds])
            print(line(f"  seed {seed}", results[-1]), flush=True)
        print(line(name, np.mean(results, axis=0)), flush=True)
        record(
            f"{name}, GAP@20", np.mean(results, axis=0)[0], "", higher_is_better=True, show=False
        )
        record(f"{name}, fit", [r[-1] for r in results], "s", show=False)
        if len(results) > 1:
            print(line("  standard deviation", np.std(results, axis=0, ddof=1)), flush=True)


if __name__ == "__main__":
    main()
