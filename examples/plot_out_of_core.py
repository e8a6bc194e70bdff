"""
Training from records on disk
=============================

Features stay in TFRecord files, of which a fit reads a block at a time. Labels are sparse and stay
in memory.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import (
    VideoRecords,
    load_npy,
    make_video_embeddings,
    write_npy,
    write_tfrecords,
)
from skmlclf.displays import HistoryDisplay
from skmlclf.metrics import get_scorer

# %%
# Records as YouTube-8M's files hold them, in a folder of this example:

folder = tempfile.TemporaryDirectory()
X, y = make_video_embeddings(600, n_labels=60, random_state=0)
write_tfrecords(Path(folder.name, "train.tfrecord"), X[:500], y[:500], shards=4)
write_tfrecords(Path(folder.name, "validate.tfrecord"), X[500:], y[500:])
print(*sorted(path.name for path in Path(folder.name).iterdir()), sep="\n")

# %%
# Opening them reads labels and ids, and where each record is. The features are rows on disk, which
# are indexed without being read:

train = VideoRecords(f"{folder.name}/train*", n_labels=60)
validate = VideoRecords(f"{folder.name}/validate*", n_labels=60)
print(train.features.shape, train.labels.shape, train.ids[:2])
print(train.features[100:200])

# %%
# They stand wherever ``X`` does:

clf = BaseMLPClassifier(64, epochs=5, batch_size=32, random_state=0)
clf.fit(train.features, train.labels, X_val=validate.features, y_val=validate.labels)
print(f"GAP@20 {get_scorer('gap_at_20')(clf, validate.features, validate.labels):.3f}")
labels, scores = clf.predict_topk(validate.features, k=5)

# %%
HistoryDisplay.from_estimator(clf)
plt.show()

# %%
# Files of ``.npy`` are read without decoding. They are written once:

write_npy(Path(folder.name, "train-npy"), train.features, train.labels)
faster = load_npy(Path(folder.name, "train-npy"))
print(faster.data)
folder.cleanup()
