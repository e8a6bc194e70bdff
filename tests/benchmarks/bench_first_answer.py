"""From a fresh process to the top 20 labels of one row: a saved and an exported model.

Run ``python tests/benchmarks/bench_first_answer.py``. Imports are told apart from what the package
does itself: reading the file, building the network, tracing and compiling. The exported model takes
part where onnxruntime is installed, and is made where tf2onnx is.
"""

import argparse
import contextlib
import importlib.util
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from results import answer_of, record

# The peak of the process itself: ``ru_maxrss`` starts at what its parent had.
_SAVED = r"""
import json, re, sys, time
start = time.perf_counter()
import tensorflow, keras, sklearn.base
imported = time.perf_counter()
import numpy as np, skmlclf
clf = skmlclf.load(sys.argv[1])
loaded = time.perf_counter()
clf.predict_topk(np.ones((1, clf.n_features_in_), np.float32), k=20)
end = time.perf_counter()
memory = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([imported - start, loaded - imported, end - loaded, end - start, memory]))
"""
_EXPORTED = r"""
import json, re, sys, time
start = time.perf_counter()
import numpy as np, onnxruntime
imported = time.perf_counter()
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
loaded = time.perf_counter()
row = np.ones((1, 1152), np.float32)
scores = session.run(None, {name: row})[0]
np.argpartition(-scores, 20, axis=1)
end = time.perf_counter()
memory = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([imported - start, loaded - imported, end - loaded, end - start, memory]))
"""
STAGES = ("imports", "loading", "first answer", "in all")


def measure(title, code, path, rounds):
    runs = [answer_of(code, path) for _ in range(rounds)]
    *seconds, memory = zip(*runs, strict=True)
    for stage, values in zip(STAGES, seconds, strict=True):
        record(f"{title}: {stage}", values, "s")
    record(f"{title}: memory", memory, "MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    # TensorFlow prints as it starts, and the processes that are timed are others anyway.
    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import make_video_embeddings

    X, y = make_video_embeddings(1000, n_labels=3862, random_state=0)
    clf = BaseMLPClassifier(epochs=1, random_state=0).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        saved, exported = Path(folder, "model.skmlclf"), Path(folder, "model.onnx")
        clf.save(saved)
        measure("skmlclf.load", _SAVED, saved, args.rounds)
        if importlib.util.find_spec("onnxruntime") is None:
            return
        with contextlib.suppress(ImportError):
            clf.export(exported, format="onnx")
        if exported.exists():
            measure("exported, onnxruntime", _EXPORTED, exported, args.rounds)


if __name__ == "__main__":
    main()
