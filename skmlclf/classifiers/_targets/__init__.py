"""From `y` to label ids and back: each kind of target answers for itself."""

from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._read import is_multilabel, read_targets

__all__ = ["Targets", "is_multilabel", "read_targets"]
