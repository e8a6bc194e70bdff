"""What happens between epochs."""

from skmlclf.callbacks._epoch_metrics import EpochMetrics
from skmlclf.callbacks._epoch_table import EpochTable

__all__ = ["EpochMetrics", "EpochTable"]
