"""Plain values as a JSON document and named tensors, and back.

A document holds what JSON has, and for everything else an object with a single key that starts
with ``$``. Numbers of any amount are tensors, named by where they stand in the document, so that
neither can say something else than the other. Nothing in a document is ever imported, called or
evaluated: what it may name is looked up in tables of the reader's.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

# What a safetensors file and NumPy have in common.
_TENSOR_KINDS, _TENSOR_BYTES = "biuf", 8
_MAX_STRING_BYTES = 2**28
_NON_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


class Encoder:
    """Write plain values.

    Parameters
    ----------
    encode_object : callable
        ``encode_object(value)`` returns what stands for an object that is no plain value, as a
        tag and a dictionary of plain values, or None where it is not known.
    functions : mapping of callable to str
        Names of functions that every reader knows.

    Attributes
    ----------
    tensors : dict of str to ndarray
        What was taken out of the document, C-contiguous.
    """

    def __init__(
        self,
        encode_object: Callable[[Any], tuple[str, Any] | None],
        functions: Mapping[Any, str],
    ) -> None:
        self.tensors: dict[str, np.ndarray] = {}
        self._encode_object = encode_object
        self._known_functions = functions
        self._functions: dict[str, Any] = {}

    def encode(self, value: Any, path: tuple[str, ...]) -> Any:
        """Return the document of a value.

        Parameters
        ----------
        value : object
            None, bool, int, float, str, NumPy scalars and arrays (of numbers, strings, or
            objects that are plain values), lists, tuples, dictionaries, functions, and what
            `encode_object` knows.
        path : tuple of str
            Where it stands.

        Returns
        -------
        JSON value

        Raises
        ------
        ValueError
            If it is anything else.
        """
        if value is None or type(value) in (bool, str):
            return value
        if type(value) is int and abs(value) < 2**63:
            return value
        if type(value) is float:
            return value if np.isfinite(value) else {"$float": str(value)}
        if isinstance(value, str):  # np.str_
            return str(value)
        if isinstance(value, np.generic) and value.dtype.kind in _TENSOR_KINDS:
            return {"$scalar": [value.dtype.str, self.encode(value.item(), path)]}
        if isinstance(value, list):
            return self._items(value, path)
        if isinstance(value, tuple):
            return {"$tuple": self._items(value, path)}
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if isinstance(value, FunctionType):
            return {"$function": self._function(value, path)}
        known = self._encode_object(value)
        if known is not None:
            tag, fields = known
            return {tag: {name: self.encode(each, (*path, name)) for name, each in fields.items()}}
        if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
            return self._array(np.asarray(value), path)
        raise refusal(value, path)

    def _items(self, values: Any, path: tuple[str, ...]) -> list[Any]:
        return [self.encode(each, (*path, str(i))) for i, each in enumerate(values)]

    def _mapping(self, value: Mapping[Any, Any], path: tuple[str, ...]) -> Any:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: self.encode(each, (*path, key)) for key, each in value.items()}
        pairs = [[key, each] for key, each in value.items()]
        return {"$dict": self._items(pairs, path)}

    def _function(self, function: Any, path: tuple[str, ...]) -> str:
        name: str = self._known_functions.get(function, function.__name__)
        if self._functions.setdefault(name, function) is not function:
            raise ValueError(
                f"{'.'.join(path)} is the second function of the name {name!r}, and a file tells"
                " functions by their names: rename one of them."
            )
        return name

    def _array(self, array: np.ndarray, path: tuple[str, ...]) -> Any:
        if array.dtype.kind in _TENSOR_KINDS and array.itemsize <= _TENSOR_BYTES:
            # The order in memory decides how a matrix product rounds.
            array = np.array(array, dtype=array.dtype.newbyteorder("="), order="K")
            order = "C" if array.flags.c_contiguous else "F"
            self.tensors["/".join(part.replace("/", "|") for part in path)] = (
                array if order == "C" else np.ascontiguousarray(array.T)
            )
            return {"$tensor": order}
        if array.dtype.kind not in "UO" or array.nbytes > _MAX_STRING_BYTES:
            raise refusal(array, path)
        return {
            "$array": [
                array.dtype.newbyteorder("=").str,
                list(array.shape),
                self._items(array.ravel().tolist(), path),
            ]
        }


class Decoder:
    """Read a document back.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Those of the file.
    functions : mapping of str to callable
        What names of functions stand for.
    decode_object : callable
        ``decode_object(tag, fields)`` makes the object of a tag.
    """

    def __init__(
        self,
        tensors: Mapping[str, np.ndarray],
        functions: Mapping[str, Any],
        decode_object: Callable[[str, Any], Any],
    ) -> None:
        self._tensors = dict(tensors)
        self._functions = functions
        self._decode_object = decode_object

    def decode(self, document: Any, path: tuple[str, ...]) -> Any:
        """Return the value of a document.

        Parameters
        ----------
        document : JSON value
            As `Encoder.encode` writes it.
        path : tuple of str
            Where it stands.

        Returns
        -------
        object

        Raises
        ------
        ValueError
            If the document is not as described, or names what is not there.
        """
        if isinstance(document, list):
            return self._items(document, path)
        if not isinstance(document, dict):
            return document
        if not any(key.startswith("$") for key in document):
            return {key: self.decode(each, (*path, key)) for key, each in document.items()}
        if len(document) != 1:
            raise ValueError(f"{'.'.join(path)} has other keys beside {sorted(document)[0]!r}")
        ((tag, content),) = document.items()
        read = _READERS.get(tag)
        if read is not None:
            return read(self, content, path)
        if not isinstance(content, dict):
            raise ValueError(f"{'.'.join(path)} has {tag!r} without fields")
        fields = {key: self.decode(each, (*path, key)) for key, each in content.items()}
        return self._decode_object(tag, fields)

    def finish(self) -> None:
        """Refuse tensors that the document did not ask for."""
        if self._tensors:
            raise ValueError(
                f"the document does not mention the tensor {sorted(self._tensors)[0]!r}"
            )

    def _items(self, documents: Any, path: tuple[str, ...]) -> list[Any]:
        _expect(isinstance(documents, list), path, "a list")
        return [self.decode(each, (*path, str(i))) for i, each in enumerate(documents)]

    def _tuple(self, content: Any, path: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(self._items(content, path))

    def _dict(self, content: Any, path: tuple[str, ...]) -> dict[Any, Any]:
        pairs = self._items(content, path)
        _expect(all(isinstance(p, list) and len(p) == 2 for p in pairs), path, "pairs")
        try:
            found = dict(pairs)
        except TypeError:
            found = {}
        _expect(len(found) == len(pairs), path, "keys that can be told apart")
        return found

    def _float(self, content: Any, path: tuple[str, ...]) -> float:
        _expect(isinstance(content, str) and content in _NON_FINITE, path, "nan, inf or -inf")
        return _NON_FINITE[content]

    def _scalar(self, content: Any, path: tuple[str, ...]) -> Any:
        _expect(isinstance(content, list) and len(content) == 2, path, "a dtype and a number")
        dtype = as_dtype(content[0], _TENSOR_KINDS, path)
        value = self.decode(content[1], path)
        _expect(type(value) in (bool, int, float), path, "a number")
        try:
            with np.errstate(over="raise"):
                return dtype.type(value)
        except (OverflowError, FloatingPointError, TypeError) as error:
            raise ValueError(f"{'.'.join(path)}: {error}") from error

    def _function(self, content: Any, path: tuple[str, ...]) -> Any:
        _expect(isinstance(content, str), path, "a name")
        if content not in self._functions:
            raise ValueError(
                f"{'.'.join(path)} is the function {content!r}, and files hold no code: pass it, as"
                f" in load(path, custom_objects={{{content!r}: ...}})"
            )
        return self._functions[content]

    def _tensor(self, content: Any, path: tuple[str, ...]) -> np.ndarray:
        _expect(content in ("C", "F"), path, "an order, C or F")
        name = "/".join(part.replace("/", "|") for part in path)
        if name not in self._tensors:
            raise ValueError(f"the tensor {name!r} is missing")
        array = self._tensors.pop(name)
        return array if content == "C" else array.T

    def _array(self, content: Any, path: tuple[str, ...]) -> np.ndarray:
        _expect(isinstance(content, list) and len(content) == 3, path, "dtype, shape, entries")
        dtype, shape = as_dtype(content[0], "UO", path), content[1]
        entries = self._items(content[2], path)
        _expect(
            isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape),
            path,
            "a shape",
        )
        # Python's integers: a product of huge ones cannot wrap around.
        size = 1
        for n in shape:
            size *= n
        _expect(size == len(entries), path, f"{size} entries, as its shape says")
        _expect(size * dtype.itemsize <= _MAX_STRING_BYTES, path, "shorter strings")
        kinds = {"U": (str,), "O": (str, bool, int, float, type(None))}
        _expect(all(type(e) in kinds[dtype.kind] for e in entries), path, "entries of its dtype")
        array = np.empty(len(entries), dtype=dtype)
        array[:] = entries
        _expect(
            array.tolist() == entries or dtype.kind == "O", path, "strings of its dtype's length"
        )
        return array.reshape(shape)


_READERS: dict[str, Callable[[Decoder, Any, tuple[str, ...]], Any]] = {
    "$tuple": Decoder._tuple,
    "$dict": Decoder._dict,
    "$float": Decoder._float,
    "$scalar": Decoder._scalar,
    "$function": Decoder._function,
    "$tensor": Decoder._tensor,
    "$array": Decoder._array,
}


def as_dtype(text: Any, kinds: str, path: tuple[str, ...]) -> np.dtype:
    """Return the dtype of a text such as ``"<f4"``, if it is of one of some kinds.

    Parameters
    ----------
    text : str
        As ``dtype.str`` gives it.
    kinds : str
        Letters of NumPy's kinds.
    path : tuple of str
        Where it stands, for the error.

    Returns
    -------
    dtype

    Raises
    ------
    ValueError
        If it is none, or of another kind.
    """
    dtype = None
    if isinstance(text, str) and len(text) < 16 and text.isascii():
        try:
            dtype = np.dtype(text)
        except (TypeError, ValueError, SyntaxError):
            dtype = None
    if dtype is None or dtype.kind not in kinds or dtype.str != text:
        raise ValueError(f"{'.'.join(path)} has no dtype that is known here: {text!r:.60}")
    return dtype


def refusal(value: Any, path: tuple[str, ...]) -> ValueError:
    """Return the error of a value that no file can hold."""
    return ValueError(
        f"{'.'.join(path)} cannot be written to a file that holds no code, got {value!r:.100} of"
        f" type {type(value).__module__}.{type(value).__qualname__}: set it to a number, a name, an"
        " array, or a function that is passed to load again."
    )


def _expect(is_so: bool, path: tuple[str, ...], what: str) -> None:
    if not is_so:
        raise ValueError(f"{'.'.join(path)} is expected to be or have {what}")
