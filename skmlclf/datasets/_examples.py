"""Decode records, a block of them at a time.

Nearly all records of video-level features are laid out alike: nothing but features, each list in
one piece. These are found and read for a whole block at once, by array operations. A record that is
laid out otherwise, or that is at fault, is parsed on its own by ``protobuf``, and what is wrong
with it is said there. So is every record of frames.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skmlclf.datasets._form import Form
from skmlclf.datasets._frames import pool_frames
from skmlclf.datasets._framing import Fault, Frames
from skmlclf.datasets._messages import DecodeError, sequence_example

# The first byte of a field that holds bytes: 8 times its number, plus 2.
_FIELD_1, _FIELD_2 = 0x0A, 0x12
_KINDS = {"bytes_list": 0x0A, "float_list": 0x12, "int64_list": 0x1A}
_MAX_FEATURES = 32  # a record of more features is parsed on its own
_MAX_VARINT = 10  # bytes of an integer of 64 bits, 7 bits a byte
_TOO_LONG = 2**40  # longer than any record


class Videos(NamedTuple):
    """What the records of a block hold that are of the form."""

    rows: np.ndarray  # of these records in the block, rising
    data: np.ndarray  # float32, the features side by side
    ids: list[str]
    labels: np.ndarray  # int64, of one record after the other
    counts: np.ndarray  # of the labels of each record


def decode(
    blocks: Sequence[Frames], form: Form, *, with_data: bool = True
) -> list[tuple[Videos, list[Fault]]]:
    """Decode the records of blocks that are of the form; return the faults of all others.

    Several small blocks at once take hardly longer than one of them. Without data, features are
    checked and not kept.
    """
    block = blocks[0] if len(blocks) == 1 else _join(blocks)
    videos, faults = _decode(block, form, with_data=with_data)
    firsts = np.cumsum([0, *(len(part.numbers) for part in blocks)])
    bounds = np.searchsorted(videos.rows, firsts)
    of_labels = np.concatenate([[0], np.cumsum(videos.counts)])[bounds]
    decoded = []
    for i, part in enumerate(blocks):
        rows, labels = slice(bounds[i], bounds[i + 1]), slice(of_labels[i], of_labels[i + 1])
        mine = Videos(
            videos.rows[rows] - firsts[i],
            videos.data[rows],
            videos.ids[rows],
            videos.labels[labels],
            videos.counts[rows],
        )
        new = [
            Fault(
                int(part.numbers[row - firsts[i]]),
                f"record {part.numbers[row - firsts[i]]} (counted from 0) {what}",
            )
            for row, what in faults.items()
            if firsts[i] <= row < firsts[i + 1]
        ]
        decoded.append((mine, sorted([*part.faults, *new])))
    return decoded


def _join(blocks: Sequence[Frames]) -> Frames:
    """Put blocks of whatever files one after the other; positions and faults are lost."""
    offsets = np.cumsum([0, *(len(block.content) for block in blocks[:-1])])
    starts, stops = (
        np.concatenate([block[i] + offset for block, offset in zip(blocks, offsets, strict=True)])
        for i in (3, 4)
    )
    content = b"".join([block.content for block in blocks])
    return Frames(content, 0, np.arange(len(starts)), starts, stops, [])


def _decode(block: Frames, form: Form, *, with_data: bool) -> tuple[Videos, dict[int, str]]:
    """Decode a block; return what is wrong with its other records, by their row."""
    parts, faults = [], {}
    is_good = np.zeros(len(block.starts), dtype=bool)
    if form.level == "video":
        is_good, videos = _decode_together(block, form, with_data=with_data)
        if is_good.all():
            return videos, {}
        parts.append(videos)
    for row in np.flatnonzero(~is_good).tolist():
        decoded = _decode_one(block.content[block.starts[row] : block.stops[row]], form)
        if isinstance(decoded, str):
            faults[row] = decoded
        else:
            data, video_id, labels = decoded
            counts = np.array([len(labels)])
            data = data[None] if with_data else np.empty((1, 0), dtype=np.float32)
            parts.append(Videos(np.array([row]), data, [video_id], labels, counts))
    return _in_order(parts), faults


def _in_order(parts: list[Videos]) -> Videos:
    """Join parts of a block and put the records in the order in which they are in it."""
    parts = [part for part in parts if len(part.rows)]
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Videos(nothing, np.empty((0, 0), dtype=np.float32), [], nothing, nothing)
    rows, data, labels, counts = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3, 4))
    ids = [video_id for part in parts for video_id in part.ids]
    order = np.argsort(rows)
    of_labels = np.argsort(np.repeat(rows, counts), kind="stable")
    return Videos(
        rows[order], data[order], [ids[i] for i in order], labels[of_labels], counts[order]
    )


def _decode_together(block: Frames, form: Form, *, with_data: bool) -> tuple[np.ndarray, Videos]:
    """Decode the records of the usual layout that are of the form; return which these are, too."""
    content = np.frombuffer(block.content, dtype=np.uint8)
    n_records = len(block.starts)
    found = _locate(content, block.starts, block.stops, form.kinds)
    good = np.ones(n_records, dtype=bool)
    for start, _ in found.values():
        good &= start >= 0
    for name, width in form.features.items():
        start, stop = found[name]
        good &= stop - start == 4 * width

    ids = _decode_ids(block.content, *found[form.id_feature])
    good &= np.array([video_id is not None for video_id in ids], dtype=bool)

    labels, counts = np.empty(0, dtype=np.int64), np.zeros(n_records, dtype=np.int64)
    if form.labels_feature is not None:
        labels, counts, is_whole = _decode_int64(content, *found[form.labels_feature])
        outside = (labels < 0) | (labels >= form.n_labels)
        good &= is_whole
        good[np.repeat(np.arange(n_records), counts)[outside]] = False

    # Memory is taken for widths that records have been found to have, not for what was asked.
    rows = np.flatnonzero(good)
    has_data = with_data and len(rows) > 0
    data = np.empty((len(rows), form.n_columns if has_data else 0), dtype=np.float32)
    is_finite = np.ones(len(rows), dtype=bool)
    column = 0
    for name, width in form.features.items() if len(rows) else ():
        values = sliding_window_view(content, 4 * width)[found[name][0][rows]].view("<f4")
        is_finite &= np.isfinite(values).all(axis=1)
        if has_data:
            data[:, column : column + width] = values
        column += width
    if not is_finite.all():
        good[rows[~is_finite]] = False
        rows, data = rows[is_finite], data[is_finite]
    return good, Videos(
        rows,
        data,
        [str(ids[row]) for row in rows.tolist()],
        labels[np.repeat(good, counts)],
        counts[rows],
    )


def _locate(
    content: np.ndarray, starts: np.ndarray, stops: np.ndarray, kinds: dict[str, str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Find where the values of named features start and stop in each record.

    Both are -1 where a record has no such feature, has it twice or in another kind, or is not of
    the usual layout. The values are the packed numbers, or the bytes of the one value of a list.
    """
    found = {name: (np.full(len(starts), -1), np.full(len(starts), -1)) for name in kinds}
    tag, at, features_stop = _read_field(content, starts)
    # YouTube-8M's own records end with an empty list of frames.
    after, _, frames_stop = _read_field(content, features_stop)
    has_no_frames = (after == _FIELD_2) & (frames_stop == features_stop + 2)
    is_usual = (tag == _FIELD_1) & (np.where(has_no_frames, frames_stop, features_stop) == stops)
    for _ in range(_MAX_FEATURES):
        rows = np.flatnonzero(is_usual & (at < features_stop))
        if not len(rows):
            break
        # One feature of each record: a map entry, in which a key is followed by a value.
        tag, key_field, stop = _read_field(content, at[rows])
        key_tag, key, key_stop = _read_field(content, key_field)
        value_tag, value, value_stop = _read_field(content, key_stop)
        sound = (tag == _FIELD_1) & (key_tag == _FIELD_1) & (value_tag == _FIELD_2)
        sound &= (stop <= features_stop[rows]) & (key_stop < stop) & (value_stop == stop)
        kind, packed, list_stop = _read_field(content, value)
        packed_tag, first, last = _read_field(content, packed)
        is_empty = packed == list_stop
        in_one_piece = is_empty | ((packed_tag == _FIELD_1) & (last == list_stop))
        in_one_piece &= list_stop == value_stop
        for name, kind_name in kinds.items():
            wanted = sound & _is_key(content, key, key_stop, name.encode())
            start, end = found[name]
            is_new = start[rows] == -1
            usable = wanted & in_one_piece & (kind == _KINDS[kind_name]) & is_new
            is_usual[rows[wanted & ~usable]] = False
            start[rows[usable]] = np.where(is_empty, packed, first)[usable]
            end[rows[usable]] = list_stop[usable]
        is_usual[rows[~sound]] = False
        at[rows] = stop
    is_usual &= at == features_stop
    for start, end in found.values():
        start[~is_usual] = end[~is_usual] = -1
    return found


