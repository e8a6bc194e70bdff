"""What training on several workers costs, and what becomes of the others when one is killed.

    python tests/benchmarks/bench_workers.py             # the first two of these
    python tests/benchmarks/bench_workers.py exchange    # ms per step, by number of parameters
    python tests/benchmarks/bench_workers.py cores       # 2 workers x 1 core, 1 worker x 2 cores
    python tests/benchmarks/bench_workers.py kills --kills 20

All workers are processes of this machine, which talk over the loopback device. `exchange` compares
a step of two workers with the same step where nothing is exchanged. `kills` kills one of two
workers at a random moment, waits for the other, runs both again and compares the end with that of
a fit that nothing has disturbed, bit for bit.
"""

import argparse
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from results import record

# Features, hidden units, labels: some 1, 5 and 20 million parameters.
SIZES = {"1 M": (1152, 200, 3862), "5 M": (1152, 1000, 3862), "20 M": (1152, 4000, 3862)}
LONGEST_SECONDS = 600


def free_addresses(n):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


def start(n_workers, *arguments, cores=None):
    """Start this script as each of some workers, each on a core of its own where asked for."""
    cluster = {"worker": free_addresses(n_workers)}
    processes = []
    for i in range(n_workers):
        env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if n_workers > 1:
            task = {"type": "worker", "index": i}
            env["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
        command = [sys.executable, __file__, *map(str, arguments)]
        if cores is not None:
            command = ["taskset", "-c", cores[i], *command]
            env["OMP_NUM_THREADS"] = str(len(cores[i].split(",")))
        processes.append(
            subprocess.Popen(
                command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        )
    return processes


def fit_seconds(size, batch_size, n_steps):
    """Return the seconds per step of a fit, the first steps left out."""
    import keras

    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import make_video_embeddings

    n_features, hidden, n_labels = SIZES[size]
    X, y = make_video_embeddings(batch_size * n_steps, n_labels=n_labels, random_state=0)

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            times.append([time.perf_counter()])

        def on_epoch_end(self, epoch, logs=None):
            times[-1].append(time.perf_counter())

    times = []
    BaseMLPClassifier(
        hidden, epochs=4, batch_size=batch_size, random_state=0, callbacks=[Clock()],
        distribute="multi_worker" if "TF_CONFIG" in os.environ else None,
    ).fit(X[:, :n_features], y)  # fmt: skip
    return min(stop - begin for begin, stop in times[1:]) / n_steps


def measured(processes):
    outputs = [process.communicate(timeout=LONGEST_SECONDS)[0] for process in processes]
    return max(float(output.split()[-1]) for output in outputs)


def exchange(options):
    for size in options.sizes:
        for batch_size in options.batch_sizes:
            # Half of the rows on each core, without the other, is what a step computes.
            alone = measured(start(1, "fit", size, batch_size // 2, 12, cores=["0"]))
            both = measured(start(2, "fit", size, batch_size, 12, cores=["0", "1"]))
            name = f"{size} parameters, {batch_size} rows, "
            record(f"{name}half of them alone", 1e3 * alone, "ms")
            record(f"{name}step", 1e3 * both, "ms", peer=f"{name}half of them alone")
            print(f"    the exchange takes {1 - alone / both:.0%} of the step", flush=True)


def cores(options):
    for size in options.sizes:
        for batch_size in options.batch_sizes:
            one = measured(start(1, "fit", size, batch_size, 12, cores=["0,1"]))
            two = measured(start(2, "fit", size, batch_size, 12, cores=["0", "1"]))
            name = f"{size} parameters, {batch_size} rows, "
            record(f"{name}1 worker x 2 cores", 1e3 * one, "ms")
            record(f"{name}2 workers x 1 core", 1e3 * two, "ms", peer=f"{name}1 worker x 2 cores")


def checkpointed_fit(config, folder, result, to_parent):
    """Run a fit with checkpoints; send the error that it ended with, or what it has left."""
    from skmlclf import BlockMLPClassifier
    from skmlclf.callbacks import Checkpoint

    os.environ["TF_CONFIG"] = config
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 24)).astype(np.float32)
    y = (X @ rng.standard_normal((24, 30)) > 8).astype(np.uint8)
    clf = BlockMLPClassifier(
        (32, 24), epochs=6, batch_size=64, random_state=0, distribute="multi_worker",
        callbacks=[Checkpoint(folder, every=5)],
    )  # fmt: skip
    begin = time.monotonic()
    try:
        clf.fit(X, y)
    except Exception as error:
        to_parent.send(f"{type(error).__name__}: {error}".replace("\n", " "))
        return
    variables = [*clf.model_.variables, *clf.model_.optimizer.variables]
    values = {str(i): np.asarray(v) for i, v in enumerate(variables)}
    np.savez(result, loss=clf.history_["loss"], **values)
    to_parent.send(f"done {time.monotonic() - begin}")


def run_pair(folder, result, kill_after=None, victim=1):
    """Run both workers; return what the survivor said, and the seconds until it ended."""
    cluster = {"worker": free_addresses(2)}
    # TensorFlow is imported here, which takes longer than the fit, and has not started.
    context = multiprocessing.get_context("fork")
    workers = []
    for i in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})
        here, there = context.Pipe(duplex=False)
        arguments = (config, folder, Path(f"{result} {i}.npz"), there)
        workers.append((context.Process(target=checkpointed_fit, args=arguments), here, there))
    for process, _, there in workers:
        process.start()
        there.close()
    other, here, _ = workers[0 if kill_after is None else 1 - victim]
    was_running = True
    if kill_after is not None:
        time.sleep(kill_after)
        was_running = workers[victim][0].is_alive()
        workers[victim][0].kill()
    begin = time.monotonic()
    other.join(LONGEST_SECONDS)
    took = time.monotonic() - begin
    said = "HANGS" if other.is_alive() else here.recv() if here.poll() else "nothing"
    for process, _, _ in workers:
        if said == "HANGS":
            process.kill()
        process.join()
    return said, took if was_running else None


