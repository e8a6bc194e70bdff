"""What a user of skops may trust of this package."""

SKOPS_TRUSTED = [
    "skmlclf.classifiers._base_mlp.BaseMLPClassifier",
    "skmlclf.classifiers._block_mlp.BlockMLPClassifier",
    "skmlclf.classifiers._deep_mlp.DeepMLPClassifier",
    "skmlclf.classifiers._label_threshold.LabelThresholdClassifier",
    "skmlclf.classifiers._neighbor_blend.NeighborBlendClassifier",
    "skmlclf.classifiers._network_classifier.NetworkClassifier",
    "skmlclf.preprocessing.blockwise_transformer.BlockwiseTransformer",
    "skmlclf.preprocessing.modality_selector.ModalitySelector",
]
"""Names to pass as ``skops.io.load(file, trusted=SKOPS_TRUSTED)``.

Fitted estimators hold arrays, texts and numbers only, so that their own classes are all that there
is to trust. The function of a `NetworkClassifier`, and callbacks, have names of their own to add.
"""
