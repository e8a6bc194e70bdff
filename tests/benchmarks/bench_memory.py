"""Memory above the inputs while fitting 45,000 x 3,862 CSR targets, and predicting the top 20.

Run ``python tests/benchmarks/bench_memory.py``.
"""

import os
import resource
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from results import record
from scipy import sparse

from skmlclf import BaseMLPClassifier

N_ROWS, N_FEATURES, N_LABELS = 45_000, 1152, 3862


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main():
    # A fit of another size first: what TensorFlow takes once, whatever the data, is not counted.
    rng = np.random.default_rng(0)
    tiny = rng.random((64, 4), np.float32)
    BaseMLPClassifier(4, epochs=1).fit(tiny, np.eye(64, 3, dtype=int)).predict_topk(tiny, k=2)
    X = rng.standard_normal((N_ROWS, N_FEATURES), dtype=np.float32)
    labels = rng.integers(0, N_LABELS, (N_ROWS, 3))
    rows = np.repeat(np.arange(N_ROWS), 3)
    y = sparse.csr_matrix(
        (np.ones(len(rows), np.uint8), (rows, labels.ravel())), (N_ROWS, N_LABELS)
    )
    y.data[:] = 1
    before = resident()
    clf = BaseMLPClassifier(1024, batch_size=512, epochs=1, random_state=0).fit(X, y)
    record("fit, above the inputs", peak() - before, "MiB")
    clf.predict_topk(X, k=20)
    record("predict_topk, above the inputs, with the model", peak() - before, "MiB")
    print(f"the dense target matrix alone would be {N_ROWS * N_LABELS * 4 / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
