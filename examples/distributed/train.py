"""
One network on several workers
==============================

Every worker runs this program. ``TF_CONFIG`` says who the workers are and which of them this one
is; ``two_workers.sh`` starts two on this machine. The data are the same everywhere, here because
they are simulated from one seed: as a rule they are files that every worker can read.
"""

import json
import os
import sys

from skmlclf import BlockMLPClassifier
from skmlclf.callbacks import Checkpoint
from skmlclf.datasets import make_video_embeddings

X, y = make_video_embeddings(1200, n_labels=100, random_state=0)
callbacks = []
if "CHECKPOINTS" in os.environ:
    # A folder that all workers see. Where the programs are started again, they resume from it.
    callbacks = [Checkpoint(os.environ["CHECKPOINTS"])]
clf = BlockMLPClassifier(
    (128, 64), epochs=3, batch_size=128, random_state=0, distribute="multi_worker",
    callbacks=callbacks,
)  # fmt: skip
clf.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])

index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
losses = ", ".join(f"{loss:.5f}" for loss in clf.history_["val_loss"])
# One write for the whole line: where output is not buffered, print writes its end by itself, and
# the line of the other worker can come between.
sys.stdout.write(f"worker {index}: held-out losses {losses}\n")
if index == 0 and "MODEL" in os.environ:
    clf.save(os.environ["MODEL"])
