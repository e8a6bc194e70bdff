"""Predictions of a saved model for many files: in this process, or spread over a Dask cluster."""

from skmlclf.prediction._files import predict_files
from skmlclf.prediction._writers import topk_writer

__all__ = ["predict_files", "topk_writer"]
