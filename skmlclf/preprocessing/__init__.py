"""Transformers for feature matrices that hold several modalities side by side."""

from skmlclf.preprocessing.modality_selector import ModalitySelector

__all__ = ["ModalitySelector"]
