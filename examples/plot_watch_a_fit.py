"""
Watching a fit, and stopping it early
=====================================

Metrics on held-out rows after each epoch, the best epoch's weights at the end, and a callback of
one's own.
"""

import keras
import matplotlib.pyplot as plt

from skmlclf import DeepMLPClassifier
from skmlclf.callbacks import EpochMetrics
from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import HistoryDisplay

X, y = make_video_embeddings(500, n_labels=60, random_state=0)
X, y, X_val, y_val = X[:400], y[:400], X[400:], y[400:]

# %%
# Any Keras callback can stand beside those of this package. This one notes the learning rate:


class NoteRate(keras.callbacks.Callback):
    """Note the learning rate at the start of each epoch."""

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate.numpy()))


note = NoteRate()
clf = DeepMLPClassifier(
    64,
    label_units=(16, 16),
    epochs=20,
    batch_size=32,
    early_stopping=True,
    scoring="gap_at_20",
    n_iter_no_change=3,
    callbacks=[EpochMetrics(["precision_at_20", "gap_at_20"]), note],
    verbose=1,
    random_state=0,
)
clf.fit(X, y, X_val=X_val, y_val=y_val)
print(f"best of {clf.n_iter_} epochs: {clf.best_epoch_ + 1}")

# %%
# What was measured is in ``history_``:

HistoryDisplay.from_estimator(clf)

# %%
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
axes.plot(range(1, len(note.rates) + 1), note.rates, "o-")
axes.set(xlabel="epoch", ylabel="learning rate")
plt.show()

# %%
# The best labels of a few videos, without the matrix of all scores:

labels, scores = clf.predict_topk(X_val[:3], k=3)
for row, (ids, p) in enumerate(zip(labels, scores, strict=True)):
    print(f"video {row}:", "  ".join(f"{i} ({s:.2f})" for i, s in zip(ids, p, strict=True)))
