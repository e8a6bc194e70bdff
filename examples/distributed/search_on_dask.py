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
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer


def search_on(client):
    """Search on the workers of a client."""
    X, y = make_video_embeddings(300, n_labels=100, random_state=0)
    search = GridSearchCV(
        BaseMLPClassifier(32, epochs=3, random_state=0),
        {"dropout": [0.2, 0.5], "learning_rate": [3e-3, 1e-2]},
        scoring=get_scorer("precision_at_5"),
        cv=3,
    )
    with joblib.parallel_config("dask"):
        return search.fit(X, y)


# %%
# Worker processes import this file: what starts them stands behind the usual guard.

if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        search = search_on(client)
    results = search.cv_results_
    for params, score in zip(results["params"], results["mean_test_score"], strict=True):
        print(f"P@5 {score:.4f}  {params}")
