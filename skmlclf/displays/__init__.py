"""Plots of a fit and of its predictions, in the form of scikit-learn's displays."""

from skmlclf.displays._comparison import ComparisonDisplay
from skmlclf.displays._history import HistoryDisplay
from skmlclf.displays._label_confusion import LabelConfusionDisplay
from skmlclf.displays._precision_at_k import PrecisionAtKDisplay
from skmlclf.displays._reliability import ReliabilityDisplay

__all__ = [
    "ComparisonDisplay",
    "HistoryDisplay",
    "LabelConfusionDisplay",
    "PrecisionAtKDisplay",
    "ReliabilityDisplay",
]
