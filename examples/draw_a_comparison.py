"""
Draw a comparison
=================

What the features give: the base network on video and audio, on video alone and on principal
components, side by side, and the pictures of one of them.
"""

import matplotlib.pyplot as plt

from skmlclf import BaseMLPClassifier, make_feature_mlp
from skmlclf.comparison import compare
from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import HistoryDisplay, LabelConfusionDisplay, PrecisionAtKDisplay

X, y = make_video_embeddings(600, n_labels=300, random_state=0)
X, y, X_val, y_val = X[:480], y[:480], X[480:], y[480:]

shared = {"epochs": 5, "random_state": 0}
estimators = {
    "base": BaseMLPClassifier(**shared),
    "video": make_feature_mlp("video", None, **shared),
    "pca-64": make_feature_mlp("all", 64, **shared),
}
comparison = compare(estimators, X, y, X_val, y_val, verbose=False)
print(comparison)
print(comparison.against("base"))
comparison.plot()

HistoryDisplay.from_history(
    {result.name: result.history for result in comparison.results},
    metrics=["loss", "precision_at_20"],
)
base = comparison.results[0]
PrecisionAtKDisplay.from_predictions(y_val, base.topk, y_train=y, name="base")
LabelConfusionDisplay.from_predictions(y_val, base.y_pred)
plt.show()
