"""Compiled training and prediction of networks."""

from skmlclf.training._averages import WeightAverages
from skmlclf.training._batches import EntryWeights, RowBatches
from skmlclf.training._devices import devices_of
from skmlclf.training._garbage import collect_dropped_models
from skmlclf.training._hardware import has_bfloat16, resolve_precision, take_share_of_cores
from skmlclf.training._loop import DivergedError, Position, train
from skmlclf.training._nearest import nearest_rows
from skmlclf.training._optimizer_plain import optimizer_from_plain, optimizer_to_plain
from skmlclf.training._optimizers import (
    OPTIMIZERS,
    check_optimizer,
    copy_optimizer,
    make_optimizer,
    optimizer_key,
    reset_optimizer,
)
from skmlclf.training._predictor import Best, Evaluation, Predictor
from skmlclf.training._processes import check_process
from skmlclf.training._programs import clear_programs
from skmlclf.training._schedules import SCHEDULES, make_schedule
from skmlclf.training._workers import Workers, WorkersError, workers_of
from skmlclf.training.losses import LOSSES, Loss

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Best",
    "DivergedError",
    "EntryWeights",
    "Evaluation",
    "Loss",
    "Position",
    "Predictor",
    "RowBatches",
    "WeightAverages",
    "Workers",
    "WorkersError",
    "check_optimizer",
    "check_process",
    "clear_programs",
    "collect_dropped_models",
    "copy_optimizer",
    "devices_of",
    "has_bfloat16",
    "make_optimizer",
    "make_schedule",
    "nearest_rows",
    "optimizer_from_plain",
    "optimizer_key",
    "optimizer_to_plain",
    "reset_optimizer",
    "resolve_precision",
    "take_share_of_cores",
    "train",
    "workers_of",
]