def equal(expected, got):
    a, b = np.load(expected), np.load(got)
    return all(a[name].tobytes() == b[name].tobytes() for name in a.files)


def kills(options):
    import skmlclf.classifiers  # noqa: F401  # once for all processes

    root = Path(tempfile.mkdtemp())
    said, _ = run_pair(root / "whole", root / "whole")
    seconds = float(said.split()[1])
    random.seed(options.seed)
    counts = {"kills": 0, "clean": 0, "named": 0, "equal": 0}
    longest, n = 0.0, 0
    while counts["kills"] < options.kills:
        n += 1
        victim, delay = n % 2, random.uniform(0.2, seconds)
        said, took = run_pair(root / f"{n}", root / f"{n}", delay, victim)
        if took is None or said.startswith("done"):
            print(f"the fit had ended before it was to be killed, after {delay:.1f} s", flush=True)
            seconds = min(seconds, delay)
            continue
        again, _ = run_pair(root / f"{n}", root / f"{n} again")
        assert again.startswith("done"), again
        counts["kills"] += 1
        counts["clean"] += said.startswith("WorkersError")
        counts["named"] += f"worker {victim} (" in said
        counts["equal"] += all(
            equal(root / f"whole {i}.npz", root / f"{n} again {i}.npz") for i in range(2)
        )
        longest = max(longest, took)
        print(
            f"worker {victim} killed after {delay:.1f} s: the other ended in {took:.1f} s; {counts}"
            f"; {said[:160]}",
            flush=True,
        )
    print(f"longest {longest:.1f} s; {counts}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["exchange", "cores", "kills"])
    parser.add_argument("--sizes", nargs="+", default=["5 M", "20 M"], choices=list(SIZES))
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[256, 1024])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    jobs = {"exchange": exchange, "cores": cores, "kills": kills}
    for what in [options.what] if options.what else ("exchange", "cores"):
        jobs[what](options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        size, batch_size, n_steps = sys.argv[2:]
        print(fit_seconds(size, int(batch_size), int(n_steps)))
    else:
        main()
