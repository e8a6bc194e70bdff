"""GAP@20 after some epochs: our step in both precisions, and plain Keras with dense targets.

Real rows from ``SKMLCLF_YT8M_DIR``. Run ``python tests/benchmarks/bench_accuracy.py``. The network,
the size of the batches, Adam and its rate are the same. Keras starts with biases at zero, as one
would write it, and again at the log-odds that ours start at. One difference stays: Keras' mean over
the labels makes the gradients small beside Adam's epsilon.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import load_tfrecords
from skmlclf.metrics import global_average_precision_score
from skmlclf.training import has_bfloat16


def plain_keras(train, seed, epochs, batch_size, bias):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((train.data.shape[1],)),
            keras.layers.Dense(1024, activation="relu"),
            keras.layers.Dense(
                train.target.shape[1],
                activation="sigmoid",
                bias_initializer=lambda shape, dtype=None: keras.ops.cast(bias, dtype),
            ),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    dense = train.target.toarray().astype(np.float32)
    model.fit(train.data, dense, batch_size=batch_size, epochs=epochs, verbose=0)
    return lambda X: model.predict(X, verbose=0, batch_size=1024)


def ours(train, seed, epochs, batch_size, precision):
    clf = BaseMLPClassifier(
        1024,
        learning_rate=1e-3,
        epochs=epochs,
        batch_size=batch_size,
        precision=precision,
        random_state=seed,
    )
    return clf.fit(train.data, train.target).predict_topk


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=512)
    args = parser.parse_args()
    folder = Path(os.environ["SKMLCLF_YT8M_DIR"])
    train, held_out = (load_tfrecords(str(folder / part / "*")) for part in ("train", "validate"))
    frequency = (np.asarray(train.target.sum(axis=0)).ravel() + 1) / (train.target.shape[0] + 2)
    odds = np.log(frequency / (1 - frequency))
    common = {"epochs": args.epochs, "batch_size": args.batch_size}
    peers = {
        "Keras, biases at zero": lambda seed: plain_keras(train, seed, bias=0 * odds, **common),
        "Keras, biases at the log-odds": lambda seed: plain_keras(train, seed, bias=odds, **common),
        "skmlclf float32": lambda seed: ours(train, seed, precision="float32", **common),
    }
    if has_bfloat16():
        peers["skmlclf bfloat16"] = lambda seed: ours(train, seed, precision="bfloat16", **common)
    print(f"GAP@20 after {args.epochs} epochs of batches of {args.batch_size}")
    print(f"{'':32}{'mean':>8}  seeds 0 to {args.seeds - 1}")
    for name, fit in peers.items():
        gaps = []
        for seed in range(args.seeds):
            answer = fit(seed)(held_out.data)
            gaps.append(global_average_precision_score(held_out.target, answer, k=20))
        print(f"{name:32}{np.mean(gaps):8.4f}  {' '.join(f'{g:.4f}' for g in gaps)}", flush=True)


if __name__ == "__main__":
    main()
