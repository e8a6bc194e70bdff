"""Fit several classifiers on the same data and lay their figures side by side."""

from skmlclf.callbacks import DEFAULT_METRICS
from skmlclf.comparison._architectures import default_architectures, feature_architectures
from skmlclf.comparison._compare import compare
from skmlclf.comparison._result import Comparison, Differences, Result

__all__ = [
    "DEFAULT_METRICS",
    "Comparison",
    "Differences",
    "Result",
    "compare",
    "default_architectures",
    "feature_architectures",
]
