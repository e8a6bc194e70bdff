"""One file of tensors and a document: written whole or not at all, checked before it is used."""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from skmlclf._atomic import replacing

FORMAT_VERSION = 1

_KEY = "skmlclf"
_DTYPES = {"BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F16", "F32", "F64"}
# A header is parsed before anything else is known of a file. Names of 100,000 labels take some
# 3 MB of it; what is parsed takes up to twenty times as much memory.
_MAX_HEADER_BYTES = 16 * 2**20


def write_file(
    path: str | os.PathLike[str],
    document: dict[str, Any],
    tensors: Mapping[str, np.ndarray],
    *,
    overwrite: bool,
) -> None:
    """Write tensors and a document to one file.

    Parameters
    ----------
    path : str or path
        The file.
    document : dict
        JSON values; it gets the version of the format and a checksum besides.
    tensors : mapping of str to ndarray
        C-contiguous, of numbers.
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    FileExistsError
        If there is a file and `overwrite` is false.
    ValueError
        If the document is too long.
    OSError
        If it cannot be written; a file that was there is as it was then.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "sha256": _checksum(document, tensors),
        **document,
    }
    text = json.dumps(content, allow_nan=False)
    if len(json.dumps(text)) + 200 * len(tensors) > _MAX_HEADER_BYTES:
        raise ValueError(
            f"The names and other texts of this estimator take {len(text) / 2**20:.0f} MB as JSON,"
            f" and a file takes at most {_MAX_HEADER_BYTES / 2**20:.0f} MB of them: shorten the"
            " names of the labels or of the features."
        )
    with replacing(path, overwrite=overwrite) as temporary:
        mode = _mode_of_a_new_file(temporary)
        try:
            save_file(dict(tensors), temporary, metadata={_KEY: text})
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written: {error}") from error
        # safetensors lets nobody else read what it writes.
        temporary.chmod(mode)


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a file that `write_file` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    document : dict
    tensors : dict of str to ndarray

    Raises
    ------
    ValueError
        If it is not such a file, is damaged, or of a newer version.
    FileNotFoundError
        If there is none.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    _check_header_length(path)
    with _as_value_error(), safe_open(path, framework="np") as file:
        content = _parse((file.metadata() or {}).get(_KEY))
        names = list(file.keys())
        for name in names:
            dtype = file.get_slice(name).get_dtype()
            if dtype not in _DTYPES:
                raise ValueError(f"the tensor {name!r:.60} is of dtype {dtype!r}")
        # Together as large as the file is: safetensors compares shapes and dtypes with its size.
        tensors = {name: file.get_tensor(name) for name in names}
    checksum = content.pop("sha256", None)
    if checksum != _checksum(content, tensors):
        raise ValueError("its content does not fit its checksum, so it was damaged or changed")
    return content, tensors


def _checksum(document: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of all that a file says."""
    parts = {name: each for name, each in document.items() if name != "format_version"}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_header_length(path: Path) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if path.stat().st_size < 8 + length or length < 2:
        raise ValueError("it is no safetensors file, or was cut short")
    if length > _MAX_HEADER_BYTES:
        raise ValueError(f"its header of {length} bytes is longer than {_MAX_HEADER_BYTES}")


def _parse(text: str | None) -> dict[str, Any]:
    """Return the document of a file, of a version that can be read here."""
    if text is None:
        raise ValueError("it is a safetensors file that skmlclf did not write")
    content = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    if not isinstance(content, dict):
        raise ValueError("its document is no object")
    version = content.pop("format_version", None)
    if type(version) is not int or version < 1:
        raise ValueError(f"its format version is {version!r:.60}, expected 1 to {FORMAT_VERSION}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"it is of format version {version}, and this skmlclf reads versions up to"
            f" {FORMAT_VERSION}: upgrade skmlclf, or save the estimator with an older one"
        )
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its document has a key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"its document holds {name}, which is not JSON")


@contextlib.contextmanager
def _as_value_error() -> Iterator[None]:
    try:
        yield
    except (SafetensorError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"it is damaged: {error}") from error


def _mode_of_a_new_file(path: Path) -> int:
    """Create an empty file and return its permissions."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
