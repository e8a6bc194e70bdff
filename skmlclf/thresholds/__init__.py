"""Decisions from scores: which scores are kept, and the rules that thresholds are chosen by."""

from skmlclf.thresholds._cuts import are_stored
from skmlclf.thresholds._decisions import decide
from skmlclf.thresholds._kept import all_scores, chosen_response, kept_scores, row_blocks
from skmlclf.thresholds._tuning import (
    OBJECTIVES,
    TunedThresholds,
    f1_by_label,
    objective_value,
    tune_thresholds,
    without,
)

__all__ = [
    "OBJECTIVES",
    "TunedThresholds",
    "all_scores",
    "are_stored",
    "chosen_response",
    "decide",
    "f1_by_label",
    "kept_scores",
    "objective_value",
    "row_blocks",
    "tune_thresholds",
    "without",
]
