"""What happens between epochs."""

from skmlclf.callbacks._epoch_metrics import EpochMetrics

__all__ = ["EpochMetrics"]
