"""
Watch a fit and stop it early
=============================

Metrics on held-out rows after each epoch, the best epoch's weights at the end, and the best labels
of a few videos without the matrix of all scores.
"""

from skmlclf import DeepMLPClassifier
from skmlclf.callbacks import EpochMetrics
from skmlclf.datasets import make_video_embeddings

X, y = make_video_embeddings(800, n_labels=500, random_state=0)
X, y, X_val, y_val = X[:600], y[:600], X[600:], y[600:]

clf = DeepMLPClassifier(
    (256, 256, 256),
    epochs=15,
    early_stopping=True,
    scoring="gap_at_20",
    n_iter_no_change=3,
    callbacks=[EpochMetrics(["precision_at_20", "gap_at_20"])],
    random_state=0,
)
clf.fit(X, y, X_val=X_val, y_val=y_val)

print(f"best of {clf.n_iter_} epochs: {clf.best_epoch_ + 1}")

labels, scores = clf.predict_topk(X_val[:3], k=3)
for row, (ids, p) in enumerate(zip(labels, scores, strict=True)):
    print(f"video {row}:", "  ".join(f"{i} ({s:.2f})" for i, s in zip(ids, p, strict=True)))
