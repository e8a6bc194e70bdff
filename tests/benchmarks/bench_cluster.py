"""A Dask cluster of two processes against one process: a search, and predictions that are killed.

The search has 12 candidates and 3 folds; its scores have to be equal, and no worker may compile a
structure twice. The predictions are for 96 files; the client and a worker are killed half-way, and
what the second run leaves has to be equal to what one uninterrupted process writes, byte for byte.
Run ``python tests/benchmarks/bench_cluster.py``.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import distributed
import joblib
import numpy as np
from results import record
from sklearn.model_selection import GridSearchCV

from skmlclf import BlockMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.prediction import predict_files

GRID = {"dropout": [0.1, 0.3, 0.5], "learning_rate": [3e-4, 1e-3, 3e-3, 1e-2]}
N_FILES = 96


def n_steps():
    """Return how many training steps this process has compiled, and its threads."""
    import tensorflow as tf

    from skmlclf.training import _programs

    n_threads = tf.config.threading.get_intra_op_parallelism_threads()
    return sum(key[0] == "step" for key in _programs._programs), n_threads


def compare_searches(client):
    X, y = make_video_embeddings(600, n_labels=500, random_state=0)
    search = GridSearchCV(
        BlockMLPClassifier((256, 128), epochs=2, random_state=0),
        GRID,
        scoring=get_scorer("gap_at_20"),
        cv=3,
        refit=False,
        error_score="raise",
    )
    results = {}
    for name, config in [("n_jobs=1", {"n_jobs": 1}), ("dask", {"backend": "dask"})]:
        start = perf_counter()
        with joblib.parallel_config(**config):
            results[name] = search.fit(X, y).cv_results_
        record(
            f"search, {name}",
            perf_counter() - start,
            "s",
            peer="search, n_jobs=1" if name == "dask" else None,
        )
    splits = [name for name in results["dask"] if name.startswith("split")]
    one, other = (np.array([results[name][s] for s in splits]) for name in results)
    print(
        f"scores equal: {np.array_equal(one, other)}, largest difference {abs(one - other).max()}"
    )
    print(f"different scores among {one.size}: {len(np.unique(one))}")
    for address, (steps, n_threads) in client.run(n_steps).items():
        print(f"worker {address}: {steps} step compiled, {n_threads} thread", flush=True)


def compare_predictions(client, folder):
    X, y = make_video_embeddings(N_FILES * 100, n_labels=500, random_state=0)
    for i in range(N_FILES):
        np.save(folder / f"rows-{i:02}.npy", X[100 * i : 100 * (i + 1)])
    model = folder / "model.safetensors"
    BlockMLPClassifier((256, 128), epochs=1, random_state=0).fit(X[:1000], y[:1000]).save(model)
    data = f"{folder}/rows-*.npy"
    start = perf_counter()
    predict_files(model, data, folder / "whole")
    record("prediction, one process", perf_counter() - start, "s")
    killed = folder / "killed"
    command = ["predict", "--model", model, "--data", data, "--out-dir", killed]
    run = subprocess.Popen(
        [sys.executable, "-m", "skmlclf", *command, "--scheduler", client.scheduler.address],
    )
    while len(list(killed.glob("*.csv"))) < N_FILES // 2:
        if run.poll() is not None:
            raise SystemExit(f"the run to be killed has ended with {run.returncode}")
        sleep(0.005)
    run.kill()
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    run.wait()
    sleep(1)
    n_there = len(list(killed.glob("*.csv")))
    start = perf_counter()
    written = predict_files(model, data, killed, scheduler=client)
    print(f"killed with {n_there} of {N_FILES} files there; {len(written)} made by the second run,")
    whole, resumed = (
        {path.name: path.read_bytes() for path in (folder / name).glob("*.csv")}
        for name in ("whole", "killed")
    )
    print(f"in {perf_counter() - start:.1f} s: {len(resumed)} files, equal: {whole == resumed}")
    print(f"left behind: {[path.name for path in killed.glob('.*.tmp')]}")


def main():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        compare_searches(client)
        compare_predictions(client, Path(folder))


if __name__ == "__main__":
    main()
