"""Training and prediction on the processor, on one accelerator, and on all of them.

Run ``python tests/benchmarks/bench_devices.py`` on a machine with a GPU. Every line has a process
of its own. An accelerator should be many times faster than the processor, and compute nearly all
of the time where batches have some thousand rows (``nvidia-smi dmon`` beside the run shows it), or
the loop waits for the host. All devices should be faster than one where batches are large. The
loss that is printed has to be the same everywhere to five digits. Without a GPU,
``--logical-processors 2`` cuts the processor in two, which tries the script and measures nothing.
"""

import argparse

from results import answer_of, record

_FIT = """
import json, os, sys, time
where, name, *numbers = sys.argv[1:]
n_processors, n_rows, batch_size = map(int, numbers)
if where == "processor":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
import tensorflow as tf
if n_processors > 1:
    processor = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * n_processors
    tf.config.set_logical_device_configuration(processor, halves)
import skmlclf
from skmlclf.datasets import make_video_embeddings
X, y = make_video_embeddings(n_rows, n_labels=3862, random_state=0)
distribute = "mirrored" if where == "all devices" else None
clf = getattr(skmlclf, name)(batch_size=batch_size, epochs=1, random_state=0, distribute=distribute)
clf.partial_fit(X, y)
loss = clf.history_["loss"][-1]
clf.predict_topk(X)
train, predict = [], []
for _ in range(3):
    start = time.perf_counter()
    clf.partial_fit(X, y)
    train.append(n_rows / (time.perf_counter() - start))
    start = time.perf_counter()
    clf.predict_topk(X)
    predict.append(n_rows / (time.perf_counter() - start))
devices = [d.name for d in tf.config.list_logical_devices()]
print(json.dumps([train, predict, loss, devices]))
"""
PLACES = ("processor", "one device", "all devices")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=32768)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[256, 4096])
    parser.add_argument("--logical-processors", type=int, default=1)
    parser.add_argument(
        "--architectures",
        nargs="+",
        default=["BaseMLPClassifier", "BlockMLPClassifier", "DeepMLPClassifier"],
    )
    args = parser.parse_args()
    for name in args.architectures:
        for batch_size in args.batch_sizes:
            job = f"{name}, batches of {batch_size}"
            for where in PLACES:
                train, predict, loss, devices = answer_of(
                    _FIT, where, name, args.logical_processors, args.rows, batch_size
                )
                print(f"{job}, {where}: loss {loss:.6f}, {', '.join(devices)}", flush=True)
                for what, rates in (("training", train), ("predict_topk", predict)):
                    record(
                        f"{job}: {what}, {where}",
                        rates,
                        "videos/s",
                        higher_is_better=True,
                        peer=None if where == PLACES[0] else f"{job}: {what}, {PLACES[0]}",
                    )


if __name__ == "__main__":
    main()
