"""Where the time of a training step goes, for each architecture: its parts, each compiled alone.

Run ``python tests/benchmarks/bench_step.py``: first at the sizes of the main job (800 rows, 4,800
labels), then at those of real videos (3,862 labels, batches of 256). The parts are measured apart
from the step, so what is left of it, "the rest", may also be less than nothing.
"""

import argparse
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As the commands do: else memory that the system clears anew is a part of everything.
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")

import keras
import numpy as np
import tensorflow as tf
from results import record
from scipy import sparse

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier
from skmlclf.networks import DropoutDense, auxiliary_logits_of
from skmlclf.training import LOSSES, RowBatches, train

FEATURES, COMPONENTS = 1152, 256
ARCHITECTURES: dict[str, tuple[int, Callable[..., Any]]] = {
    "base": (FEATURES, BaseMLPClassifier),
    "pca": (COMPONENTS, BaseMLPClassifier),
    "blocks": (FEATURES, BlockMLPClassifier),
    "deep": (FEATURES, DeepMLPClassifier),
}
SIZES = {"main job": (134, 4800), "real videos": (256, 3862)}


def milliseconds(function, rounds=15):
    function()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        function()
        times.append(1e3 * (perf_counter() - start))
    return times


def compiled(function):
    """Return a call of a function's trace that waits for its result."""
    trace = tf.function(function, autograph=False)
    return lambda: [t.numpy() for t in tf.nest.flatten(trace())]


def normal(rng, *shape):
    return tf.constant(rng.standard_normal(shape, dtype=np.float32))


def n_kept(layer):
    """Return how many of a dense layer's inputs dropout keeps."""
    n = layer.kernel.shape[0]
    return round(n * (1 - float(layer.rate))) if isinstance(layer, DropoutDense) else n


def products(model, batch, precision, rng):
    """Return a call of the matrix products of a step: three per dense layer, two for the first."""
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    kernels = [tf.constant(layer.kernel.numpy()[: n_kept(layer)]) for layer in layers]
    inputs = [normal(rng, batch, kernel.shape[0]) for kernel in kernels]
    upstream = [normal(rng, batch, kernel.shape[1]) for kernel in kernels]
    kernels, inputs, upstream = (
        [tf.cast(x, precision) for x in each] for each in (kernels, inputs, upstream)
    )

    def all_products():
        found = []
        for i, (x, w, g) in enumerate(zip(inputs, kernels, upstream, strict=True)):
            found += [tf.matmul(x, w), tf.matmul(x, g, transpose_a=True)]
            if i:
                found.append(tf.matmul(w, g, transpose_b=True))
        return [tf.reduce_max(product) for product in found]

    return compiled(all_products)


def losses(batch, n_labels, n_heads, rng):
    logits = [normal(rng, batch, n_labels) for _ in range(n_heads)]
    cols = tf.constant(rng.integers(0, n_labels, 3 * batch).astype(np.int32))
    rows = tf.constant(np.repeat(np.arange(batch, dtype=np.int32), 3))
    weight = tf.constant(1.0 / batch)

    def all_losses():
        return [
            tf.reduce_max(LOSSES["sigmoid"].value_and_gradient(z, rows, cols, weight)[1])
            for z in logits
        ]

    return compiled(all_losses)


def update(model):
    """Return a call of Adam's pass over all weights."""
    weights = [tf.Variable(w.numpy()) for w in model.trainable_variables]
    moments = [[tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2)]
    gradients = [tf.constant(w.numpy()) for w in model.trainable_variables]

    def adam():
        for w, m, v, g in zip(weights, *moments, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=w.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=0.9,
                beta2_power=0.999,
                lr=1e-6,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=g,
            )
        return tf.constant(0)

    return compiled(adam)


def dropouts(model, batch, rng):
    """Return a call of the copies that dropout takes of inputs and kernels, and puts back."""
    layers = [layer for layer in model.layers if isinstance(layer, DropoutDense)]
    if not layers:
        return None
    kernels = [tf.constant(layer.kernel.numpy()) for layer in layers]
    inputs = [normal(rng, batch, kernel.shape[0]) for kernel in kernels]
    numbers = [n_kept(layer) for layer in layers]

    def drop():
        outputs = []
        for x, w, n in zip(inputs, kernels, numbers, strict=True):
            drawn = tf.random.stateless_uniform([w.shape[0]], [1, 2])
            kept = tf.sort(tf.math.top_k(drawn, n).indices)
            sources = tf.tensor_scatter_nd_update(
                tf.fill([w.shape[0]], n - 1), kept[:, tf.newaxis], tf.range(n)
            )
            for copied in (tf.transpose(x), w):
                taken = tf.gather(copied, kept)
                outputs.append(tf.gather(taken, sources)[0, 0])
        return outputs

    return compiled(drop)


def normalisations(model, batch, rng):
    """Return a call of the statistics of all batch normalisations, forwards and backwards."""
    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    if not layers:
        return None
    inputs = [normal(rng, batch, layer.output.shape[-1]) for layer in layers]

    def normalise():
        outputs = []
        for x in inputs:
            with tf.GradientTape() as tape:
                tape.watch(x)
                mean, variance = tf.nn.moments(x, axes=[0])
                y = (x - mean) * tf.math.rsqrt(variance + 1e-3)
            outputs.append(tf.reduce_max(tape.gradient(y, x, output_gradients=x)))
        return outputs

    return compiled(normalise)


def profile(job, name, batch, n_labels, precision):
    n_features, make = ARCHITECTURES[name]
    rng = np.random.default_rng(0)
    n_steps = 6
    X = rng.standard_normal((n_steps * batch, n_features), dtype=np.float32)
    y = sparse.random(len(X), n_labels, 3 / n_labels, format="csr", random_state=0)
    y.data[:] = 1
    clf = make(batch_size=batch, epochs=1, precision=precision, random_state=0)
    clf.fit(X, y.astype(np.uint8))
    network, model = clf._network(n_features, n_labels, "sigmoid"), clf.model_
    batches, state = RowBatches(X, y, None, batch), np.random.RandomState(0)

    def whole():
        train(network, model, batches, epochs=range(1), rng=state)

    def reading():
        for _ in batches.epoch(state):
            pass

    parts = {
        "matrix products": products(model, batch, precision, rng),
        "losses and their gradients": losses(
            batch, n_labels, 1 + len(auxiliary_logits_of(network, model)), rng
        ),
        "Adam": update(model),
        "dropout": dropouts(model, batch, rng),
        "batch normalisation": normalisations(model, batch, rng),
    }
    job = f"{job}, {precision}"
    step = record(f"{job}, {name}: step", [t / n_steps for t in milliseconds(whole, 5)], "ms")
    left = step.best
    times = {part: milliseconds(call) for part, call in parts.items() if call is not None}
    times["gathering rows and labels"] = [t / n_steps for t in milliseconds(reading)]
    for part, values in times.items():
        result = record(f"{job}, {name}: {part}", values, "ms", show=False)
        left -= result.best
        print(f"    {part:40}{result.best:10.2f} ms{result.best / step.best:7.0%}", flush=True)
    print(f"    {'the rest':40}{left:10.2f} ms{left / step.best:7.0%}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    args = parser.parse_args()
    for job, (batch, n_labels) in SIZES.items():
        for name in args.architectures:
            profile(job, name, batch, n_labels, args.precision)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
