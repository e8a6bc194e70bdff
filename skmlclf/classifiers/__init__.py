"""The classifiers: scikit-learn estimators over Keras networks."""

from skmlclf.classifiers._feature_mlp import make_feature_mlp
from skmlclf.classifiers._mlp import BaseMLPClassifier, BlockMLPClassifier, DeepMLPClassifier

__all__ = ["BaseMLPClassifier", "BlockMLPClassifier", "DeepMLPClassifier", "make_feature_mlp"]
