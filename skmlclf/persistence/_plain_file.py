"""Plain values that are no estimator, in the same kind of file."""

import os
from typing import Any

from skmlclf._versions import library_versions
from skmlclf.persistence._checks import check_fields
from skmlclf.persistence._file import read_file, write_file
from skmlclf.persistence._values import Decoder, Encoder


def write_plain(path: str | os.PathLike[str], kind: str, values: dict[str, Any]) -> None:
    """Write plain values to a file, which takes the place of one that is there when it is whole.

    Parameters
    ----------
    path : str or path
        The file.
    kind : str
        What they are; `read_plain` is told as well.
    values : dict of str to plain values
        None, numbers, texts, arrays, lists and dictionaries.

    Raises
    ------
    ValueError
        If there is anything else among them.
    OSError
        If the file cannot be written; one that was there is as it was then.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> from skmlclf.persistence import read_plain, write_plain
    >>> path = Path(mkdtemp()) / "counts.safetensors"
    >>> write_plain(path, "counts", {"n_rows": 2, "present": np.array([1, 2])})
    >>> read_plain(path, "counts")
    {'n_rows': 2, 'present': array([1, 2])}
    """
    encoder = Encoder(lambda value: None, {})
    document = encoder.encode(values, ())
    content = {"versions": library_versions(), kind: document}
    write_file(path, content, encoder.tensors, overwrite=True)


def read_plain(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read a file that `write_plain` wrote.

    Parameters
    ----------
    path : str or path
        The file.
    kind : str
        What it must hold.

    Returns
    -------
    dict of str to plain values

    Raises
    ------
    ValueError
        If it is no such file, is damaged, or of a newer version.
    FileNotFoundError
        If there is none.
    """
    content, tensors = read_file(path)
    check_fields(content, {"versions": dict, kind: dict}, "its document")
    decoder = Decoder(tensors, {}, _refuse_object)
    values: dict[str, Any] = decoder.decode(content[kind], ())
    decoder.finish()
    return values


def _refuse_object(tag: str, fields: Any) -> Any:
    raise ValueError(f"it holds {tag!r:.60}, which is no plain value")
