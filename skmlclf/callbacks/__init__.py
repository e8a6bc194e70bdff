"""Callbacks: measuring, showing and saving a fit between its epochs."""

from skmlclf.callbacks._checkpoint import Checkpoint
from skmlclf.callbacks._epoch_line import format_value, short_name
from skmlclf.callbacks._epoch_metrics import DEFAULT_METRICS, EpochMetrics
from skmlclf.callbacks._epoch_table import EpochTable

__all__ = [
    "DEFAULT_METRICS",
    "Checkpoint",
    "EpochMetrics",
    "EpochTable",
    "format_value",
    "short_name",
]
