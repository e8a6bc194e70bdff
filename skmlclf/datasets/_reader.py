"""Read record files through, block by block."""

from collections.abc import Iterator, Sequence

from skmlclf.datasets._examples import Videos, decode
from skmlclf.datasets._form import Form
from skmlclf.datasets._framing import Fault, Frames, read_frames

_BATCH_BYTES = 2**23  # decoded at once: small files cost little more than one large file


def read_videos(
    files: Sequence[str], form: Form, *, with_data: bool = True, raises: bool = True
) -> Iterator[tuple[str, Frames, Videos, list[Fault]]]:
    """Yield each block of records of files in order, decoded; raise at the first fault, or go on.

    Without data, features are checked and not kept.
    """
    blocks: list[tuple[str, Frames]] = []
    n_bytes = 0

    def decode_blocks() -> Iterator[tuple[str, Frames, Videos, list[Fault]]]:
        decoded = decode([frames for _, frames in blocks], form, with_data=with_data)
        for (file, frames), (videos, faults) in zip(blocks, decoded, strict=True):
            if faults and raises:
                raise ValueError(error_of(file, faults[0], form))
            yield file, frames, videos, faults

    for file in files:
        for frames in read_frames(file):
            blocks.append((file, frames))
            n_bytes += len(frames.content)
            if n_bytes >= _BATCH_BYTES:
                yield from decode_blocks()
                blocks, n_bytes = [], 0
    if blocks:
        yield from decode_blocks()


def error_of(file: str, fault: Fault, form: Form) -> str:
    """Return the message about a faulty file."""
    kind = "Example" if form.level == "video" else "SequenceExample"
    return (
        f"Expected a complete TFRecord file of tf.train.{kind} records. Received {file!r}: "
        f"{fault.what}"
    )
