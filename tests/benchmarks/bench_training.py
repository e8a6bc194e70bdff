"""Videos a second of training and prediction against Keras and PyTorch, in turn in one run.

Run ``python tests/benchmarks/bench_training.py``. With ``SKMLCLF_YT8M_DIR`` set the rows are real.
PyTorch takes part where it is installed. Peers take turns, and each row tells its best round.
"""

import argparse
import contextlib
import os
from pathlib import Path
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from results import in_turn, record

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import load_tfrecords, make_video_embeddings
from skmlclf.training import has_bfloat16

torch = None
with contextlib.suppress(ImportError):
    import torch

HIDDEN, BATCH, K = 1024, 512, 20


def data(n_rows):
    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if folder:
        bunch = load_tfrecords(str(Path(folder, "train", "*")))
        return bunch.data[:n_rows], bunch.target[:n_rows]
    return make_video_embeddings(n_rows, n_labels=3862, random_state=0)


def product_rate(precision):
    """Floating point operations a second of TensorFlow's own matrix product."""
    rng = np.random.default_rng(0)
    a, b = (
        tf.cast(rng.random(shape, np.float32), precision) for shape in ((BATCH, 1024), (1024, 3862))
    )
    times = []
    for _ in range(30):
        start = perf_counter()
        tf.matmul(a, b).numpy()
        times.append(perf_counter() - start)
    return 2 * BATCH * 1024 * 3862 / min(times)


class Ours:
    def __init__(self, X, y, precision="float32"):
        self.X, self.y = X, y
        self.clf = BaseMLPClassifier(
            HIDDEN, batch_size=BATCH, epochs=1, precision=precision, random_state=0
        )
        self.clf.partial_fit(X[:BATCH], y[:BATCH])

    @property
    def precision(self):
        return self.clf.precision_

    @property
    def n_trained(self):
        """Number of hidden units that dropout leaves in training."""
        return HIDDEN * (1 - self.clf.dropout)

    def train(self):
        self.clf.partial_fit(self.X, self.y)

    def predict(self):
        self.clf.predict_topk(self.X, k=K)


class Keras:
    precision, n_trained = "float32", HIDDEN

    def __init__(self, X, y):
        self.X, self.y = X, y.toarray().astype(np.float32)
        self.model = keras.Sequential(
            [
                keras.Input((X.shape[1],)),
                keras.layers.Dense(HIDDEN, activation="relu"),
                keras.layers.Dense(y.shape[1], activation="sigmoid"),
            ]
        )
        self.model.compile("adam", "binary_crossentropy")
        self.model.fit(X[:BATCH], self.y[:BATCH], batch_size=BATCH, verbose=0)

    def train(self):
        self.model.fit(self.X, self.y, batch_size=BATCH, epochs=1, verbose=0)

    def predict(self):
        p = self.model.predict(self.X, verbose=0)
        best = np.argpartition(-p, K, axis=1)[:, :K]
        values = np.take_along_axis(p, best, axis=1)
        order = np.argsort(-values, axis=1)
        np.take_along_axis(best, order, axis=1)


class Torch:
    n_trained = HIDDEN

    def __init__(self, X, y, precision="float32"):
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y.toarray().astype(np.float32))
        self.model = torch.nn.Sequential(
            torch.nn.Linear(X.shape[1], HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Linear(HIDDEN, y.shape[1]),
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)
        self.loss = torch.nn.BCEWithLogitsLoss()
        self.precision = precision

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16")

    def train(self):
        order = torch.randperm(len(self.X))
        for rows in order.split(BATCH):
            self.optimizer.zero_grad()
            with self.autocast():
                loss = self.loss(self.model(self.X[rows]), self.y[rows])
            loss.backward()
            self.optimizer.step()

    def predict(self):
        with torch.no_grad(), self.autocast():
            for block in self.X.split(2048):
                torch.sigmoid(self.model(block)).topk(K)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_240)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    X, y = data(args.rows)
    peers = {"Keras": Keras(X, y), "skmlclf float32": Ours(X, y)}
    if has_bfloat16():
        peers["skmlclf bfloat16"] = Ours(X, y, "bfloat16")
    if torch is not None:
        peers["PyTorch float32"] = Torch(X, y)
        if has_bfloat16():
            peers["PyTorch bfloat16"] = Torch(X, y, "bfloat16")

    n, f, labels = len(X), X.shape[1], y.shape[1]
    products = {
        "train": lambda peer: 2 * (2 * f * HIDDEN + 3 * peer.n_trained * labels),
        "predict": lambda peer: 2 * (f * HIDDEN + HIDDEN * labels),
    }
    rates = {p: product_rate(p) for p in sorted({peer.precision for peer in peers.values()})}
    print(f"{n:,} rows, {f:,} features, {HIDDEN:,} hidden units, {labels:,} labels, batch {BATCH}")
    for precision, rate in rates.items():
        print(f"matrix products, {precision}: {rate / 1e9:.0f} Gflop/s")
    for method, title in (("train", "training"), ("predict", f"prediction of the top {K}")):
        print(f"\n{title}")
        jobs = {name: getattr(peer, method) for name, peer in peers.items()}
        for name, seconds in in_turn(jobs, args.rounds).items():
            record(
                f"{title}, {name}",
                [n / s for s in seconds],
                "videos/s",
                higher_is_better=True,
                peer=None if name == "Keras" else f"{title}, Keras",
            )
            done = products[method](peers[name]) * n / min(seconds)
            print(f"    {done / rates[peers[name].precision]:.0%} of the rate of matrix products")

    clf = peers["skmlclf float32"].clf
    times = []
    for i in range(200):
        start = perf_counter()
        clf.predict_topk(X[i : i + 1], k=K)
        times.append(perf_counter() - start)
    print()
    record("predict_topk of one row, median of 200", 1e3 * np.median(times), "ms")


if __name__ == "__main__":
    main()
