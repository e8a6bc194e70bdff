"""
Grid search on a Dask cluster
=============================

A cluster of two worker processes on this machine searches the dropout and the learning rate of a
network. With the address of a scheduler instead of ``LocalCluster``, the same lines run on many
machines.
"""

# %%
# Each worker process has one thread, so that it fits one candidate at a time. It takes its share of
# the cores and compiles the training step of a structure once, for all candidates and folds.

import joblib
import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer

dropouts, rates = [0.2, 0.5], [3e-3, 1e-2]


def search_on(client):
    """Search on the workers of a client."""
    X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    search = GridSearchCV(
        BaseMLPClassifier(32, epochs=3, random_state=0),
        {"dropout": dropouts, "learning_rate": rates},
        scoring=get_scorer("precision_at_5"),
        cv=3,
    )
    with joblib.parallel_config("dask"):
        return search.fit(X, y)


# %%
# Candidates are in the order of the grid, so that the means of the folds are a matrix:


def draw(results):
    """Draw the mean scores of a search over both parameters."""
    means = np.reshape(results["mean_test_score"], (len(dropouts), len(rates)))
    figure, axes = plt.subplots()
    image = axes.imshow(means)
    axes.set(xlabel="learning rate", ylabel="dropout")
    axes.set_xticks(range(len(rates)), rates)
    axes.set_yticks(range(len(dropouts)), dropouts)
    figure.colorbar(image, label="precision at 5")


# %%
# Worker processes import the script that starts them, so that the guard is needed around what
# starts them.

if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        search = search_on(client)
    results = search.cv_results_
    for params, score in zip(results["params"], results["mean_test_score"], strict=True):
        print(f"P@5 {score:.4f}  {params}")
    draw(results)
    plt.show()
