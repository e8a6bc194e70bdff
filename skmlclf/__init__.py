"""Deep multi-label classification of video and audio embeddings, as scikit-learn estimators.

Importing this package loads neither TensorFlow nor matplotlib: each public name is loaded on first
use.
"""

from importlib import import_module

from skmlclf._registration import register_layers_with_keras

__version__ = "0.1.0"

_HOMES = {
    "BaseMLPClassifier": "skmlclf.classifiers",
    "BlockMLPClassifier": "skmlclf.classifiers",
    "DeepMLPClassifier": "skmlclf.classifiers",
    "LabelThresholdClassifier": "skmlclf.classifiers",
    "NeighborBlendClassifier": "skmlclf.classifiers",
    "NetworkClassifier": "skmlclf.classifiers",
    "make_feature_mlp": "skmlclf.classifiers",
    "predict_topk": "skmlclf.classifiers",
    "BlockwiseTransformer": "skmlclf.preprocessing",
    "ModalitySelector": "skmlclf.preprocessing",
    "load": "skmlclf.persistence",
    "save": "skmlclf.persistence",
    "show_versions": "skmlclf._versions",
}

__all__ = ["__version__", *_HOMES]

register_layers_with_keras()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'skmlclf' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
