"""Metrics beside their peers on one thread: seconds, ratios and peak memory.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_metrics.py [--rows 10000] [--labels 3862]

Every line runs its peer and ours in turn, on the same scores in single precision and the same
labels, dense int64 and CSR, and keeps the best of several runs. Memory is the peak of what a
call allocates, beside the size of the dense arrays it was given.
"""

import argparse
import heapq
import os
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
import sklearn.metrics
from results import record

from skmlclf import metrics


def make_data(n_rows: int, n_labels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels about three a row, as unevenly frequent as those of YouTube-8M, and scores that know
    something of them.
    """
    rng = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, n_labels + 1)
    draws = rng.choice(n_labels, size=(n_rows, 4), p=frequency / frequency.sum())
    y_true = np.zeros((n_rows, n_labels), dtype=np.int64)
    np.put_along_axis(y_true, draws, 1, axis=1)
    scores = rng.standard_normal((n_rows, n_labels), dtype=np.float32)
    scores += 3 * y_true.astype(np.float32)
    return y_true, 1 / (1 + np.exp(-scores))


def gap_with_heap(y_true: np.ndarray, y_score: np.ndarray, k: int = 20) -> float:
    """GAP the plain way: the best k of each row by itself, all of them into one heap."""
    heap: list[tuple[float, int]] = []
    for truth, scores in zip(y_true, y_score, strict=True):
        for label in np.argpartition(scores, -k)[-k:]:
            heapq.heappush(heap, (-scores[label], truth[label]))
    total, found, gained = int(y_true.sum()), 0, 0.0
    for place in range(1, len(heap) + 1):
        if heapq.heappop(heap)[1]:
            found += 1
            gained += found / place
    return gained / total


def seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak_megabytes(function: Callable[[], Any]) -> float:
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def compare(
    name: str,
    peer: Callable[[], Any] | None,
    dense: Callable[[], Any],
    sparse: Callable[[], Any],
    inputs: float,
    repeats: int,
) -> None:
    peers, ours, ours_sparse = [], [], []
    for _ in range(repeats):
        if peer is not None:
            peers.append(seconds(peer))
        # Three of ours for one of the peer's: they are short, so noise weighs more.
        for _ in range(3):
            ours.append(seconds(dense))
            ours_sparse.append(seconds(sparse))
    best, best_sparse = min(ours), min(ours_sparse)
    label = " ".join(name.split())
    if peers:
        record(f"{label}: peer", peers, "s", show=False)
    peer_name = f"{label}: peer" if peers else None
    record(f"{label}, dense", ours, "s", peer=peer_name, show=False)
    record(f"{label}, CSR", ours_sparse, "s", peer=peer_name, show=False)
    reference = f"{min(peers):8.3f} {min(peers) / best:6.1f}x" if peers else " " * 16
    peer_memory = f"{peak_megabytes(peer):8.1f}" if peer is not None else " " * 8
    print(
        f"{name:<34} {reference} {best:8.3f} {best_sparse:8.3f} {best_sparse / best:8.2f} "
        f"{inputs:8.0f} {peer_memory} {peak_megabytes(dense):8.1f} {peak_megabytes(sparse):8.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=3_862)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    y_true, y_score = make_data(arguments.rows, arguments.labels)
    y_csr = sp.csr_array(y_true)
    y_pred = (y_score > 0.95).astype(np.int64)
    pred_csr = sp.csr_array(y_pred)
    top_labels = np.argsort(-y_score, axis=1, kind="stable")[:, :20]
    topk = (top_labels, np.take_along_axis(y_score, top_labels, axis=1))
    weights = metrics.inverse_propensity(y_true)
    print(
        f"{arguments.rows} x {arguments.labels}, {y_true.sum()} labels, {y_pred.sum()} predicted, "
        f"one thread\n{'':<34} {'peer s':>8} {'ratio':>7} {'dense s':>8} {'CSR s':>8} "
        f"{'CSR/d':>8} {'input MB':>8} {'peer MB':>8} {'peak MB':>8} {'CSR MB':>8}"
    )
    sk = sklearn.metrics
    ranking: dict[str, tuple[Callable[..., Any] | None, Callable[..., Any]]] = {
        "nDCG@20 : ndcg_score": (
            lambda: sk.ndcg_score(y_true, y_score, k=20),
            metrics.ndcg_at_k_score,
        ),
        "MAP : average_precision macro": (
            lambda: sk.average_precision_score(y_true, y_score, average="macro"),
            metrics.mean_average_precision_score,
        ),
        "GAP@20 : a heap": (
            lambda: gap_with_heap(y_true, y_score),
            metrics.global_average_precision_score,
        ),
        "precision@20": (None, metrics.precision_at_k_score),
        "recall@20": (None, metrics.recall_at_k_score),
        "hit@20": (None, metrics.hit_at_k_score),
        "PERR": (None, metrics.precision_at_equal_recall_score),
        "MAP@20": (
            None,
            lambda y, s: metrics.mean_average_precision_score(y, s, k=20),
        ),
        "PSP@20": (
            None,
            lambda y, s: metrics.propensity_scored_precision_at_k_score(y, s, weights),
        ),
        "PSnDCG@20": (
            None,
            lambda y, s: metrics.propensity_scored_ndcg_at_k_score(y, s, weights),
        ),
    }
    inputs = (y_true.nbytes + y_score.nbytes) / 2**20
    for name, (peer, ours) in ranking.items():
        compare(
            name,
            peer,
            lambda ours=ours: ours(y_true, y_score),
            lambda ours=ours: ours(y_csr, y_score),
            inputs,
            arguments.repeats,
        )
    for name in ("nDCG@20 : ndcg_score", "GAP@20 : a heap", "MAP@20"):
        ours = ranking[name][1]
        compare(
            f"{name.split(' :')[0]} of a top-k pair",
            None,
            lambda ours=ours: ours(y_true, topk),
            lambda ours=ours: ours(y_csr, topk),
            (y_true.nbytes + topk[0].nbytes + topk[1].nbytes) / 2**20,
            arguments.repeats,
        )
    decisions: dict[str, tuple[Callable[..., Any] | None, Callable[..., Any]]] = {
        "samples P, R, F1 : f1_score": (
            lambda: sk.f1_score(y_true, y_pred, average="samples", zero_division=0),
            metrics.samples_precision_recall_f1,
        ),
        "samples P, R, F1 : prf_support": (
            lambda: sk.precision_recall_fscore_support(
                y_true, y_pred, average="samples", zero_division=0
            ),
            metrics.samples_precision_recall_f1,
        ),
        "hamming : hamming_loss": (
            lambda: sk.hamming_loss(y_true, y_pred),
            metrics.hamming_loss,
        ),
        "multilabel confusion : the same": (
            lambda: sk.multilabel_confusion_matrix(y_true, y_pred),
            metrics.multilabel_confusion_matrix,
        ),
        "label confusion": (None, metrics.label_confusion_matrix),
    }
    inputs = (y_true.nbytes + y_pred.nbytes) / 2**20
    for name, (peer, ours) in decisions.items():
        compare(
            name,
            peer,
            lambda ours=ours: ours(y_true, y_pred),
            lambda ours=ours: ours(y_csr, pred_csr),
            inputs,
            arguments.repeats,
        )
    for name in ("samples P, R, F1 : f1_score", "multilabel confusion : the same"):
        compare(
            f"{name.split(' :')[0]} CSR peer",
            (lambda: sk.f1_score(y_csr, pred_csr, average="samples", zero_division=0))
            if "F1" in name
            else (lambda: sk.multilabel_confusion_matrix(y_csr, pred_csr)),
            lambda ours=decisions[name][1]: ours(y_csr, pred_csr),
            lambda ours=decisions[name][1]: ours(y_csr, pred_csr),
            (y_csr.data.nbytes + pred_csr.data.nbytes) / 2**20,
            arguments.repeats,
        )


if __name__ == "__main__":
    main()
