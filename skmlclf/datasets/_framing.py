"""Walk the records of a TFRecord file, plain or gzip, without trusting a byte of it.

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
from dataclasses import dataclass
from typing import NamedTuple

import google_crc32c
import numpy as np

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_LENGTH = 2**31 - 1  # no serialised protocol buffer is longer
_BLOCK_BYTES = 2**23
_PIECE_BYTES = 2**16  # unpacked at a time
_REFETCH = "Fetch it again, or leave it out of paths."


class Fault(NamedTuple):
    """What is wrong with one record, or with a file from that record on."""

    record: int  # counted from 0
    what: str  # completes the sentence "Received <file>: ..."


@dataclass(frozen=True)
class Frames:
    """Consecutive records of a file whose checksums are right, and the faults among them."""

    content: bytes
    position: int  # of the first byte of `content` in the file, once unpacked
    numbers: np.ndarray  # of the records in the file, counted from 0
    starts: np.ndarray  # of the records in `content`, without their framing
    stops: np.ndarray
    faults: list[Fault]


def masked_checksum(content: bytes) -> int:
    """Return the CRC-32C of `content`, masked as TFRecord files store it."""
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_frames(file: str) -> Iterator[Frames]:
    """Yield the records of a file in blocks of some megabytes.

    Damage is reported in `faults` and not raised. A record that does not match its checksum is left
    out, and what follows it is read; any other damage ends the file.
    """
    with open(file, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        head = stream.read(_HEADER.size)
        stream.seek(0)
        # A length may happen to begin with the magic number of gzip; then its checksum is right.
        if head.startswith(_GZIP_MAGIC) and not _is_header(head):
            with gzip.GzipFile(fileobj=stream) as packed:
                yield from _walk(lambda n: packed.read1(min(n, _PIECE_BYTES)), math.inf)
        else:
            yield from _walk(stream.read, size)


def _walk(read: Callable[[int], bytes], size: float) -> Iterator[Frames]:
    """Walk what `read` returns, `size` bytes; infinity stands for a size that is not known."""
    content, position, number = b"", 0, 0
    wanted, ended = _BLOCK_BYTES, False
    while not ended:
        wanted = int(min(wanted, size - position))
        more, damage = _read(read, wanted - len(content))
        ended = len(content) + len(more) < wanted or position + wanted == size
        content += more
        records: list[tuple[int, int, int]] = []
        faults: list[Fault] = []
        fatal, at, wanted = "", 0, _BLOCK_BYTES
        while len(content) - at >= _HEADER.size:
            length, checksum = _HEADER.unpack_from(content, at)
            if masked_checksum(content[at : at + 8]) != checksum:
                fatal = _bad_header(number, position + at)
                break
            start = at + _HEADER.size
            stop = start + length
            next_at = stop + _CHECKSUM.size
            if length > _MAX_LENGTH or position + next_at > size:
                fatal = _too_long(number, position + at, next_at - at, size)
                break
            if next_at > len(content):
                # At most twice as long: a block grows by what is there, not by what is claimed.
                wanted = min(next_at - at, max(_BLOCK_BYTES, 2 * len(content)))
                break
            if masked_checksum(content[start:stop]) == _CHECKSUM.unpack_from(content, stop)[0]:
                records.append((number, start, stop))
            else:
                faults.append(Fault(number, _bad_content(number, position + at)))
            at, number = next_at, number + 1
        wanted = max(wanted, len(content) - at + _HEADER.size)
        ended = ended or bool(fatal)
        if ended:
            fatal = fatal or _bad_end(number, position + at, len(content) - at, damage)
            if fatal:
                faults.append(Fault(number, fatal))
        if records or faults:
            numbers, starts, stops = np.array(records, dtype=np.int64).reshape(-1, 3).T
            yield Frames(content, position, numbers, starts, stops, faults)
        content, position = content[at:], position + at


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


def _is_header(head: bytes) -> bool:
    return len(head) == _HEADER.size and masked_checksum(head[:8]) == _HEADER.unpack(head)[1]


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
