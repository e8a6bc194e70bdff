"""Fitted networks for programs that serve them without this package."""

import importlib.util
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skmlclf._atomic import replacing


@dataclass(frozen=True)
class _Format:
    """One of the formats that Keras writes.

    Attributes
    ----------
    keras_name : str
        Keras' name for it.
    needs : tuple of str
        Modules that writing it imports.
    is_export : callable
        Whether something at the path is an earlier export, which may be replaced.
    suffix : str, default=""
        An ending that Keras would add.
    """

    keras_name: str
    needs: tuple[str, ...]
    is_export: Callable[[Path], bool]
    suffix: str = ""


_FORMATS = {
    "onnx": _Format("onnx", ("onnx", "tf2onnx"), Path.is_file),
    "litert": _Format("litert", (), Path.is_file, suffix=".tflite"),
    "savedmodel": _Format("tf_saved_model", (), lambda path: (path / "saved_model.pb").is_file()),
}


def export(
    model: Any, path: str | os.PathLike[str], *, format: str, overwrite: bool = False
) -> None:
    """Export a Keras model.

    Parameters
    ----------
    model : keras.Model
        Built.
    path : str or path
        A file, or a folder for ``"savedmodel"``.
    format : {"onnx", "litert", "savedmodel"}
        What to write.
    overwrite : bool, default=False
        Whether to replace an earlier export.

    Raises
    ------
    ValueError
        If there is no such format.
    ImportError
        If a library that the format needs is missing.
    FileExistsError
        If there is something at `path`, and `overwrite` is false or it is no export.
    OSError
        If it cannot be written.
    """
    if format not in _FORMATS:
        raise ValueError(f"format must be one of {', '.join(map(repr, _FORMATS))}, got {format!r}.")
    chosen = _FORMATS[format]
    missing = [name for name in chosen.needs if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"format={format!r} needs {' and '.join(missing)}: pip install skmlclf[{format}]"
        )
    target = Path(path)
    if overwrite and target.exists() and not chosen.is_export(target):
        raise FileExistsError(f"{str(target)!r} is no {format} export, so it is not replaced.")
    with (
        replacing(target, overwrite=overwrite, suffix=chosen.suffix) as temporary,
        warnings.catch_warnings(),
    ):
        # Keras asks NumPy whether it still has that name.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        model.export(
            str(temporary),
            format=chosen.keras_name,
            verbose=False,
            # For ONNX, Keras takes it only from models that have been called.
            input_signature=model.inputs,
        )
