"""The contract of a network, and the networks of the package."""

from skmlclf._compat import check_backend
from skmlclf.networks._contract import (
    Network,
    auxiliary_logits_of,
    build_model,
    hidden_layer_of,
    logits_of,
    set_dropout,
    set_output_bias,
    shift_output_bias,
    with_precision,
)
from skmlclf.networks._dropout import DropoutDense, Dropping, VariableDropout, drawing_with
from skmlclf.networks._function import FunctionNetwork
from skmlclf.networks._layers import GroupRMSNormalization, RootProbabilities
from skmlclf.networks._mlp import ACTIVATIONS, MLPNetwork

check_backend()

__all__ = [
    "ACTIVATIONS",
    "DropoutDense",
    "Dropping",
    "FunctionNetwork",
    "GroupRMSNormalization",
    "MLPNetwork",
    "Network",
    "RootProbabilities",
    "VariableDropout",
    "auxiliary_logits_of",
    "build_model",
    "drawing_with",
    "hidden_layer_of",
    "logits_of",
    "set_dropout",
    "set_output_bias",
    "shift_output_bias",
    "with_precision",
]
