"""The Keras networks behind the classifiers: sizes in, an uncompiled model out."""

from skmlclf.networks._mlp import MLPNetwork, logits_of, set_dropout, set_output_bias

__all__ = ["MLPNetwork", "logits_of", "set_dropout", "set_output_bias"]
