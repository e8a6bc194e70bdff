"""Data to fit on: simulated embeddings, readers of local files, and rows that stay on disk."""

from skmlclf._row_store import RowStore
from skmlclf.datasets._concatenate import concatenate_rows
from skmlclf.datasets._npy import NpyRowStore
from skmlclf.datasets._npy_folder import load_npy, write_npy
from skmlclf.datasets._parquet import ParquetRowStore
from skmlclf.datasets._simulated import make_video_embeddings
from skmlclf.datasets._tfrecords import load_tfrecords
from skmlclf.datasets._video_records import VideoRecords
from skmlclf.datasets._write import write_tfrecords

__all__ = [
    "NpyRowStore",
    "ParquetRowStore",
    "RowStore",
    "VideoRecords",
    "concatenate_rows",
    "load_npy",
    "load_tfrecords",
    "make_video_embeddings",
    "write_npy",
    "write_tfrecords",
]
