"""Fit several classifiers on the same data and show their metrics side by side."""

from skmlclf.callbacks import DEFAULT_METRICS
from skmlclf.comparison._architectures import default_architectures, feature_architectures
from skmlclf.comparison._compare import compare
from skmlclf.comparison._decisions import Decisions
from skmlclf.comparison._measures import table_columns
from skmlclf.comparison._result import (
    Comparison,
    ComparisonInterrupted,
    DecisionTable,
    Differences,
    Result,
)

__all__ = [
    "DEFAULT_METRICS",
    "Comparison",
    "ComparisonInterrupted",
    "DecisionTable",
    "Decisions",
    "Differences",
    "Result",
    "compare",
    "default_architectures",
    "feature_architectures",
    "table_columns",
]
