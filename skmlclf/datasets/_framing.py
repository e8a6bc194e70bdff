"""Read the records of a TFRecord file, plain or gzip, with every length and checksum validated.

A record is framed by its length (8 bytes) and a checksum of that (4) before its content, and by a
checksum of the content (4) after it, all little-endian. A length is believed only if its checksum
agrees and the file is long enough: damage can neither ask for memory nor read past the end.
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np

_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CHECKSUM_BYTES = 4
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_LENGTH = 2**31 - 1  # no serialised protocol buffer is longer
_BLOCK_BYTES = 2**23
_PIECE_BYTES = 2**16  # unpacked at a time
_REFETCH = "Fetch it again, or leave it out of paths."


class Fault(NamedTuple):
    """What is wrong with one record, or with a file from that record on."""

    record: int  # counted from 0
    what: str  # completes the sentence "Received <file>: ..."


class Frames(NamedTuple):
    """Consecutive records of a file whose checksums are right, and the faults among them."""

    content: bytes
    position: int  # of the first byte of `content` in the file, once unpacked
    numbers: np.ndarray  # of the records in the file, counted from 0
    starts: np.ndarray  # of the records in `content`, without their framing
    stops: np.ndarray
    faults: list[Fault]


def masked_checksum(content: bytes) -> int:
    """Return the CRC-32C of `content`, masked as TFRecord files store it."""
    return int(_mask([google_crc32c.value(content)])[0])


def _mask(crcs: list[int]) -> np.ndarray:
    crc = np.array(crcs, dtype=np.uint32)
    return ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)


def read_frames(file: str) -> Iterator[Frames]:
    """Yield the records of a file in blocks of some megabytes.

    Damage is reported in `faults` and not raised. A record that does not match its checksum is left
    out, and what follows it is read; any other damage ends the file.
    """
    with open(file, "rb", buffering=0) as stream:
        if is_packed(stream):
            with gzip.GzipFile(fileobj=stream) as packed:
                yield from _walk(lambda n: packed.read1(min(n, _PIECE_BYTES)), math.inf)
        else:
            yield from _walk(stream.read, os.fstat(stream.fileno()).st_size)


def is_packed(stream: BinaryIO) -> bool:
    """Tell whether a file, of which nothing has been read, is compressed with gzip."""
    head = stream.read(_HEADER.size)
    stream.seek(0)
    if not head.startswith(_GZIP_MAGIC):
        return False
    # A length may happen to begin with the magic number; then its checksum is right.
    return len(head) < _HEADER.size or masked_checksum(head[:8]) != _HEADER.unpack(head)[1]


def _walk(read: Callable[[int], bytes], size: float) -> Iterator[Frames]:
    """Walk what `read` returns, `size` bytes; infinity stands for a size that is not known."""
    content, position, number = b"", 0, 0
    wanted, ended = _BLOCK_BYTES, False
    while not ended:
        wanted = int(min(wanted, size - position))
        more, damage = _read(read, wanted - len(content))
        ended = len(content) + len(more) < wanted or position + wanted == size
        content += more
        starts, stops, is_sound = _scan(content)
        numbers = np.arange(number, number + len(starts))
        faults = [
            Fault(int(numbers[i]), _bad_content(int(numbers[i]), position + int(starts[i]) - 12))
            for i in np.flatnonzero(~is_sound)
        ]

        # What is left is part of a record, or what ends the file.
        number += len(starts)
        at = int(stops[-1]) + _CHECKSUM_BYTES if len(stops) else 0
        n_left, fatal = len(content) - at, ""
        wanted = max(_BLOCK_BYTES, n_left + _HEADER.size)
        if n_left >= _HEADER.size:
            length, checksum = _HEADER.unpack_from(content, at)
            n_bytes = _HEADER.size + length + _CHECKSUM_BYTES
            if checksum != masked_checksum(content[at : at + 8]):
                fatal = _bad_header(number, position + at)
            elif length > _MAX_LENGTH or position + at + n_bytes > size:
                fatal = _too_long(number, position + at, n_bytes, size)
            else:
                # At most twice as long: a block grows by what is there, not by what is claimed.
                wanted = min(n_bytes, max(_BLOCK_BYTES, 2 * len(content)))
        if ended and not fatal:
            fatal = _bad_end(number, position + at, n_left, damage)
        if fatal:
            faults.append(Fault(number, fatal))
            ended = True
        if len(starts) or faults:
            yield Frames(
                content, position, numbers[is_sound], starts[is_sound], stops[is_sound], faults
            )
        content, position = content[at:], position + at


def _scan(content: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the records of a block that are there to their ends.

    Return where they start and stop, and whether they match their checksums. A header that does not
    match its own ends the block.
    """
    at, crc = 0, google_crc32c.value
    bounds, header_crcs, crcs = [], [], []
    while at + _HEADER.size <= len(content):
        start = at + _HEADER.size
        stop = start + _LENGTH.unpack_from(content, at)[0]
        if stop + _CHECKSUM_BYTES > len(content):
            break
        bounds.append(at)
        header_crcs.append(crc(content[at : at + 8]))
        crcs.append(crc(content[start:stop]))
        at = stop + _CHECKSUM_BYTES
    edges = np.array([*bounds, at])
    starts, stops = edges[:-1] + _HEADER.size, edges[1:] - _CHECKSUM_BYTES
    is_header = _mask(header_crcs) == _stored(content, starts - _CHECKSUM_BYTES)
    is_sound = _mask(crcs) == _stored(content, stops)
    n_records = len(starts) if is_header.all() else int(is_header.argmin())
    return starts[:n_records], stops[:n_records], is_sound[:n_records]


def _stored(content: bytes, at: np.ndarray) -> np.ndarray:
    """Return the checksums that are stored at these bytes."""
    index = at[:, None] + np.arange(_CHECKSUM_BYTES)
    return np.frombuffer(content, dtype=np.uint8)[index].view("<u4")[:, 0]


def _read(read: Callable[[int], bytes], n_bytes: int) -> tuple[bytes, str]:
    """Read `n_bytes`, or fewer at the end of the file or where its compression is damaged."""
    pieces = []
    try:
        while n_bytes > 0 and (piece := read(n_bytes)):
            pieces.append(piece)
            n_bytes -= len(piece)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        return b"".join(pieces), str(error).rstrip(".")
    return b"".join(pieces), ""


def _bad_header(number: int, position: int) -> str:
    if number == 0:
        return (
            "it is not a TFRecord file, plain or compressed with gzip, or it is damaged at record "
            f"0, byte 0. {_REFETCH}"
        )
    return _bad_content(number, position)


def _bad_content(number: int, position: int) -> str:
    return f"it is damaged at record {number}, byte {position}: checksums differ. {_REFETCH}"


def _too_long(number: int, position: int, n_bytes: int, size: float) -> str:
    what = f"record {number} starts at byte {position} and is {n_bytes} bytes long"
    if position + n_bytes > size:
        return f"it is truncated: {what}, but the file ends at byte {size}. {_REFETCH}"
    return f"it is damaged: {what}, more than a record can be. {_REFETCH}"


def _bad_end(number: int, position: int, n_left: int, damage: str) -> str:
    """Say what is wrong with the end of a file; nothing if it ends where a record does."""
    if damage:
        return f"its gzip compression is damaged from record {number} on ({damage}). {_REFETCH}"
    if n_left:
        where = f"inside record {number}, which starts at byte {position}"
        return f"it is truncated {where}; only {n_left} bytes of it are there. {_REFETCH}"
    if number == 0:
        return f"it holds no record: it is empty (0 bytes). {_REFETCH}"
    return ""
