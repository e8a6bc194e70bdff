"""A classifier as a transformer: its last hidden layer."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmlclf.classifiers._predictions import Predictions
from skmlclf.networks import Network, hidden_layer_of


# `transform` stands where scikit-learn's mixin is inherited: `set_output` wraps it there only.
class HiddenLayer(Predictions, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The last hidden layer of a fitted network, as features."""

    model_: keras.Model
    _network_: Network

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the activations of the last hidden layer.

        Parameters
        ----------
        X : {array-like, sparse} of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_hidden), float32
            The inputs of the output layer, without dropout. Without a hidden layer, these are the
            features.

        Raises
        ------
        ValueError
            If the network is one of your own and neither a functional nor a sequential Keras model.
        """
        X = self._features(X)
        return self._predictor.hidden(X)

    @property
    def _n_features_out(self) -> int:
        check_is_fitted(self, "model_")
        shape: Any = hidden_layer_of(self._network_, self.model_).shape
        return int(shape[1])
