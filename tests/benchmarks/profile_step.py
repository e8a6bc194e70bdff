"""Where the time of a training step goes: its parts, each compiled alone, best of many runs.

Run ``python tests/benchmarks/profile_step.py``; ``--batch`` and ``--labels`` change the sizes.
"""

import argparse
import os
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from scipy import sparse

from skmlclf.networks import MLPNetwork, build_model
from skmlclf.training import LOSSES, RowBatches, make_optimizer, train

FEATURES, HIDDEN = 1152, 1024


def best_ms(function, rounds=30):
    function()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return 1e3 * min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--labels", type=int, default=3862)
    args = parser.parse_args()
    batch, labels = args.batch, args.labels
    rng = np.random.default_rng(0)
    x, h, z = (
        tf.constant(rng.standard_normal((batch, width), dtype=np.float32))
        for width in (FEATURES, HIDDEN, labels)
    )
    w1, w2 = (
        tf.constant(rng.standard_normal(shape, dtype=np.float32))
        for shape in ((FEATURES, HIDDEN), (HIDDEN, labels))
    )
    cols = tf.constant(rng.integers(0, labels, 3 * batch).astype(np.int32))
    rows = tf.constant(np.repeat(np.arange(batch, dtype=np.int32), 3))
    ones = tf.ones(batch)

    @tf.function
    def products():
        first = tf.matmul(x, w1), tf.matmul(h, w2)
        second = tf.matmul(h, z, transpose_a=True), tf.matmul(z, w2, transpose_b=True)
        return [tf.reduce_max(p) for p in (*first, *second, tf.matmul(x, h, transpose_a=True))]

    @tf.function
    def loss_and_gradient():
        total, gradient = LOSSES["sigmoid"].value_and_gradient(z, rows, cols, ones)
        return total, tf.reduce_max(gradient)

    weights, first, second = (tf.Variable(w2) for _ in range(3))

    @tf.function
    def update():
        tf.raw_ops.ResourceApplyAdam(
            var=weights.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=0.9,
            beta2_power=0.999,
            lr=1e-3,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-7,
            grad=w2,
        )

    network = MLPNetwork(FEATURES, labels, "sigmoid", (HIDDEN,))
    model = build_model(network)
    model.compile(make_optimizer("adam", 1e-3, model.trainable_variables), "binary_crossentropy")
    n_steps = 8
    X = rng.standard_normal((n_steps * batch, FEATURES), dtype=np.float32)
    y = sparse.random(len(X), labels, 3 / labels, format="csr", random_state=0)
    batches = RowBatches(X, y, None, batch)
    state = np.random.RandomState(0)

    def whole():
        train(network, model, batches, epochs=range(1), rng=state)

    def reading():
        for _ in batches.epoch(state):
            pass

    share = HIDDEN * labels / (HIDDEN * labels + FEATURES * HIDDEN)
    parts = {
        "whole step": best_ms(whole, 5) / n_steps,
        "  the five matrix products": best_ms(lambda: products()[-1].numpy()),
        "  loss and its gradient": best_ms(lambda: loss_and_gradient()[1].numpy()),
        "  Adam": best_ms(lambda: (update(), weights.handle)[0]) / share,
        "  gathering rows and labels": best_ms(reading) / n_steps,
    }
    total = parts["whole step"]
    rest = 2 * total - sum(parts.values())
    parts["  the rest: biases, activation, dispatch"] = rest
    print(f"batch {batch}, {FEATURES} features, {HIDDEN} hidden units, {labels} labels")
    for name, milliseconds in parts.items():
        print(f"{name:42}{milliseconds:8.1f} ms{milliseconds / total:7.0%}")


if __name__ == "__main__":
    main()
