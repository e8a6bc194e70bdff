"""Splits of multi-label data that keep label proportions, and rare labels on both sides."""

from skmlclf.model_selection._splitters import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)
from skmlclf.model_selection._train_test_split import multilabel_train_test_split

__all__ = [
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "multilabel_train_test_split",
]
