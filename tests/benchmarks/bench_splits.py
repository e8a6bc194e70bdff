"""Stratified splits beside random ones: how far labels are from their shares, and seconds.

    python tests/benchmarks/bench_splits.py [folder of TFRecord files]

With a folder, the labels are those of its files, such as YouTube-8M's; without one they are
simulated, 30,000 x 3,862. For each split and each of three seeds:

- rows: mean over labels and test sets of how far a label's count is from its share, in rows;
- share: the same as a part of the label's rows, over labels with 10 rows or more;
- most: the largest difference in rows, over all labels;
- missing: labels with two rows or more that are on one side only, and test sets without a label
  that has as many rows as there are test sets, both in all;
- seconds: for all test sets together.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from results import record
from sklearn.model_selection import KFold, ShuffleSplit

from skmlclf.datasets import load_tfrecords, make_video_embeddings
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit


def splitters(seed: int) -> Iterator[tuple[str, Any, Any]]:
    for k in (5, 10):
        params = {"shuffle": True, "random_state": seed}
        yield f"{k} folds", KFold(k, **params), MultilabelStratifiedKFold(k, **params)
    for size in (0.25, 0.2, 0.1, 0.05):
        params = {"n_splits": 1, "test_size": size, "random_state": seed}
        yield (
            f"test {size:.0%}",
            ShuffleSplit(**params),
            MultilabelStratifiedShuffleSplit(**params),
        )


def measure(cv: Any, y: sp.csr_matrix) -> list[float]:
    start = time.perf_counter()
    splits = list(cv.split(np.zeros(y.shape[0]), y))
    seconds = time.perf_counter() - start
    total = np.asarray(y.sum(axis=0, dtype=np.int64)).ravel()
    tests = np.array([np.asarray(y[test].sum(axis=0)).ravel() for _, test in splits], dtype=float)
    wanted = total * np.array([len(test) for _, test in splits])[:, np.newaxis] / y.shape[0]
    far = np.abs(tests - wanted)
    used, common, twice = total > 0, total >= 10, total >= 2
    trains = total - tests
    one_sided = ((trains == 0) & twice).sum()
    absent = ((tests == 0) & (total >= max(2, len(splits)))).sum()
    shares = (far / np.maximum(total, 1))[:, common]
    return [far[:, used].mean(), shares.mean(), far.max(), one_sided + absent, seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    if folder is None:
        _, y = make_video_embeddings(30_000, n_labels=3862, n_video=1, n_audio=1, random_state=0)
    else:
        y = load_tfrecords(folder / "*.tfrecord").target
    y = sp.csr_matrix(y)
    print(f"{y.shape[0]:,} x {y.shape[1]:,}, {y.nnz:,} labels in all")
    print(f"{'':10} {'':10} {'rows':>8} {'share':>8} {'most':>8} {'missing':>8} {'seconds':>8}")
    results: dict[tuple[str, str], list[list[float]]] = {}
    for seed in range(3):
        for name, random, stratified in splitters(seed):
            for kind, cv in (("random", random), ("stratified", stratified)):
                results.setdefault((name, kind), []).append(measure(cv, y))
    for (name, kind), runs in results.items():
        means = zip(np.mean(runs, axis=0), (3, 4, 1, 1, 2), strict=True)
        values = " ".join(f"{mean:8.{digits}f}" for mean, digits in means)
        print(f"{name:10} {kind:10} {values}")
        record(f"{name}, {kind}", [run[-1] for run in runs], "s", show=False)


if __name__ == "__main__":
    main()
