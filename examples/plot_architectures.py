"""
Comparing the four architectures
================================

The four networks of the package on the same rows: the values of each, how far each is from the
first, and their learning curves.
"""

import matplotlib.pyplot as plt

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier, make_feature_mlp
from skmlclf.comparison import compare
from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import HistoryDisplay, PrecisionAtKDisplay
from skmlclf.model_selection import multilabel_train_test_split

# %%
# Simulated videos have 1,024 visual and 128 audio features, and a few of many labels.

X, y = make_video_embeddings(500, n_labels=100, random_state=0)
X, X_val, y, y_val = multilabel_train_test_split(X, y, test_size=0.2, random_state=0)
print(X.shape, y.shape, f"{y.nnz / y.shape[0]:.1f} labels per row")

# %%
# `skmlclf.comparison.default_architectures` returns these four at their defaults. Here they are
# smaller, so that this page is built in seconds.

shared = {"epochs": 6, "batch_size": 32, "random_state": 0}
architectures = {
    "base": BaseMLPClassifier(128, **shared),
    "pca": make_feature_mlp("all", 64, hidden_units=128, **shared),
    "blocks": BlockMLPClassifier((128, 128), **shared),
    "deep": DeepMLPClassifier(128, label_units=(32, 32), **shared),
}
comparison = compare(architectures, X, y, X_val, y_val, verbose=False)
print(comparison)

# %%
# The same, relative to the first. On a few hundred simulated rows the order is not that of real
# videos, which the page on accuracy has.

print(comparison.against("base"))

# %%
# Bars of the same values:

comparison.plot()

# %%
# How they came about, epoch by epoch:

HistoryDisplay.from_history(
    {result.name: result.history for result in comparison.results},
    metrics=["loss", "precision_at_20"],
)

# %%
# Precision and recall by the number of labels that are looked at, beside those of always naming the
# most frequent labels:

base = comparison.results[0]
PrecisionAtKDisplay.from_predictions(y_val, base.topk, y_train=y, name="base")
plt.show()
