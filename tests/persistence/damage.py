"""Ways to damage a model file, drawn from a seed.

Some leave a file whose checksum is right again, so that what is inside has to be checked.
"""

import copy
import hashlib
import json
import struct

import numpy as np

# What takes the place of a value, none of which may be trusted.
JUNK = [
    None, True, False, 0, -1, 2**40, 2**70, 1e308, -0.5, "", "x" * 50, "os.system", "\ud800", [],
    {}, [[]], [None] * 3, {"a": 1}, {"$tensor": "C"}, {"$tensor": "F"}, {"$tensor": 3},
    {"$array": ["<U1000000000", [1], ["a"]]}, {"$array": ["<U3", [2**40, 2**40], []]},
    {"$array": ["|O", [-1], []]}, {"$array": ["|V8", [1], ["a"]]}, {"$scalar": ["<i8", "x"]},
    {"$scalar": ["<u1", 300]}, {"$scalar": ["|O", 1]}, {"$dict": [[[], 1]]},
    {"$dict": [[1, 1], [1, 2]]},
    {"$tuple": 5}, {"$float": "inf"}, {"$float": "1"}, {"$function": "eval"},
    {"$function": "builtins.eval"}, {"$object": {}}, {"$estimator": {"class": "os.system"}},
    {"$estimator": {"class": "sklearn.svm.SVC", "params": {}, "fitted": None, "set_output": None}},
    {"$random_state": {"key": 1, "pos": 2**40, "has_gauss": 0, "gauss": 0.0}},
    {"class_name": "Adam", "config": {"learning_rate": {"module": "os", "class_name": "system"}}},
    {"class_name": "LossScaleOptimizer", "config": {}}, {"$tensor": "C", "x": 1},
]  # fmt: skip


def split(data):
    """Return the header and the tensors' bytes of a file."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header, body):
    """Return a file of a header, as JSON or as text, and the tensors' bytes."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + body


def with_document(data, document):
    """Return a file with another document, whose checksum is right."""
    header, body = split(data)
    parts = {k: v for k, v in document.items() if k not in ("format_version", "sha256")}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    names = {
        **{"F16": "<f2", "F32": "<f4", "F64": "<f8"},
        **{"I64": "<i8", "I32": "<i4", "U32": "<u4", "BOOL": "|b1"},
    }
    for name in sorted(set(header) - {"__metadata__"}):
        entry = header[name]
        start, stop = entry["data_offsets"]
        digest.update(json.dumps([name, names[entry["dtype"]], entry["shape"]]).encode())
        digest.update(body[start:stop])
    sealed = {**document, "sha256": digest.hexdigest()}
    header["__metadata__"]["skmlclf"] = json.dumps(sealed)
    return join(header, body)


def document_of(data):
    """Return the document of a file."""
    return json.loads(split(data)[0]["__metadata__"]["skmlclf"])


def _places(value, at=()):
    """Yield where every value of a document stands."""
    yield at
    items = enumerate(value) if isinstance(value, list) else ()
    for key, each in value.items() if isinstance(value, dict) else items:
        yield from _places(each, (*at, key))


def _parent(document, place):
    for key in place[:-1]:
        document = document[key]
    return document


def flip_bits(rng, data):
    damaged = bytearray(data)
    for index in rng.integers(0, len(data), size=rng.integers(1, 9)):
        damaged[index] ^= 1 << rng.integers(0, 8)
    return bytes(damaged)


def flip_header(rng, data):
    damaged = bytearray(data)
    (length,) = struct.unpack("<Q", data[:8])
    damaged[8 + rng.integers(0, length)] = rng.integers(0, 256)
    return bytes(damaged)


def truncate(rng, data):
    return data[: rng.integers(0, len(data))]


def extend(rng, data):
    return data + rng.bytes(rng.integers(1, 99))


def header_length(rng, data):
    lengths = [0, 1, 2, 7, len(data), 2**24, 2**31, 2**40, 2**63, 2**64 - 1]
    return struct.pack("<Q", lengths[rng.integers(len(lengths))]) + data[8:]


