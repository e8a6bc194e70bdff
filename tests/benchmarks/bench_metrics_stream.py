"""A million rows of their best 20 labels through a RankingAccumulator: seconds and memory.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_metrics_stream.py [--rows 1000000]

The batches are made as they are needed and then dropped, so that the peak of the process is the
interpreter, its libraries, and what is kept. The peer is scikit-learn's micro average precision
over the same pairs, joined into one array: it gives GAP alone.
"""

import argparse
import os
import resource
import time
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
from results import record
from sklearn.metrics import average_precision_score

from skmlclf.metrics import RankingAccumulator

K = 20


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_batches(
    n_rows: int, n_labels: int, batch: int
) -> Iterator[tuple[sp.csr_array, tuple[np.ndarray, np.ndarray]]]:
    """About three labels per row, half of them among the row's 20 best."""
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, batch):
        rows = min(batch, n_rows - start)
        # Different labels in a row: a random start, then steps of at least one.
        steps = rng.integers(1, n_labels // (K + 2), size=(rows, K + 2))
        labels = np.cumsum(steps, axis=1)
        best = rng.permuted(labels[:, :K], axis=1)
        scores = -np.sort(-rng.random((rows, K), dtype=np.float32), axis=1)
        true = np.concatenate([best[:, [0, 3]], labels[:, K:]], axis=1)
        given = rng.random(true.shape) < [0.9, 0.6, 0.9, 0.6]
        indptr = np.concatenate(([0], np.cumsum(given.sum(axis=1))))
        y_true = sp.csr_array(
            (np.ones(indptr[-1], dtype=np.int8), true[given], indptr), shape=(rows, n_labels)
        )
        yield y_true, (best, scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--labels", type=int, default=3_862)
    parser.add_argument("--batch", type=int, default=1_024)
    parser.add_argument("--peer", action="store_true", help="run scikit-learn's part, too")
    arguments = parser.parse_args()

    start_peak = peak_megabytes()
    accumulator = RankingAccumulator(arguments.labels, k=K)
    making = updating = 0.0
    clock = time.perf_counter()
    for y_true, topk in make_batches(arguments.rows, arguments.labels, arguments.batch):
        made = time.perf_counter()
        accumulator.update(y_true, topk)
        making, updating, clock = (
            making + made - clock,
            updating + time.perf_counter() - made,
            time.perf_counter(),
        )
    print(f"{accumulator}")
    print(f"process before the first batch  {start_peak:8.0f} MB")
    print(f"after the last batch, peak      {peak_megabytes():8.0f} MB   {updating:6.1f} s")
    for name in ("precision_at_20", "recall_at_20", "ndcg_at_20", "gap_at_20", "map_at_20", "perr"):
        clock = time.perf_counter()
        value = accumulator.compute(name)
        spent = time.perf_counter() - clock
        print(f"{name:<16} {value:10.6f}, peak {peak_megabytes():8.0f} MB   {spent:6.1f} s")
    record("updates", updating, "s")
    record("peak of the process", peak_megabytes(), "MB")

    if arguments.peer:
        y_true, (labels, scores), _ = accumulator.kept()
        clock = time.perf_counter()
        rows = np.repeat(np.arange(len(labels)), K)
        hits = np.asarray(y_true[rows, labels.ravel().astype(np.int64)]).ravel()
        precision = average_precision_score(hits, scores.ravel())
        value = precision * hits.sum() / y_true.nnz
        spent = time.perf_counter() - clock
        print(f"scikit-learn GAP {value:10.6f}, peak {peak_megabytes():8.0f} MB   {spent:6.1f} s")


if __name__ == "__main__":
    main()
