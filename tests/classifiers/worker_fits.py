"""Fits that several workers run together: ``TF_CONFIG=... python worker_fits.py together out.npz``.

`single` runs those that one process can run as well, for comparison. ``stopped``, ``resumed`` and
``whole`` are one fit with checkpoints in a folder: the second worker kills itself in its midst,
or nothing happens.
"""

import contextlib
import io
import json
import os
import signal
import sys
import time

import keras
import numpy as np
from scipy import sparse

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, NetworkClassifier
from skmlclf.callbacks import Checkpoint, EpochMetrics
from skmlclf.classifiers._held_out import HeldOut
from skmlclf.datasets import RowStore
from skmlclf.training import RowBatches

N_ROWS, N_FEATURES, N_LABELS = 351, 10, 9
NETWORKS = {
    "base": (BaseMLPClassifier, {"hidden_units": 8}),
    "block": (BlockMLPClassifier, {"hidden_units": (8, 7)}),
    "deep": (DeepMLPClassifier, {"hidden_units": (8, 8, 8)}),
}


def problem(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32)
    return X, (X @ rng.standard_normal((N_FEATURES, N_LABELS)) > 3).astype(np.uint8)


def index():
    """Which worker this is; 0 where there is one process."""
    return json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"]


class Steps(keras.callbacks.Callback):
    """Keep the loss after each step, and do something at one of them."""

    def __init__(self, at=None, action=None):
        super().__init__()
        self.losses, self.at, self.action = [], at, action

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        if len(self.losses) == self.at:
            self.action(self)


def variables(clf):
    return np.concatenate([np.ravel(v) for v in [*clf.model_.variables]])


def results(clf, steps=None):
    values = {f"history {name}": np.array(each) for name, each in clf.history_.items()}
    if steps is not None:
        values["steps"] = np.array(steps.losses)
    return {**values, "variables": variables(clf), "n_iter": clf.n_iter_, "best": clf.best_epoch_}


def make(name, distribute, **params):
    cls, own = NETWORKS[name]
    defaults = {"epochs": 3, "batch_size": 51, "random_state": 0, "distribute": distribute}
    return cls(**{**defaults, **own, **params})


def fit(name, distribute, *, y_kind="dense", weights=None, n_rows=N_ROWS, **params):
    X, y = (each[:n_rows] for each in problem())
    rng = np.random.default_rng(1)
    rows, labels = rng.uniform(0, 2, n_rows), rng.uniform(0, 2, y.shape)
    weight = {None: None, "rows": rows, "labels": labels}[weights]
    steps = Steps()
    clf = make(name, distribute, callbacks=[steps], **params)
    clf.fit(X, sparse.csr_matrix(y) if y_kind == "sparse" else y, weight)
    return results(clf, steps)


def regularised(n_features, n_outputs, dropout=0.0):
    inputs = keras.Input((n_features,))
    layer = keras.layers.Dense(
        6, kernel_regularizer=keras.regularizers.L2(0.01), activity_regularizer="l2"
    )
    x = keras.layers.BatchNormalization()(layer(inputs))
    x = keras.layers.Dropout(dropout)(keras.layers.ReLU()(x))
    return keras.Model(inputs, keras.layers.Dense(n_outputs)(x))


class Penalty(keras.layers.Layer):
    """Penalise the mean square of what passes."""

    def call(self, inputs):
        self.add_loss(keras.ops.mean(keras.ops.square(inputs)))
        return inputs


def penalised(n_features, n_outputs):
    inputs = keras.Input((n_features,))
    return keras.Model(inputs, Penalty()(keras.layers.Dense(n_outputs)(inputs)))


def penalties_of_single_rows(distribute):
    X, y = problem()
    params = {"epochs": 1, "batch_size": 1, "random_state": 0, "distribute": distribute}
    return results(NetworkClassifier(penalised, **params).fit(X[:24], y[:24]))


def own_network(distribute, **arguments):
    X, y = problem()
    params = {"epochs": 2, "batch_size": 51, "random_state": 0, "distribute": distribute}
    return results(NetworkClassifier(regularised, **params, **arguments).fit(X, y))


def everything_between_epochs(distribute):
    """Early stopping, metrics, a table, weight averages and a schedule."""
    X, y = problem()
    measured = []
    evaluate = HeldOut.evaluate

    def counting(self, predictor):
        measured.append(self.name)
        return evaluate(self, predictor)

    HeldOut.evaluate = counting
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            clf = make(
                "base", distribute, epochs=8, learning_rate=0.1, early_stopping=True, verbose=1,
                n_iter_no_change=2, ema_momentum=0.9, warmup_epochs=0.5,
                learning_rate_schedule="cosine", weight_decay=0.1, scoring="gap_at_20",
                callbacks=[EpochMetrics(["gap_at_20", "hit_at_1"])],
            )  # fmt: skip
            clf.fit(X, y)
    finally:
        HeldOut.evaluate = evaluate
    return {**results(clf), "n_measured": len(measured), "printed": len(printed.getvalue())}


def several_calls(distribute):
    X, y = problem()
    clf = make("base", distribute, warm_start=True, epochs=1).fit(X, y).fit(X, y)
    first = variables(clf)
    clf = make("base", distribute)
    for rows in (slice(0, 200), slice(200, None)):
        clf.partial_fit(X[rows], y[rows])
    return {"variables": variables(clf), "warm": first}


