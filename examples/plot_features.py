"""
What video, audio and principal components bring
================================================

The base network on both modalities, on one of them, and on principal components of both.
"""

import matplotlib.pyplot as plt

from skmlclf import make_feature_mlp
from skmlclf.comparison import compare
from skmlclf.datasets import make_video_embeddings

X, y = make_video_embeddings(500, n_labels=60, random_state=0)
X, y, X_val, y_val = X[:400], y[:400], X[400:], y[400:]

# %%
# `make_feature_mlp` is a pipeline that selects columns, projects them, and ends in the base
# network.

shared = {"hidden_units": 64, "epochs": 5, "batch_size": 32, "random_state": 0}
estimators = {
    "both": make_feature_mlp("all", None, **shared),
    "video": make_feature_mlp("video", None, **shared),
    "audio": make_feature_mlp("audio", None, **shared),
    "pca-64": make_feature_mlp("all", 64, **shared),
}
print(estimators["pca-64"])

# %%
comparison = compare(
    estimators, X, y, X_val, y_val, metrics=["gap_at_20", "hit_at_1"], verbose=False
)
print(comparison)
comparison.plot()
plt.show()

# %%
# The same study on real records of YouTube-8M is ``skmlclf compare --study features``.
