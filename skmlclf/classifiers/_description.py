"""What tells one fit from another: its parameters, its data, and what it starts from."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from scipy import sparse

from skmlclf._row_store import is_row_store
from skmlclf.callbacks import Checkpoint, EpochMetrics, EpochTable
from skmlclf.classifiers._held_out import HeldOut
from skmlclf.classifiers._rows import Rows
from skmlclf.classifiers._state import model_variables
from skmlclf.classifiers._targets import MultilabelTargets, Targets
from skmlclf.networks import Network
from skmlclf.training import EntryWeights

Description = dict[str, list[str]]
"""By name a text that an error can show, and a digest of what the text does not say."""

# Rows of features up to this size are compared, evenly spaced ones where there are more.
_MAX_BYTES = 2**26
_BLOCK_BYTES = 2**23
_MAX_TEXT = 60
_LEFT_OUT = ("callbacks", "verbose")
_CHANGED = "{name} was {before}, is {now}"


def describe_parameters(estimator: Any) -> Description:
    """Describe the class and the parameters of an estimator, what only shows the fit left out."""
    params = estimator.get_params(deep=False)
    described: Description = {"the classifier": [type(estimator).__name__, ""]}
    for name, value in params.items():
        if name not in _LEFT_OUT:
            described |= dict(_entries(name, value))
    for i, callback in enumerate(params["callbacks"] or ()):
        described |= _describe_callback(f"callbacks[{i}]", callback)
    return described


def describe_data(
    data: Any, rows: Rows, targets: Targets, held_out: Sequence[HeldOut]
) -> Description:
    """Describe all that a fit was given to learn from and to be measured on.

    Parameters
    ----------
    data : FitData
        What `fit` was given.
    rows : Rows
        The training rows, before some are held out.
    targets : Targets
        How the targets are read.
    held_out : sequence of HeldOut
        What is measured.

    Returns
    -------
    Description
    """
    described = {
        "X": [_shaped(rows.X), _digest_of_rows(rows.X)],
        **_describe_targets(rows, targets, "", weighted=data.sample_weight is not None),
    }
    names = [rows.names, targets.label_names]
    for name, values in zip(("the feature names", "the label names"), names, strict=True):
        if values is not None:
            described[name] = [f"{len(values)} names", _digest(values)]
    for each in held_out:
        suffix = f"_{each.name}"
        if each.rows.X is not rows.X:
            described[f"X{suffix}"] = [_shaped(each.rows.X), _digest_of_rows(each.rows.X)]
        weighted = each.name == "val" and data.sample_weight_val is not None
        described |= _describe_targets(each.rows, targets, suffix, weighted=weighted)
    return described


def describe_start(model: keras.Model, network: Network, history: dict[str, Any]) -> Description:
    """Describe the network, and the weights that training starts from.

    Parameters
    ----------
    model : keras.Model
        The model of the fit.
    network : Network
        Its structure.
    history : dict
        Of the fit that is resumed with ``warm_start``; empty where this one starts anew.

    Returns
    -------
    Description
    """
    structure = str(getattr(network, "structure", None) or network)
    described = {"the network": [type(network).__name__, _digest(structure)]}
    if history:
        text = f"those after {len(history['loss'])} epochs"
        variables = [*model_variables(model), *model.optimizer.variables]
        digest = _digest(*(keras.ops.convert_to_numpy(variable) for variable in variables))
        described["the weights that training starts from"] = [text, digest]
    else:
        described["the weights that training starts from"] = ["new ones", ""]
    return described


def difference(before: Description, now: Description, text: str = _CHANGED) -> str | None:
    """Say in what two descriptions differ; None where they do not.

    `text` has room for a ``name``, and for what it was ``before`` and is ``now``.

    Examples
    --------
    >>> from skmlclf.classifiers._description import difference
    >>> difference({"epochs": ["5", ""], "X": ["2 rows", "a"]}, {"epochs": ["7", ""]})
    'epochs was 5, is 7; X was 2 rows, is not there'
    """
    found = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if old is not None and new is not None and old[0] == new[0]:
            found.append(f"{name}: other values in {old[0]}")
        else:
            was, is_now = ("not there" if each is None else each[0] for each in (old, new))
            found.append(text.format(name=name, before=was, now=is_now))
    return "; ".join(found) or None


def _entries(name: str, value: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield what is said of a parameter, an entry for each of the settings it is made of."""
    if isinstance(value, keras.optimizers.Optimizer):
        yield name, [type(value).__name__, ""]
        value = {each: v for each, v in value.get_config().items() if each != "name"}
    if isinstance(value, Mapping) and len(value) <= _MAX_TEXT:
        for key, each in value.items():
            yield from _entries(f"{name}.{key}", each)
        return
    yield name, _entry(value)


