"""Fits over rows on disk against the in-memory fit: memory, throughput and accuracy, real videos.

    SKMLCLF_YT8M_DIR=... python tests/benchmarks/bench_out_of_core.py [memory] [speed] [search] \
[shuffle]

Without names, all four parts run. "Ten times" is the training files concatenated ten times.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

YT8M = Path(os.environ["SKMLCLF_YT8M_DIR"])

_CHILD = """
import resource, sys
import numpy as np, scipy.sparse as sp
from skmlclf import BaseMLPClassifier
from skmlclf.callbacks import EpochMetrics
from skmlclf.datasets import VideoRecords, concatenate_rows
from skmlclf.metrics import EstimatorResponses, evaluate_metrics

folder, times, job = sys.argv[1], int(sys.argv[2]), sys.argv[3]
records = VideoRecords(f"{folder}/train/*")
X = concatenate_rows([records.features] * times)
y = sp.vstack([records.labels] * times, format="csr")
held_out = VideoRecords(f"{folder}/validate/*")
clf = BaseMLPClassifier(epochs=1, random_state=0, callbacks=[EpochMetrics(verbose=False)])
rows = slice(None) if job == "fit" else slice(5000)
clf.fit(X[rows], y[rows], X_val=held_out.features, y_val=held_out.labels)
if job == "predict_topk":
    clf.predict_topk(X)
elif job == "evaluate":
    names = ["gap_at_20", "f1_samples", "hamming", "precision_at_20"]
    evaluate_metrics(names, y, EstimatorResponses(clf, X))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory():
    """Peak resident memory in MiB of a process that fits, predicts or evaluates."""
    print("peak resident memory, MiB (a process of its own each)")
    for job in ("fit", "predict_topk", "evaluate"):
        peaks = []
        for times in (1, 10):
            args = [sys.executable, "-W", "ignore", "-c", _CHILD, str(YT8M), str(times), job]
            out = subprocess.run(args, capture_output=True, text=True, check=True).stdout
            peaks.append(float(out.split()[-1]))
        print(
            f"{job:14} once {peaks[0]:7.0f}  ten times {peaks[1]:7.0f}  {peaks[1] / peaks[0]:.3f}"
        )


def speed(repeats=3):
    """Epochs a fit over files takes, in turn with the fit of the array."""
    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import NpyRowStore, VideoRecords
    from skmlclf.training import _features

    records = VideoRecords(f"{YT8M}/train/*")
    array = np.asarray(records.features)
    # Nothing is kept between epochs, as with data that is larger.
    _features.WINDOW_BYTES = array.nbytes // 4
    with tempfile.TemporaryDirectory() as folder:
        for i, part in enumerate(np.array_split(array, 8)):
            np.save(Path(folder, f"{i}.npy"), part)
        sources = {
            "array": array,
            ".npy": NpyRowStore(f"{folder}/*.npy"),
            "TFRecord": records.features,
        }
        seconds = {name: [] for name in sources}
        for _ in range(repeats + 1):
            for name, X in sources.items():
                clf = BaseMLPClassifier(epochs=2, random_state=0)
                start = perf_counter()
                clf.fit(X, records.labels)
                seconds[name].append(perf_counter() - start)
    print("seconds of a fit of two epochs, median; throughput against the array")
    medians = {name: np.median(values[1:]) for name, values in seconds.items()}
    for name, value in medians.items():
        pairs = np.array(seconds["array"][1:]) / np.array(seconds[name][1:])
        print(
            f"{name:10} {value:7.1f} s   {medians['array'] / value:.3f}   in turn {pairs.round(3)}"
        )


def search():
    """A search over rows on disk in two processes, against that over the array."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import VideoRecords
    from skmlclf.metrics import EstimatorResponses, evaluate_metrics, get_scorer
    from skmlclf.preprocessing import ModalitySelector

    records = VideoRecords(f"{YT8M}/train/*")
    pipeline = make_pipeline(ModalitySelector("all"), BaseMLPClassifier(epochs=1, random_state=0))
    results = []
    for X in (records.features, np.asarray(records.features)):
        grid = GridSearchCV(
            pipeline,
            {"basemlpclassifier__dropout": [0.2, 0.5]},
            scoring=get_scorer("gap_at_20"),
            cv=3,
            n_jobs=2,
            refit=False,
        )
        results.append(grid.fit(X, records.labels).cv_results_["mean_test_score"])
    print(f"search over files {results[0]}, over the array {results[1]}")
    print(f"largest difference {np.abs(results[0] - results[1]).max():.2g}")
    clf = BaseMLPClassifier(epochs=1, random_state=0).fit(records.features, records.labels)
    held_out = VideoRecords(f"{YT8M}/validate/*")
    names = ["gap_at_20", "f1_samples", "map", "hamming", "precision_at_20", "ndcg_at_20"]
    on_files, on_array = (
        evaluate_metrics(names, held_out.labels, EstimatorResponses(clf, X))
        for X in (held_out.features, np.asarray(held_out.features))
    )
    print(f"evaluate: {max(abs(on_files[name] - on_array[name]) for name in names):.2g} apart")


def shuffle():
    """GAP@20 after five epochs, shuffled by blocks and in full."""
    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import VideoRecords
    from skmlclf.metrics import get_scorer
    from skmlclf.training import _features

    records, held_out = VideoRecords(f"{YT8M}/train/*"), VideoRecords(f"{YT8M}/validate/*")
    X_val, y_val = np.asarray(held_out.features), held_out.labels
    scores = {"in full": [], "by blocks": []}
    windows = {"in full": _features.WINDOW_BYTES, "by blocks": records.features.nbytes // 10}
    for seed in range(3):
        for name, n_bytes in windows.items():
            _features.WINDOW_BYTES = n_bytes
            clf = BaseMLPClassifier(epochs=5, random_state=seed)
            clf.fit(records.features, records.labels)
            scores[name].append(get_scorer("gap_at_20")(clf, X_val, y_val))
    for name, values in scores.items():
        print(f"{name:10} {np.mean(values):.4f}   {np.round(values, 4)}")
    print(
        f"difference of the means {np.mean(scores['by blocks']) - np.mean(scores['in full']):+.4f}"
    )


def main():
    parts = {"memory": memory, "speed": speed, "search": search, "shuffle": shuffle}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
