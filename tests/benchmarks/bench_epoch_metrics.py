"""What measuring after an epoch costs, beside a plain forward pass over the same rows.

Run ``python tests/benchmarks/bench_epoch_metrics.py``; the two take turns.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from results import in_turn, record

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
    print(f"{N_ROWS:,} rows, {N_LABELS:,} labels: {', '.join(DEFAULT_METRICS)}, gap_at_20")
    for name, seconds in in_turn(jobs, ROUNDS).items():
        record(name, [1e3 * s for s in seconds], "ms", peer="forward pass")


if __name__ == "__main__":
    main()