def _entry(value: Any) -> list[str]:
    if isinstance(value, np.random.RandomState):
        state = value.get_state(legacy=False)
        return ["a RandomState", _digest(state["state"]["key"], str(state))]
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        value = np.asarray(value)
        if value.ndim:
            return [_shaped(value), _digest(value)]
        value = value.item()
    if isinstance(value, list | tuple):
        value = [each.item() if isinstance(each, np.generic) else each for each in value]
    text = getattr(value, "__qualname__", None)
    if text is None:
        # The address of an object says nothing, nor does a name that Keras has counted up.
        text = repr(value)
        if " at 0x" in text or text.startswith("<"):
            text = f"a {type(value).__name__}"
    if len(text) <= _MAX_TEXT:
        return [text, ""]
    return [f"{text[: _MAX_TEXT - 3]}...", _digest(text)]


def _describe_callback(name: str, callback: Any) -> Description:
    kind = callback if isinstance(callback, type) else type(callback)
    if issubclass(kind, Checkpoint | EpochTable):
        return {}
    described = {name: [kind.__qualname__, ""]}
    if isinstance(callback, EpochMetrics):
        metrics = [each if isinstance(each, str) else repr(each) for each in callback.metrics]
        described |= {f"{name}.metrics": _entry(metrics), f"{name}.name": _entry(callback.name)}
    return described


def _describe_targets(rows: Rows, targets: Targets, suffix: str, *, weighted: bool) -> Description:
    """Describe which rows are meant, their targets, and their weights where there are some."""
    unit = "labels" if isinstance(targets, MultilabelTargets) else "classes"
    stored = [rows.index, targets.classes, rows.positives.indptr, rows.positives.indices]
    # An entry whose label is not known has no weight.
    weight = [rows.weight, *_parts(rows.entry_weight)]
    text = f"{len(rows.index)} rows of {len(targets.classes)} {unit}"
    if not weighted:
        return {f"y{suffix}": [text, _digest(*stored, *weight)]}
    return {
        f"y{suffix}": [text, _digest(*stored)],
        f"sample_weight{suffix}": [f"weights of {len(rows.index)} rows", _digest(*weight)],
    }


def _parts(weights: EntryWeights | None) -> list[Any]:
    if weights is None:
        return []
    if weights.kind == "dense":
        return [weights.values]
    values = weights.values
    return [str(weights.default), values.indptr, values.indices, values.data]


def _shaped(array: Any) -> str:
    return f"{array.dtype} of shape {tuple(array.shape)}"


def _digest_of_rows(X: Any) -> str:
    """Return the digest of the rows of a feature matrix, or of evenly spaced ones of many."""
    n_rows = X.shape[0]
    size = X.nnz * 12 if sparse.issparse(X) else n_rows * X.shape[1] * X.dtype.itemsize
    n_compared = max(1, min(n_rows, n_rows * _MAX_BYTES // max(1, size)))
    which = np.linspace(0, n_rows - 1, n_compared).astype(np.intp)
    digests = []
    for part in np.array_split(which, max(1, min(size, _MAX_BYTES) // _BLOCK_BYTES)):
        block: Any = X.take(part) if is_row_store(X) else X[part]
        stored = [block.indptr, block.indices, block.data] if sparse.issparse(X) else [block]
        digests.append(_digest(*stored))
    return _digest(*digests)


def _digest(*values: Any) -> str:
    """Return the SHA-256 of arrays, texts and None."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            # scipy's indices are of 32 or 64 bits as it comes.
            same = value.astype(np.int64) if value.dtype.kind in "iu" else value
            array = np.ascontiguousarray(same)
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
        else:
            text = repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)
            digest.update(text.encode())
    return digest.hexdigest()
