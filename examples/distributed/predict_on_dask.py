"""
Predictions for many files on a Dask cluster
============================================

Two worker processes write the best labels of the videos of four files, one file of predictions for
each. Half of them are there already when the second call starts, which makes the others only.
"""

# %%
# The command ``skmlclf predict --out-dir predictions --scheduler tcp://10.0.0.1:8786`` does the
# same; models, files and predictions have to have the same paths on all machines.

from pathlib import Path
from tempfile import TemporaryDirectory

from dask.distributed import Client, LocalCluster

from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings, write_tfrecords
from skmlclf.prediction import predict_files


def predict_on(client, folder):
    """Write records and a model, and predict."""
    X, y = make_video_embeddings(400, n_labels=100, random_state=0)
    clf = BaseMLPClassifier(64, epochs=3, random_state=0).fit(X[:200], y[:200])
    clf.save(folder / "model.safetensors")
    paths = write_tfrecords(folder / "videos.tfrecord", X[200:], y[200:], shards=4)
    for some in (paths[:2], paths):
        written = predict_files(
            folder / "model.safetensors", some, folder / "predictions", k=3, scheduler=client
        )
        print(f"written for {len(some)} files:", *(Path(path).name for path in written), sep="\n  ")
    print(*Path(written[0]).read_text().splitlines()[:4], sep="\n")


# %%
# Worker processes import this file: what starts them stands behind the usual guard.

if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        TemporaryDirectory() as folder,
    ):
        predict_on(client, Path(folder))
