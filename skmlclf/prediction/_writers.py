"""Files of the best labels: one kind of file, one writer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

Write = Callable[[np.ndarray, np.ndarray, np.ndarray], None]
"""``write(ids, labels, scores)`` adds rows to a file."""


@contextmanager
def _csv_writer(path: Path) -> Iterator[Write]:
    """Write a line for each video: its id, then each label and its probability."""
    with path.open("w", encoding="utf-8") as file:
        file.write("VideoId,LabelConfidencePairs\n")

        def write(ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
            for name, best, values in zip(ids, labels.tolist(), scores.tolist(), strict=True):
                pairs = " ".join(f"{k} {v:.6f}" for k, v in zip(best, values, strict=True))
                file.write(f"{name},{pairs}\n")

        yield write


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Write]:
    """Write a row for each video and label: the id, the rank from 1, the label, its probability."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ValueError(
            "Expected pyarrow to be installed, which writes Parquet files. Install it with"
            " pip install pyarrow, or write a .csv file."
        ) from None
    types = {
        "id": pa.string(),
        "rank": pa.int32(),
        "label": pa.int32(),
        "probability": pa.float32(),
    }
    with parquet.ParquetWriter(path, pa.schema(types)) as writer:

        def write(ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
            n_rows, k = labels.shape
            ranks = np.tile(np.arange(1, k + 1), n_rows)
            values = [np.repeat(ids, k), ranks, labels.ravel(), scores.ravel()]
            columns = [pa.array(v, t) for v, t in zip(values, types.values(), strict=True)]
            writer.write_table(pa.table(columns, schema=writer.schema))

        yield write


WRITERS: dict[str, Callable[[Path], AbstractContextManager[Write]]] = {
    "csv": _csv_writer,
    "parquet": _parquet_writer,
}
"""Writers by format, which is how the names of files end."""


def writer_of(path: Path, format: str) -> AbstractContextManager[Write]:
    """Open a file of the best labels for writing.

    Parameters
    ----------
    path : Path
        The file.
    format : {"csv", "parquet"}
        The form of the YouTube-8M challenges, ``VideoId,LabelConfidencePairs``; or a row for each
        video and label, of ``id``, ``rank`` (from 1), ``label`` and ``probability``.

    Returns
    -------
    context manager
        Yields ``write(ids, labels, scores)``.

    Raises
    ------
    ValueError
        If a Parquet file is to be written, and pyarrow is not installed.
    """
    return WRITERS[format](path)
