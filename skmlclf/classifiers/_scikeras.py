"""scikeras, used in this file only: it builds the Keras model of an estimator.

scikeras' wrapper is held here, not inherited from. What it does besides (targets, weights, seeds,
parameters, predictions) does not meet scikit-learn's contract or costs too much with thousands of
labels, and its public leftovers would show on every estimator.
"""

from collections.abc import Callable

import keras
from scikeras.wrappers import BaseWrapper


class ModelBuilder(BaseWrapper):
    """scikeras' wrapper of a function that returns a compiled model.

    Parameters
    ----------
    model : callable
        Without arguments.
    """

    def __init__(self, model: Callable[[], keras.Model]) -> None:
        self.model = model
        # Attributes that scikeras reads besides the parameters; the function handles seeds itself.
        self._random_state = self.build_fn = None

    def build(self) -> keras.Model:
        """Build the model as scikeras does."""
        return self._build_keras_model()
