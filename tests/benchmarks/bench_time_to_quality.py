"""Seconds until our fit reaches the GAP@20 that plain Keras reaches in 5 epochs of batch 32.

Real rows from ``SKMLCLF_YT8M_DIR``. Run ``python tests/benchmarks/bench_time_to_quality.py``. The
peer is the network of `BaseMLPClassifier` as one would write it in Keras: dense targets, sigmoid
outputs, biases that start at zero. Neither side's time includes its measuring.
"""

import argparse
import os
from pathlib import Path
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from results import record

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import load_tfrecords
from skmlclf.metrics import global_average_precision_score

EPOCHS = 5


def plain_keras(X, y):
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dense(1024, activation="relu"),
            keras.layers.Dense(y.shape[1], activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    start = perf_counter()
    model.fit(X, y.toarray().astype(np.float32), epochs=EPOCHS, batch_size=32, verbose=0)
    return perf_counter() - start, model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-epochs", type=int, default=10)
    args = parser.parse_args()
    folder = Path(os.environ["SKMLCLF_YT8M_DIR"])
    train, held_out = (load_tfrecords(str(folder / part / "*")) for part in ("train", "validate"))

    keras.utils.set_random_seed(args.seed)
    peer_seconds, model = plain_keras(train.data, train.target)
    score = model.predict(held_out.data, verbose=0, batch_size=1024)
    goal = global_average_precision_score(held_out.target, score, k=20)
    print(f"GAP@20 of plain Keras after {EPOCHS} epochs: {goal:.4f}")
    record("plain Keras", peer_seconds, "s")

    clf = BaseMLPClassifier(random_state=args.seed)
    seconds = 0.0
    for epoch in range(1, args.max_epochs + 1):
        start = perf_counter()
        clf.partial_fit(train.data, train.target)
        seconds += perf_counter() - start
        gap = global_average_precision_score(held_out.target, clf.predict_topk(held_out.data), k=20)
        print(f"skmlclf: {seconds:.1f} s for {epoch} epochs, GAP@20 {gap:.4f}", flush=True)
        if gap >= goal:
            record("skmlclf, to the same GAP@20", seconds, "s", peer="plain Keras")
            return
    print("not reached")


if __name__ == "__main__":
    main()
