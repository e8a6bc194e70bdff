"""Damaged files: what is loaded is what is there, or an error says what is wrong.

Each file is damaged from a seed and read twice: by `load_tfrecords` or `VideoRecords`, and by the
plain reader below, which knows the format from its definition alone.
"""

import gzip
import math
import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest

from skmlclf.datasets import VideoRecords, load_tfrecords

N_LABELS = 10
FEATURES = {"mean_rgb": 4, "mean_audio": 2}
NAMED = r"b\.tfrecord'.*record.*\b([Pp]ass|Fetch|Check|Repair|Write|Leave) "  # and what to do


def crc32c(content):
    """Return the CRC-32C of some bytes, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content):
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(record, length=None):
    """Frame a record as TFRecord files do, with right checksums even if the length is not."""
    head = struct.pack("<Q", len(record) if length is None else length)
    return head + masked(head) + record + masked(record)


def example(i):
    from tensorflow.train import BytesList, Example, Feature, Features, FloatList, Int64List

    return Example(
        features=Features(
            feature={
                "id": Feature(bytes_list=BytesList(value=[b"video%d" % i])),
                "labels": Feature(int64_list=Int64List(value=[i % N_LABELS, 3])),
                "mean_rgb": Feature(float_list=FloatList(value=[i, 0.5, -1, 2])),
                "mean_audio": Feature(float_list=FloatList(value=[0.25, i])),
            }
        )
    ).SerializeToString()


class BadFile(Exception):
    pass


def read_plainly(content, *, skip=False):
    """Return id, labels and features of the videos of a file's content, or raise BadFile.

    With `skip`, what is bad is left out, and the number of faults is returned too.
    """
    faults = 0
    if content[:2] == b"\x1f\x8b" and content[8:12] != masked(content[:8]):
        try:
            content = gzip.decompress(content)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadFile from error
    videos = []
    at = 0
    while at < len(content):
        head, check = content[at : at + 8], content[at + 8 : at + 12]
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        end = at + 12 + length
        if len(check) < 4 or masked(head) != check or len(content) < end + 4:
            if not skip:
                raise BadFile
            faults += 1
            break
        try:
            if masked(content[at + 12 : end]) != content[end : end + 4]:
                raise BadFile
            videos.append(parse_plainly(content[at + 12 : end]))
        except BadFile:
            if not skip:
                raise
            faults += 1
        at = end + 4
    if not videos:
        raise BadFile
    return (videos, faults) if skip else videos


def parse_plainly(record):
    """Return id, labels and features of one record, or raise BadFile."""
    from google.protobuf.message import DecodeError
    from tensorflow.train import SequenceExample

    try:
        parsed = SequenceExample.FromString(record)
    except DecodeError as error:
        raise BadFile from error
    found = parsed.context.feature
    kinds = {"id": "bytes_list", "labels": "int64_list"} | dict.fromkeys(FEATURES, "float_list")
    for name, kind in kinds.items():
        if name not in found or found[name].WhichOneof("kind") not in (None, kind):
            raise BadFile
    names, labels = found["id"].bytes_list.value, found["labels"].int64_list.value
    try:
        names = [name.decode() for name in names]
    except UnicodeDecodeError as error:
        raise BadFile from error
    values = [list(found[name].float_list.value) for name in FEATURES]
    if (
        len(parsed.feature_lists.feature_list)
        or len(names) != 1
        or names[0].endswith("\0")
        or any(not 0 <= label < N_LABELS for label in labels)
        or [len(v) for v in values] != list(FEATURES.values())
        or not all(math.isfinite(x) for v in values for x in v)
    ):
        raise BadFile
    return names[0], sorted(set(labels)), [x for v in values for x in v]


def flip(rng, content):
    changed = bytearray(content)
    for at in rng.integers(len(changed), size=rng.integers(1, 4)):
        changed[at] ^= 1 << rng.integers(8)
    return bytes(changed)


def cut(rng, content):
    return content[: rng.integers(len(content))]


def swap(rng, content):
    a, b, c = sorted(rng.integers(len(content) + 1, size=3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def overwrite(rng, content):
    at, size = rng.integers(len(content)), rng.integers(1, 40)
    return content[:at] + rng.bytes(size) + content[at + size :]


def drop(rng, content):
    at, size = rng.integers(len(content)), rng.integers(1, 40)
    return content[:at] + content[at + size :]


def insert(rng, content):
    at = rng.integers(len(content))
    return content[:at] + rng.bytes(rng.integers(1, 40)) + content[at:]


IN_BYTES = [flip, cut, swap, overwrite, drop, insert]


def forge_length(rng, records):
    """Claim another length for one record, with the checksum that is right for it."""
    at = rng.integers(len(records))
    length = len(records[at])
    claimed = [0, 1, length - 1, length + 1, length + 16, 2 * length + 16, 2**30, 2**31 - 1]
    claimed += [2**31, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 17, 2**64 - 1]
    frames = [frame(record) for record in records]
    frames[at] = frame(records[at], int(rng.choice(np.array(claimed, dtype=np.uint64))))
    return b"".join(frames)


def rename_key(rng, records):
    """Call a feature of one record, or of all, by another name."""
    key = [b"labels", b"id", b"mean_rgb", b"mean_audio"][rng.integers(4)]
    other = bytearray(key)
    other[rng.integers(len(key))] = rng.integers(256)
    whose = range(len(records)) if rng.random() < 0.3 else [rng.integers(len(records))]
    changed = list(records)
    for at in whose:
        changed[at] = records[at].replace(key, bytes(other))
    return b"".join(map(frame, changed))


def damage_content(rng, records):
    """Damage the content of one record before the checksums are taken."""
    at = rng.integers(len(records))
    change = IN_BYTES[rng.integers(len(IN_BYTES))]
    changed = [*records[:at], change(rng, records[at]), *records[at + 1 :]]
    return b"".join(map(frame, changed))


IN_RECORDS = [forge_length, rename_key, damage_content]


def damaged_file(seed):
    """Return the content of a file that is damaged in one of eleven ways."""
    rng = np.random.default_rng(seed)
    records = [example(i) for i in range(rng.integers(1, 6))]
    n_ways = len(IN_BYTES) + len(IN_RECORDS) + 2
    way = seed % n_ways
    if way < len(IN_BYTES):
        return IN_BYTES[way](rng, b"".join(map(frame, records)))
    if way < len(IN_BYTES) + len(IN_RECORDS):
        return IN_RECORDS[way - len(IN_BYTES)](rng, records)
    packed = gzip.compress(b"".join(map(frame, records)), mtime=0)
    if way == n_ways - 1:  # the damage is packed with the rest
        return gzip.compress(IN_BYTES[seed % 6](rng, b"".join(map(frame, records))), mtime=0)
    return IN_BYTES[rng.integers(len(IN_BYTES))](rng, packed)


@pytest.mark.parametrize("seed", range(330))
def test_damage_is_named_or_harmless(tmp_path, seed):
    content = damaged_file(seed)
    good, damaged = tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"
    good.write_bytes(b"".join(frame(example(i)) for i in range(100, 103)))
    damaged.write_bytes(content)
    try:
        expected = read_plainly(content)
        is_labelled = any(labels for _, labels, _ in expected)
    except BadFile:
        expected = None

    for paths, n_before in [(damaged, 0), ([good, damaged], 3)]:
        if expected is None or (n_before and not is_labelled):
            with pytest.raises(ValueError, match=NAMED) as raised:
                load_tfrecords(paths, n_labels=N_LABELS, features=FEATURES)
            assert type(raised.value) is ValueError
        else:
            data = load_tfrecords(paths, n_labels=N_LABELS, features=FEATURES)
            after = slice(n_before, None)
            assert_equal(data.ids[after], data.target[after], data.data[after], expected)


def assert_equal(ids, target, data, expected):
    assert ids.tolist() == [name for name, _, _ in expected]
    assert [row.indices.tolist() for row in target] == [labels for _, labels, _ in expected]
    values = np.array([values for _, _, values in expected], dtype=np.float32)
    np.testing.assert_array_equal(data, values)


@pytest.mark.parametrize("seed", range(330))
def test_damage_is_skipped_and_counted(tmp_path, seed):
    content = damaged_file(seed)
    path = tmp_path / "b.tfrecord"
    path.write_bytes(content)
    try:
        expected, n_faults = read_plainly(content, skip=True)
    except BadFile:
        expected, n_faults = [], 1
    if expected or content[:2] != b"\x1f\x8b":
        assert_skips(path, expected, n_faults)
        return
    # Of a damaged gzip file, records are there that were unpacked before the damage.
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore")
        records = VideoRecords(path, n_labels=N_LABELS, features=FEATURES, on_error="skip")
        assert records.n_skipped > 0
        expected = [parse_plainly(example(int(name.removeprefix("video")))) for name in records.ids]
        assert_equal(records.ids, records.labels, np.asarray(records.features), expected)


def assert_skips(path, expected, n_faults):
    parameters = {"n_labels": N_LABELS, "features": FEATURES, "on_error": "skip"}
    if not expected:
        with pytest.raises(ValueError, match=r"at least one good record.*b\.tfrecord'"):
            VideoRecords(path, **parameters)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        records = VideoRecords(path, **parameters)
    assert records.n_skipped == len(records.skipped) == n_faults
    assert [warning.category for warning in told] == [UserWarning] * (n_faults > 0)
    assert_equal(records.ids, records.labels, np.asarray(records.features), expected)


def test_most_damage_is_damage():
    def is_bad(content):
        try:
            read_plainly(content)
        except BadFile:
            return True
        return False

    n_bad = sum(is_bad(damaged_file(seed)) for seed in range(330))
    assert 250 < n_bad < 330
