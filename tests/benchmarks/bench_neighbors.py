"""GAP@20 of a classifier alone and blended with its neighbours, and what the neighbours cost.

Real rows from ``SKMLCLF_YT8M_DIR``: trained on ``train``, measured on ``validate``. Run ``python
tests/benchmarks/bench_neighbors.py``; ``--architectures base deep`` and ``--seeds 3`` for more,
``--auto`` to have weight and temperature chosen on a tenth of the training rows.
"""

import argparse
import os
from pathlib import Path
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from results import record
from sklearn.base import clone

from skmlclf import NeighborBlendClassifier
from skmlclf.comparison import default_architectures
from skmlclf.datasets import load_tfrecords
from skmlclf.metrics import get_scorer


def seconds_of(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def milliseconds_per_row(name, estimator, X):
    """Record three passes, after one that compiles, and return the best of them."""
    estimator.predict_topk(X[:1024])
    passes = [1e3 * seconds_of(lambda: estimator.predict_topk(X)) / len(X) for _ in range(3)]
    return record(f"{name}, predict_topk of a row", passes, "ms", show=False).best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="+", default=["base"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="those of the defaults if left out")
    parser.add_argument("--auto", action="store_true")
    parser.add_argument("--components", type=int, nargs="+", default=[256])
    args = parser.parse_args()
    folder = Path(os.environ["SKMLCLF_YT8M_DIR"])
    train, held_out = (load_tfrecords(str(folder / part / "*")) for part in ("train", "validate"))
    gap = get_scorer("gap_at_20")
    print(f"{len(train.data):,} training rows, {len(held_out.data):,} held out")
    for name in args.architectures:
        for seed in range(args.seeds):
            estimator = default_architectures(random_state=seed)[name]
            last = estimator[-1] if hasattr(estimator, "steps") else estimator
            last.set_params(epochs=args.epochs or type(last)().epochs)
            seconds = seconds_of(lambda e=estimator: e.fit(train.data, train.target))
            alone = gap(estimator, held_out.data, held_out.target)
            cost = milliseconds_per_row(f"{name} {seed}, alone", estimator, held_out.data)
            print(
                f"{name} seed {seed}: fit {seconds:.0f} s, alone {alone:.4f}, {cost:.3f} ms a row",
                flush=True,
            )
            for n_components in args.components:
                blend = NeighborBlendClassifier(estimator, cv="prefit", n_components=n_components)
                report(f"{name} {seed}, {n_components} numbers", blend, train, held_out, gap, alone)
            if args.auto:
                auto = NeighborBlendClassifier(
                    clone(estimator), weight="auto", temperature="auto", refit=True, random_state=0
                )
                report(f"{name} {seed}, chosen", auto, train, held_out, gap, alone)


def report(name, blend, train, held_out, gap, alone):
    seconds = seconds_of(lambda: blend.fit(train.data, train.target))
    score = gap(blend, held_out.data, held_out.target)
    bank = blend._bank_
    n_bytes = bank.rows.nbytes + bank.labels.indices.nbytes + bank.labels.indptr.nbytes
    print(
        f"  weight {blend.weight_} temperature {blend.temperature_}, {bank.rows.shape[1]} numbers a"
        f" row: {score:.4f} ({score - alone:+.4f}), fit {seconds:.1f} s,"
        f" {milliseconds_per_row(name, blend, held_out.data):.3f} ms a row,"
        f" {n_bytes / len(bank.rows):.0f} bytes a training row",
        flush=True,
    )


if __name__ == "__main__":
    main()
