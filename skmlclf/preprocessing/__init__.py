"""Transformers for feature matrices that hold several modalities side by side."""

from skmlclf.preprocessing.modality_selector import YOUTUBE8M_LAYOUT, ModalitySelector

__all__ = ["YOUTUBE8M_LAYOUT", "ModalitySelector"]
