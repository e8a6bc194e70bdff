"""Transformers of feature matrices, in memory or on disk."""

from skmlclf.preprocessing.blockwise_transformer import BlockwiseTransformer
from skmlclf.preprocessing.modality_selector import YOUTUBE8M_LAYOUT, ModalitySelector

__all__ = ["YOUTUBE8M_LAYOUT", "BlockwiseTransformer", "ModalitySelector"]
