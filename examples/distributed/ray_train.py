"""
Workers started by Ray Train
============================

Ray Train starts the workers and sets ``TF_CONFIG`` in each of them. It needs
``pip install "ray[train]"``, which this package does not depend on. On a Ray cluster the same
program trains on as many of its machines as ``num_workers`` says.
"""

import ray
from ray.train import ScalingConfig
from ray.train.tensorflow import TensorflowTrainer


def train(config):
    """Run on every worker. What it imports is imported there, after ``TF_CONFIG`` is set."""
    from skmlclf import BaseMLPClassifier
    from skmlclf.datasets import make_video_embeddings

    X, y = make_video_embeddings(600, n_labels=50, random_state=0)
    clf = BaseMLPClassifier(64, distribute="multi_worker", random_state=0, **config).fit(X, y)
    if ray.train.get_context().get_world_rank() == 0:
        print(f"loss after each epoch: {clf.history_['loss']}")
    ray.train.report({"loss": clf.history_["loss"][-1]})


if __name__ == "__main__":
    trainer = TensorflowTrainer(
        train,
        train_loop_config={"epochs": 3, "batch_size": 64},
        scaling_config=ScalingConfig(num_workers=2, resources_per_worker={"CPU": 0.5}),
    )
    trainer.fit()
