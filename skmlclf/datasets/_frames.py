"""Pool the frames of a video, which YouTube-8M quantises to 8 bits each."""

from typing import Any

import numpy as np

from skmlclf.datasets._form import Form

# As the data set's own readers dequantise: code * 4 / 255 + 4 / 512 - 2.
_SCALE = 4 / 255
_OFFSET = 4 / 512 - 2


def pool_frames(lists: Any, form: Form) -> np.ndarray | str:
    """Return the pooled features of a record side by side, or what is wrong with its frames."""
    pooled = []
    for name, width in form.features.items():
        if name not in lists:
            return (
                f"has no frames {name!r}; it has {sorted(lists)}. Pass the names that it uses as "
                "features, or level='video' if it holds features of a whole video."
            )
        frames = [frame.bytes_list.value for frame in lists[name].feature]
        if not frames:
            return f"has an empty list of frames {name!r}. Repair the file, or leave it out."
        sizes = {len(frame[0]) if len(frame) == 1 else -1 for frame in frames}
        if sizes != {width}:
            received = next(iter(sizes - {width}))
            what = "another number than 1" if received < 0 else f"a value of {received} bytes"
            return (
                f"has frames {name!r} with {what}, not one value of {width} bytes. Pass the width "
                "of its frames in features."
            )
        codes = np.frombuffer(b"".join(frame[0] for frame in frames), dtype=np.uint8)
        codes = codes.reshape(len(frames), width)
        pooled.append(codes.mean(axis=0) * _SCALE + _OFFSET)
        if form.pooling == "mean_std":
            pooled.append(codes.std(axis=0) * _SCALE)
    return np.concatenate(pooled).astype(np.float32)