def tensor_entry(rng, data):
    header, body = split(data)
    names = sorted(set(header) - {"__metadata__"})
    entry = header[names[rng.integers(len(names))]]
    edits = {
        "dtype": ["F64", "F16", "BF16", "U8", "C64", "F8_E4M3", "x", None],
        "shape": [[2**40], [2**62, 4], [-1], [], [1, "x"], [0], 5, entry["shape"][::-1] or [1, 1]],
        "data_offsets": [[0, 2**50], [-4, 0], [8, 4], [0, 0], [2**63, 2**64], [1.5, 2], None],
    }
    key = list(edits)[rng.integers(3)]
    entry[key] = edits[key][rng.integers(len(edits[key]))]
    return join(header, body)


def tensor_names(rng, data):
    header, body = split(data)
    names = sorted(set(header) - {"__metadata__"})
    one, other = (names[i] for i in rng.choice(len(names), 2, replace=False))
    action = rng.integers(3)
    if action == 0:
        header["another"] = header.pop(one)
    elif action == 1:
        header[one], header[other] = header[other], header[one]
    else:
        del header[one]
    return join(header, body)


def metadata(rng, data):
    header, body = split(data)
    choices = [
        None, {}, {"skmlclf": ""}, {"skmlclf": "null"}, {"skmlclf": "[]"}, {"skmlclf": "{}"},
        {"skmlclf": "[" * 100_000}, {"skmlclf": '{"a":' * 100_000}, {"skmlclf": "9" * 10_000},
        {"skmlclf": "NaN"}, {"skmlclf": {}}, {"format": "pt"}, {"skmlclf": "[{}]" * 9},
        {"skmlclf": '{"format_version": 1, "format_version": 1}'},
        {"skmlclf": "[" + "{}," * 1_000_000 + "{}]"},
    ]  # fmt: skip
    header["__metadata__"] = choices[rng.integers(len(choices))]
    return join(header, body)


def duplicate_keys(rng, data):
    header, body = split(data)
    text = header["__metadata__"]["skmlclf"]
    keys = [i for i, c in enumerate(text) if c == "{" and text[i + 1] == '"' and text[i + 2] != "$"]
    at = keys[rng.integers(len(keys))] + 1
    key = text[at : text.index('"', at + 1) + 1]
    header["__metadata__"]["skmlclf"] = f"{text[:at]}{key}: 1, {text[at:]}"
    return join(header, body)


def version(rng, data):
    document = document_of(data)
    versions = [0, 2, 99, -1, "1", None, 1.0, True, 2**80]
    document["format_version"] = versions[rng.integers(len(versions))]
    return with_document(data, document)


def replace_value(rng, data):
    document = document_of(data)
    places = [place for place in _places(document["model"], ("model",)) if place]
    place = places[rng.integers(len(places))]
    _parent(document, place)[place[-1]] = copy.deepcopy(JUNK[rng.integers(len(JUNK))])
    return place, with_document(data, document)


def huge_numbers(rng, data):
    document = document_of(data)
    places = [
        place
        for place in _places(document)
        if place and type(_parent(document, place)[place[-1]]) in (int, float)
    ]
    place = places[rng.integers(len(places))]
    numbers = [2**31, 2**40, 2**62, 2**63, 2**80, -(2**40), 1e300, -1, 0]
    _parent(document, place)[place[-1]] = numbers[rng.integers(len(numbers))]
    return place, with_document(data, document)


def drop_or_add(rng, data):
    document = document_of(data)
    dicts = [
        place
        for place in _places(document)
        if place and place[0] == "model" and isinstance(_parent(document, place)[place[-1]], dict)
    ]
    place = dicts[rng.integers(len(dicts))]
    value = _parent(document, place)[place[-1]]
    if rng.integers(2) and value:
        del value[list(value)[rng.integers(len(value))]]
    else:
        value["__init__"] = 1
    return place, with_document(data, document)


DAMAGES = [
    flip_bits, flip_header, truncate, extend, header_length, tensor_entry, tensor_names, metadata,
    duplicate_keys, version, replace_value, replace_value, replace_value, huge_numbers,
    huge_numbers, drop_or_add,
]  # fmt: skip


def damaged(data, seed):
    """Return what was done to a file, where in the document, and what became of it."""
    rng = np.random.default_rng(seed)
    damage = DAMAGES[seed % len(DAMAGES)]
    done = damage(rng, data)
    place, content = done if isinstance(done, tuple) else ((), done)
    return damage.__name__, place, content
