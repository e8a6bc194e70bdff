"""What measuring after an epoch costs, beside a plain forward pass over the same rows.

Run ``python tests/benchmarks/bench_epoch_metrics.py``; the two take turns.
"""

import os
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from skmlclf import BaseMLPClassifier
from skmlclf.callbacks._epoch_metrics import DEFAULT_METRICS
from skmlclf.classifiers._held_out import HeldOut
from skmlclf.classifiers._rows import Rows
from skmlclf.datasets import make_video_embeddings

N_ROWS, N_LABELS, ROUNDS = 4000, 3862, 9


def main():
    X, y = make_video_embeddings(N_ROWS, n_labels=N_LABELS, random_state=0)
    clf = BaseMLPClassifier(epochs=1, random_state=0).fit(X[:500], y[:500])
    predictor = clf._predictor
    rows = Rows(X, np.arange(N_ROWS), y, None)
    held_out = HeldOut(rows, [*DEFAULT_METRICS, "gap_at_20"], "multilabel", "val")
    jobs = {
        "forward pass": lambda: predictor.probabilities(X),
        "loss and metrics": lambda: held_out.evaluate(predictor),
    }
    times = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            times[name].append(perf_counter() - start)
    print(f"{N_ROWS:,} rows, {N_LABELS:,} labels: {', '.join(DEFAULT_METRICS)}, gap_at_20")
    for name, values in times.items():
        print(f"{name:18}{1e3 * min(values):8.1f} ms")
    forward, measured = (min(values) for values in times.values())
    print(f"ratio: {measured / forward:.2f} (target: at most 1.3)")


if __name__ == "__main__":
    main()
