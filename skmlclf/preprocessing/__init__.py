"""Transformers of feature matrices, in memory or on disk."""

from skmlclf.preprocessing.blockwise_transformer import BlockwiseTransformer
from skmlclf.preprocessing.modality_selector import ModalitySelector

__all__ = ["BlockwiseTransformer", "ModalitySelector"]
