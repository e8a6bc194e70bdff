"""
One network on two workers
==========================

Two processes on this machine train one network together, each on half of every batch. The losses
are those of one process.
"""

# %%
# Every worker runs the same program. ``TF_CONFIG`` says who the workers are and which of them a
# process is; without it, the program trains in one process.

import json
import os
import socket
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np

program = """
import json, os
from skmlclf import BlockMLPClassifier
from skmlclf.datasets import make_video_embeddings

X, y = make_video_embeddings(600, n_labels=60, random_state=0)
clf = BlockMLPClassifier(
    (64, 64),
    epochs=8,
    batch_size=100,
    random_state=0,
    distribute="multi_worker" if "TF_CONFIG" in os.environ else None,
)
clf.fit(X[:500], y[:500], X_val=X[500:], y_val=y[500:])
print(json.dumps(clf.history_))
"""


def start(**variables):
    """Start the program with some environment variables."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        text=True,
    )


def history_of(process):
    """Wait for the program to end, and return the history that it has printed."""
    printed, _ = process.communicate()
    return json.loads(printed)


# %%
# The workers need addresses at which they reach each other, here two free ports of this machine.

with socket.socket() as first, socket.socket() as second:
    first.bind(("127.0.0.1", 0))
    second.bind(("127.0.0.1", 0))
    workers = [f"127.0.0.1:{each.getsockname()[1]}" for each in (first, second)]

processes = [
    start(
        TF_CONFIG=json.dumps(
            {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        )
    )
    for index in range(len(workers))
]
two_workers, same = map(history_of, processes)
one_process = history_of(start())

# %%
# All workers have the same weights after every step, and so the same history. That of one process
# is the same up to the rounding of sums.

assert two_workers == same
difference = np.abs(np.divide(two_workers["loss"], one_process["loss"]) - 1).max()
print(f"largest relative difference of the losses: {difference:.1e}")

figure, axes = plt.subplots()
epochs = range(1, len(one_process["loss"]) + 1)
for values, rows, color in (("loss", "training", "C0"), ("val_loss", "held-out", "C1")):
    for history, name, style in (
        (one_process, "one process", {"linewidth": 6, "alpha": 0.3}),
        (two_workers, "two workers", {"linestyle": "--", "marker": "o"}),
    ):
        axes.plot(epochs, history[values], color=color, label=f"{name}, {rows} rows", **style)
axes.set(xlabel="epoch", ylabel="loss")
axes.legend()
plt.show()
