"""The classifiers: scikit-learn estimators over Keras networks."""

from skmlclf.classifiers._base import BaseKerasClassifier
from skmlclf.classifiers._base_mlp import BaseMLPClassifier
from skmlclf.classifiers._block_mlp import BlockMLPClassifier
from skmlclf.classifiers._deep_mlp import DeepMLPClassifier
from skmlclf.classifiers._feature_mlp import make_feature_mlp
from skmlclf.classifiers._label_threshold import LabelThresholdClassifier
from skmlclf.classifiers._neighbor_blend import NeighborBlendClassifier
from skmlclf.classifiers._network_classifier import NetworkClassifier
from skmlclf.classifiers._topk import predict_topk

__all__ = [
    "BaseKerasClassifier",
    "BaseMLPClassifier",
    "BlockMLPClassifier",
    "DeepMLPClassifier",
    "LabelThresholdClassifier",
    "NeighborBlendClassifier",
    "NetworkClassifier",
    "make_feature_mlp",
    "predict_topk",
]
