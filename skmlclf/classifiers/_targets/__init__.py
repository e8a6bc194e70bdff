"""Reading `y` and writing predictions: one class per kind of target."""

from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._classes import (
    BinaryTargets,
    MulticlassTargets,
    SingleClassTargets,
)
from skmlclf.classifiers._targets._kinds import is_multilabel, sorted_classes
from skmlclf.classifiers._targets._multilabel import MultilabelTargets
from skmlclf.classifiers._targets._plain import targets_from_plain, targets_to_plain
from skmlclf.classifiers._targets._read import read_targets

__all__ = [
    "BinaryTargets",
    "MulticlassTargets",
    "MultilabelTargets",
    "SingleClassTargets",
    "Targets",
    "is_multilabel",
    "read_targets",
    "sorted_classes",
    "targets_from_plain",
    "targets_to_plain",
]
