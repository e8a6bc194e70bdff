"""Decisions from scores: which scores are kept, and the rules that thresholds are chosen by."""

from skmlclf.thresholds._cuts import are_stored
from skmlclf.thresholds._decisions import best_of_kept, decide
from skmlclf.thresholds._kept import (
    all_scores,
    chosen_response,
    kept_scores,
    row_blocks,
    scores_of_topk,
)
from skmlclf.thresholds._temperature import (
    fit_temperature,
    scores_to_decide_by,
    with_temperature,
)
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
    "best_of_kept",
    "chosen_response",
    "decide",
    "f1_by_label",
    "fit_temperature",
    "kept_scores",
    "objective_value",
    "row_blocks",
    "scores_of_topk",
    "scores_to_decide_by",
    "tune_thresholds",
    "with_temperature",
    "without",
]
