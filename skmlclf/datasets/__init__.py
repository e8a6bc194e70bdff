"""Data to fit on: simulated embeddings, and readers of local files."""

from skmlclf.datasets._simulated import make_video_embeddings
from skmlclf.datasets._tfrecords import load_tfrecords

__all__ = ["load_tfrecords", "make_video_embeddings"]
