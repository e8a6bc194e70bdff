"""The classifiers: scikit-learn estimators over Keras networks."""

from skmlclf.classifiers._base_mlp import BaseMLPClassifier
from skmlclf.classifiers._block_mlp import BlockMLPClassifier
from skmlclf.classifiers._deep_mlp import DeepMLPClassifier
from skmlclf.classifiers._feature_mlp import make_feature_mlp

__all__ = ["BaseMLPClassifier", "BlockMLPClassifier", "DeepMLPClassifier", "make_feature_mlp"]