def _read_field(content: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the first byte of fields of bytes; return it, and where their contents start and stop.

    Any position may be passed: what is read past the end is no field, and checked by the caller.
    """
    tag = content.take(at, mode="clip")
    at = at + 1
    size = np.zeros(len(at), dtype=np.int64)
    unfinished = np.ones(len(at), dtype=bool)
    for shift in range(0, 35, 7):
        byte = content.take(at, mode="clip")
        size |= np.where(unfinished, (byte & 0x7F).astype(np.int64) << shift, 0)
        at += unfinished
        unfinished &= byte >= 0x80
        if not unfinished.any():
            break
    size[unfinished] = _TOO_LONG
    return tag, at, at + size


def _is_key(content: np.ndarray, start: np.ndarray, stop: np.ndarray, key: bytes) -> np.ndarray:
    is_key: np.ndarray = stop - start == len(key)
    rows = np.flatnonzero(is_key)
    if len(rows):
        keys = sliding_window_view(content, len(key))[start[rows]]
        is_key[rows] = (keys == np.frombuffer(key, dtype=np.uint8)).all(axis=1)
    return is_key


def _decode_int64(
    content: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decode packed integers; return them, how many each record has, and which are undamaged."""
    is_whole = (stop <= start) | (content.take(stop - 1, mode="clip") < 0x80)
    sizes = np.where(is_whole, stop - start, 0)
    ends = np.cumsum(sizes)
    byte = content[np.repeat(start - (ends - sizes), sizes) + np.arange(sizes.sum())]
    is_last = byte < 0x80
    n_before = np.concatenate([[0], np.cumsum(is_last)])
    counts = n_before[ends] - n_before[ends - sizes]
    last = np.flatnonzero(is_last)
    lengths = np.diff(last, prepend=-1)
    first = last - lengths + 1
    index = np.arange(len(byte)) - np.repeat(first, lengths)
    too_long = np.repeat(np.arange(len(start)), counts)[lengths > _MAX_VARINT]
    is_whole[too_long] = False
    bits = (byte & 0x7F).astype(np.uint64) << np.minimum(7 * index, 63).astype(np.uint64)
    values = np.bitwise_or.reduceat(bits, first) if len(first) else bits
    return values.view(np.int64), counts, is_whole


def _decode_ids(content: bytes, start: np.ndarray, stop: np.ndarray) -> Sequence[str | None]:
    values = [content[i:j] for i, j in zip(start.tolist(), stop.tolist(), strict=True)]
    joined = b"".join(values)
    if joined.isascii() and b"\0" not in joined:
        return [value.decode() for value in values]
    return [_decode_id(value) for value in values]


def _decode_id(value: bytes) -> str | None:
    """Decode an id; None where a NumPy array of str cannot hold it unchanged."""
    try:
        video_id = value.decode()
    except UnicodeDecodeError:
        return None
    return None if video_id.endswith("\0") else video_id


def _decode_one(record: bytes, form: Form) -> tuple[np.ndarray, str, np.ndarray] | str:
    """Decode one record: data, id and labels, or what is wrong with it."""
    try:
        example = sequence_example().FromString(record)
    except DecodeError:
        return "is not a tf.train.Example. Check that the file is of this form."
    lists = example.feature_lists.feature_list
    if form.level == "video" and len(lists):
        return (
            "holds frames (it is a tf.train.SequenceExample), not features of a whole video. Pool "
            "them while they are read, with VideoRecords(paths, level='frame'), or pass the "
            "video-level files of the data set."
        )
    found = example.context.feature
    values = {}
    for name, kind in form.kinds.items():
        if name not in found:
            return _missing(name, form, found)
        received = found[name].WhichOneof("kind")
        if received not in (None, kind):  # None: a list without values
            return (
                f"has a {received} as feature {name!r}, not a {kind}. Pass another feature's name."
            )
        values[name] = getattr(found[name], kind).value
        fault = _fault_of_values(name, values[name], form)
        if fault:
            return fault
    if form.level == "frame":
        data = pool_frames(lists, form)
        if isinstance(data, str):
            return data
    else:
        data = np.concatenate([np.asarray(values[name], np.float32) for name in form.features])
    labels = () if form.labels_feature is None else values[form.labels_feature]
    return data, values[form.id_feature][0].decode(), np.asarray(labels, dtype=np.int64)


def _missing(name: str, form: Form, found: Any) -> str:
    """Say that a record lacks a feature, and which of those it has may be meant."""
    what = f"has no feature {name!r}; it has {sorted(found)}."
    if name != form.labels_feature:
        return f"{what} Pass the names it uses as features, id_feature and labels_feature."
    alike = sorted(key for key in found if found[key].WhichOneof("kind") == "int64_list")
    rename = f"labels_feature={alike[0]!r}" if alike else "their name as labels_feature"
    return (
        f"{what} If its labels go by another name, pass {rename}; if they are withheld, as in a "
        "test split, leave the file out of paths or load such files with labels_feature=None."
    )


def _fault_of_values(name: str, values: Any, form: Form) -> str | None:
    """Say what is wrong with the values of a feature of the right kind, if anything is."""
    if name == form.id_feature:
        if len(values) != 1:
            return f"has {len(values)} values in feature {name!r}, not the 1 that identifies it."
        if _decode_id(values[0]) is None:
            return (
                f"has the id {values[0]!r} in feature {name!r}, which is not UTF-8 or ends in a "
                "null character. Write the file again with ids that are text, or pass another "
                "feature as id_feature."
            )
    elif name == form.labels_feature:
        outside = [label for label in values if not 0 <= label < form.n_labels]
        if outside:
            return (
                f"has label id {outside[0]}, not one of 0 to {form.n_labels - 1}. Pass the number "
                "of labels of the data set as n_labels."
            )
    else:
        width = form.features[name]
        if len(values) != width:
            return (
                f"has {len(values)} values in feature {name!r}, not {width}. Pass its width, as in "
                f"features={{{name!r}: {len(values)}}}."
            )
        if not np.isfinite(values).all():
            return (
                f"has NaN or infinity in feature {name!r}, not finite numbers alone. Repair the "
                "file, or leave it out of paths."
            )
    return None
