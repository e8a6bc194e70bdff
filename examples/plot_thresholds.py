"""
Thresholds for decisions
========================

Of many rare labels few ever have a probability above one half, so that `predict` gives too few of
them. Thresholds that are tuned on held-out scores give more, and the F1 rises.
"""

import matplotlib.pyplot as plt

from skmlclf import BaseMLPClassifier, LabelThresholdClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import ComparisonDisplay, ReliabilityDisplay
from skmlclf.metrics import samples_precision_recall_f1

X, y = make_video_embeddings(700, n_labels=60, random_state=0)
X, y, X_test, y_test = X[:500], y[:500], X[500:], y[500:]

# %%
# ``cv=2`` fits two networks on one half each, tunes on the scores of the other half, and fits a
# third on all rows.

network = BaseMLPClassifier(64, epochs=6, batch_size=32, random_state=0)
tuned = {
    objective: LabelThresholdClassifier(network, objective=objective, cv=2).fit(X, y)
    for objective in ("samples_f1", "micro_f1")
}

# %%
# The same network decides at one half inside either of them:

decisions = {"at one half": tuned["micro_f1"].estimator_, **tuned}
results = {}
for name, classifier in decisions.items():
    y_pred = classifier.predict(X_test)
    values = samples_precision_recall_f1(y_test, y_pred)
    results[name] = {"precision": values.precision, "recall": values.recall, "F1": values.f1}
    print(f"{name:12} {y_pred.sum() / len(X_test):.2f} labels per row, F1 {values.f1:.3f}")
print(f"{'true labels':12} {y_test.sum() / len(X_test):.2f} labels per row")

# %%
ComparisonDisplay.from_results(results)

# %%
# Tuned decisions rest on probabilities. Whether these are right is a plot of its own: points below
# the diagonal are too certain.

ReliabilityDisplay.from_estimator(tuned["samples_f1"].estimator_, X_test, y_test)
plt.show()
