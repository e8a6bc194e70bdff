"""Threads or processes: throughput of one fit on one and two cores, and of a search either way.

Run ``python tests/benchmarks/bench_cores.py``. Every line has a process of its own, since
TensorFlow takes its threads once. A search of eight fits runs in one process with all cores, and in
one process per core (``n_jobs``).
"""

import argparse
import os

from results import answer_of, record

_FIT = """
import json, os, sys, time
cores = set(sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
os.sched_setaffinity(0, cores)
from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings
hidden, n_labels = int(sys.argv[2]), int(sys.argv[3])
X, y = make_video_embeddings(5120, n_labels=n_labels, random_state=0)
clf = BaseMLPClassifier(hidden, batch_size=256, epochs=1, random_state=0).partial_fit(X, y)
train, predict = [], []
for _ in range(3):
    start = time.perf_counter()
    clf.partial_fit(X, y)
    train.append(len(X) / (time.perf_counter() - start))
    start = time.perf_counter()
    clf.predict_topk(X)
    predict.append(len(X) / (time.perf_counter() - start))
print(json.dumps([train, predict]))
"""
_SEARCH = """
import json, sys, time
from sklearn.model_selection import GridSearchCV
from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
n_jobs, hidden, n_labels = map(int, sys.argv[1:])
X, y = make_video_embeddings(2000, n_labels=n_labels, random_state=0)
grid = GridSearchCV(
    BaseMLPClassifier(hidden, epochs=5, random_state=0),
    {"dropout": [0.1, 0.3, 0.5, 0.6]}, scoring=get_scorer("precision_at_20"), cv=2, refit=False,
    n_jobs=n_jobs,
)
start = time.perf_counter()
grid.fit(X, y)
print(json.dumps([time.perf_counter() - start]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    n_cores = len(os.sched_getaffinity(0))
    for size, hidden, n_labels in (("wide", 1024, 3862), ("small", 64, 100)):
        for cores in sorted({1, n_cores}):
            for job, rates in zip(
                ("training", "predict_topk"), answer_of(_FIT, cores, hidden, n_labels), strict=True
            ):
                record(
                    f"{size} network, {job}, cores used: {cores}",
                    rates,
                    "videos/s",
                    higher_is_better=True,
                    peer=f"{size} network, {job}, cores used: 1" if cores > 1 else None,
                )
        jobs = {1: [], n_cores: []}
        for _ in range(args.rounds):
            for n_jobs, seconds in jobs.items():
                seconds += answer_of(_SEARCH, n_jobs, hidden, n_labels)
        for n_jobs, seconds in jobs.items():
            record(
                f"{size} network, search of 8 fits, n_jobs={n_jobs}",
                seconds,
                "s",
                peer=f"{size} network, search of 8 fits, n_jobs=1" if n_jobs > 1 else None,
            )


if __name__ == "__main__":
    main()
