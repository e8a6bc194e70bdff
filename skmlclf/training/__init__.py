"""Training and prediction of the networks at the speed of the arithmetic."""

from skmlclf.training._batches import ArrayBatches
from skmlclf.training._garbage import collect_dropped_models
from skmlclf.training._hardware import check_precision, has_bfloat16, take_share_of_cores
from skmlclf.training._loop import train
from skmlclf.training._optimizers import OPTIMIZERS, make_optimizer
from skmlclf.training._predictor import Evaluation, Predictor
from skmlclf.training._programs import clear_programs
from skmlclf.training._schedules import SCHEDULES, make_schedule

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "ArrayBatches",
    "Evaluation",
    "Predictor",
    "check_precision",
    "clear_programs",
    "collect_dropped_models",
    "has_bfloat16",
    "make_optimizer",
    "make_schedule",
    "take_share_of_cores",
    "train",
]
