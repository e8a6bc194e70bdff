"""What a fit learnt of its targets as plain values, and back."""

from typing import Any

import numpy as np
from scipy import sparse

from skmlclf.classifiers._targets._base import Targets
from skmlclf.classifiers._targets._classes import (
    BinaryTargets,
    MulticlassTargets,
    SingleClassTargets,
)
from skmlclf.classifiers._targets._multilabel import MultilabelTargets
from skmlclf.persistence import as_dtype, check_array, check_fields

_KINDS: dict[str, type[Targets]] = {
    "single class": SingleClassTargets,
    "binary": BinaryTargets,
    "multiclass": MulticlassTargets,
    "multilabel": MultilabelTargets,
}
_CONTAINERS = {"csr_matrix": sparse.csr_matrix, "csr_array": sparse.csr_array}


def targets_to_plain(targets: Targets) -> dict[str, Any]:
    """Return the description of targets.

    Parameters
    ----------
    targets : Targets
        Of any kind.

    Returns
    -------
    dict of str to plain values
    """
    container = getattr(targets, "container", None)
    return {
        "kind": next(kind for kind, cls in _KINDS.items() if type(targets) is cls),
        "classes": targets.classes,
        "dtype": targets.dtype.str,
        "container": None if container is None else container.__name__,
        "label_names": targets.label_names,
    }


def targets_from_plain(plain: dict[str, Any]) -> Targets:
    """Return the targets of a description.

    Parameters
    ----------
    plain : dict
        As `targets_to_plain` returns it.

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If it is no such description.
    """
    check_fields(
        plain,
        {
            "kind": str,
            "classes": np.ndarray,
            "dtype": str,
            "container": (str, None),
            "label_names": (np.ndarray, None),
        },
        "targets",
    )
    kind, classes = plain["kind"], plain["classes"]
    if kind not in _KINDS:
        raise ValueError(f"targets.kind is {kind!r:.60}")
    check_array(classes, (None,), "biufUO", "targets.classes")
    expected = {"single class": (1, 1), "binary": (2, 2), "multiclass": (3, np.inf)}
    least, most = expected.get(kind, (1, np.inf))
    if not least <= len(classes) <= most:
        raise ValueError(f"targets of kind {kind} have {len(classes)} classes")
    dtype = as_dtype(plain["dtype"], "biufU", ("targets", "dtype"))
    container, names = plain["container"], plain["label_names"]
    if kind != "multilabel":
        if container is not None or names is not None:
            raise ValueError(f"targets of kind {kind} have a container or names of labels")
        return _KINDS[kind](classes, dtype)
    if container is not None and container not in _CONTAINERS:
        raise ValueError(f"targets.container is {container!r:.60}")
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError("targets.classes of labels must be their column numbers")
    if names is not None:
        check_array(names, (len(classes),), "O", "targets.label_names")
    sparse_class = None if container is None else _CONTAINERS[container]
    return MultilabelTargets(classes, dtype, sparse_class, names)
