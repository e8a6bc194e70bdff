"""Records a second: indexing, loading and reading rows of YouTube-8M's video-level files.

    SKMLCLF_YT8M_DIR=... python tests/benchmarks/bench_records.py [--no-tensorflow]

The files are read once before, so that the system has them cached.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from results import record

from skmlclf.datasets import NpyRowStore, VideoRecords, load_tfrecords


def rates(job, n_records, repeats=5):
    """Return the rate of each of some runs."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        found.append(n_records / (time.perf_counter() - start))
    return found


def parse_with_tensorflow(files):
    import tensorflow as tf

    spec = {
        "id": tf.io.FixedLenFeature([], tf.string),
        "labels": tf.io.RaggedFeature(tf.int64),
        "mean_rgb": tf.io.FixedLenFeature([1024], tf.float32),
        "mean_audio": tf.io.FixedLenFeature([128], tf.float32),
    }
    dataset = tf.data.TFRecordDataset(files).batch(1024)
    for _ in dataset.map(lambda records: tf.io.parse_example(records, spec)).prefetch(1):
        pass


def main():
    files = sorted(str(path) for path in Path(os.environ["SKMLCLF_YT8M_DIR"], "train").glob("*"))
    records = VideoRecords(files)
    n = len(records)
    rows = np.random.default_rng(0).permutation(n)
    print(f"{n:,} records in {len(files)} files")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "X.npy"), np.asarray(records.features))
        npy = NpyRowStore(Path(folder, "X.npy"))
        jobs = {
            "indexing": lambda: VideoRecords(files),
            "indexing, from the cache file": lambda: VideoRecords(files, cache=folder),
            "load_tfrecords": lambda: load_tfrecords(files),
            "blocks of records": lambda: sum(map(len, records.features.blocks())),
            "blocks of .npy": lambda: sum(map(len, npy.blocks())),
            "512 rows anywhere, of records": lambda: records.features.take(rows[:512]),
            "512 rows anywhere, of .npy": lambda: npy.take(rows[:512]),
        }
        for name, job in jobs.items():
            found = rates(job, 512 if "512" in name else n)
            record(name, found, "records/s", higher_is_better=True)
    if "--no-tensorflow" not in sys.argv:
        found = rates(lambda: parse_with_tensorflow(files), n)
        record("TensorFlow, parse_example", found, "records/s", higher_is_better=True)


if __name__ == "__main__":
    main()
