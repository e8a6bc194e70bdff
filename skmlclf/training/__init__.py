"""Training and prediction of the networks at the speed of the arithmetic."""

from skmlclf.training._batches import ArrayBatches
from skmlclf.training._loop import train
from skmlclf.training._optimizers import OPTIMIZERS, make_optimizer
from skmlclf.training._predictor import Evaluation, Predictor
from skmlclf.training._programs import clear_programs

__all__ = [
    "OPTIMIZERS",
    "ArrayBatches",
    "Evaluation",
    "Predictor",
    "clear_programs",
    "make_optimizer",
    "train",
]
