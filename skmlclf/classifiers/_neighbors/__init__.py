"""Neighbours in the space of a fitted classifier: bank, search, blend, choice of the blend."""

from skmlclf.classifiers._neighbors._bank import Bank, BankOptions, make_bank
from skmlclf.classifiers._neighbors._blend import Blend
from skmlclf.classifiers._neighbors._choice import choose
from skmlclf.classifiers._neighbors._fitting import fit_with_held_out
from skmlclf.classifiers._neighbors._index import make_index
from skmlclf.classifiers._neighbors._responses import (
    FittedClassifier,
    check_estimator,
    is_frozen,
    last_step,
)
from skmlclf.classifiers._neighbors._rows import LabelledRows, read_rows, row_blocks

__all__ = [
    "Bank",
    "BankOptions",
    "Blend",
    "FittedClassifier",
    "LabelledRows",
    "check_estimator",
    "choose",
    "fit_with_held_out",
    "is_frozen",
    "last_step",
    "make_bank",
    "make_index",
    "read_rows",
    "row_blocks",
]
