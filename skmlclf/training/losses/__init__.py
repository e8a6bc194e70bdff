"""The losses that networks are trained on, one per file."""

from skmlclf.training.losses._binary_crossentropy import BinaryCrossentropy
from skmlclf.training.losses._categorical_crossentropy import CategoricalCrossentropy
from skmlclf.training.losses._loss import Loss

LOSSES: dict[str, Loss] = {
    loss.output: loss for loss in (BinaryCrossentropy(), CategoricalCrossentropy())
}
"""By the kind of a network's output, the loss that it is trained on."""

__all__ = ["LOSSES", "BinaryCrossentropy", "CategoricalCrossentropy", "Loss"]
