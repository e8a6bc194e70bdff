"""Fitted estimators as files: saving, loading, export."""

from skmlclf.persistence._checks import check_array, check_fields
from skmlclf.persistence._export import export
from skmlclf.persistence._plain_file import read_plain, write_plain
from skmlclf.persistence._random_state import random_state_from_plain, random_state_to_plain
from skmlclf.persistence._save_load import load, save
from skmlclf.persistence._trusted import SKOPS_TRUSTED
from skmlclf.persistence._values import as_dtype

__all__ = [
    "SKOPS_TRUSTED",
    "as_dtype",
    "check_array",
    "check_fields",
    "export",
    "load",
    "random_state_from_plain",
    "random_state_to_plain",
    "read_plain",
    "save",
    "write_plain",
]