class Recorded(RowStore):
    """Rows that keep a list of those that were read."""

    def __init__(self, X):
        self.X, self.rows_read = X, []
        self.shape, self.dtype = X.shape, X.dtype

    def read(self, start, stop):
        self.rows_read.extend(range(start, stop))
        return self.X[start:stop].copy()


SINGLE = {
    "base, dense y": lambda d: fit("base", d),
    "base, sparse y": lambda d: fit("base", d, y_kind="sparse"),
    "base, dense y, row weights": lambda d: fit("base", d, weights="rows"),
    "base, sparse y, row weights": lambda d: fit("base", d, y_kind="sparse", weights="rows"),
    "base, label weights": lambda d: fit("base", d, weights="labels", class_weight="balanced"),
    "block, dense y": lambda d: fit("block", d),
    "block, sparse y, row weights": lambda d: fit("block", d, y_kind="sparse", weights="rows"),
    "deep, dense y": lambda d: fit("deep", d),
    "deep, sparse y, row weights": lambda d: fit("deep", d, y_kind="sparse", weights="rows"),
    "base, batches of one row": lambda d: fit("base", d, n_rows=24, batch_size=1, epochs=1),
    "block, batches of one or two rows": lambda d: fit(
        "block", d, n_rows=41, batch_size=2, epochs=1
    ),
    "own network": own_network,
    "own network, batches of one row": penalties_of_single_rows,
    "between epochs": everything_between_epochs,
    "several calls": several_calls,
}


def raised(function):
    try:
        function()
    except Exception as error:
        return np.array(f"{type(error).__name__}: {error}")
    return np.array("nothing")


def handle(distribute):
    X, y = problem()
    store = Recorded(X)
    batches = RowBatches(store, sparse.csr_matrix(y), None, 51, part=(index(), 2))
    list(batches.epoch(np.random.RandomState(0)))
    clf = make("base", distribute, epochs=1).fit(Recorded(X), y)
    return {"read": np.array(store.rows_read), "variables": variables(clf)}


def differences(distribute):
    X, y = problem()
    me = index()
    other = X.copy()
    other[3, 2] += me
    bad = X.copy()
    if me:
        bad[4, 5] = np.nan

    def scorer(estimator, X, y):
        raise KeyError("no such score")

    stopping = {"early_stopping": True, "scoring": scorer}
    return {
        "epochs": raised(lambda: make("base", distribute, epochs=2 + me).fit(X, y)),
        "X": raised(lambda: make("base", distribute).fit(other, y)),
        "y": raised(lambda: make("base", distribute).fit(X, np.roll(y, me, axis=0))),
        "bad X": raised(lambda: make("base", distribute).fit(bad, y)),
        "scorer": raised(lambda: make("base", distribute, **stopping).fit(X, y)),
        "checkpoint": raised(lambda: folder_of_the_chief_only(distribute)),
    }


def folder_of_the_chief_only(distribute):
    folder = f"{os.environ['WORKER_FOLDER']} of worker {index()}"
    X, y = problem()
    for _ in range(2):
        make("base", distribute, epochs=1, callbacks=[Checkpoint(folder)]).fit(X, y)


def stop_on_one(distribute):
    X, y = problem()

    def stop(callback):
        callback.model.stop_training = True

    steps = Steps(5 if index() else 1000, stop)
    clf = make("base", distribute, callbacks=[steps]).fit(X, y)
    return results(clf, steps)


def without_a_seed(distribute):
    X, y = problem()
    return {"variables": variables(make("base", distribute, random_state=None).fit(X, y))}


def error_on_one(distribute):
    X, y = problem()

    def fail(callback):
        raise KeyError("as it happens")

    steps = Steps(5 if index() else 1000, fail)
    clf = make("base", distribute, callbacks=[steps])
    first = raised(lambda: clf.fit(X, y))
    again = raised(lambda: make("base", distribute).fit(X, y))
    alone = make("base", None, epochs=1).fit(X, y)
    return {
        "first": first,
        "again": again,
        "alone": alone.n_iter_,
        "fitted": hasattr(clf, "model_"),
    }


TOGETHER = {
    **SINGLE,
    "own network with dropout": lambda d: own_network(d, network__dropout=0.5),
    "handle": handle,
    "differences": differences,
    "stop on one": stop_on_one,
    "without a seed": without_a_seed,
    # Nothing can follow it.
    "error on one": error_on_one,
}


def checkpointed(mode, distribute):
    X, y = problem()

    def die(callback):
        if index() == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    steps = Steps(9 if mode == "stopped" else None, die)
    callbacks = [steps]
    if mode != "whole":
        callbacks.append(Checkpoint(os.environ["WORKER_FOLDER"], every=2))
    clf = make("block", distribute, callbacks=callbacks)
    start = time.monotonic()
    values = {"error": raised(lambda: clf.fit(X, y)), "seconds": time.monotonic() - start}
    if mode == "stopped":
        return values
    return {**values, **results(clf)}


def run(cases, distribute):
    values = {}
    for name, case in cases.items():
        print(f"{time.monotonic():.1f} {name}", file=sys.stderr, flush=True)
        values.update((f"{name}/{key}", np.asarray(v)) for key, v in case(distribute).items())
    return values


def main(mode, path):
    distribute = "multi_worker"
    if mode == "together":
        modes = {"whole": lambda d: checkpointed("whole", d)}
        values = run({**modes, **TOGETHER}, distribute)
    else:
        values = run({mode: lambda d: checkpointed(mode, d)}, distribute)
    with open(f"{path}.part", "wb") as file:
        np.savez(file, **values)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
