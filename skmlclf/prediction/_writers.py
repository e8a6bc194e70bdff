"""Files of the best labels: one kind of file, one writer."""

import os
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


def topk_writer(path: str | os.PathLike[str], format: str) -> AbstractContextManager[Write]:
    """Open a file to which the best labels of rows are written.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path-like
        The file; an existing one is replaced.
    format : {"csv", "parquet"}
        "csv" is the format of the YouTube-8M challenges: one line per row,
        ``VideoId,LabelConfidencePairs``. "parquet" has one row for each video and label, with the
        columns `id`, `rank` (from 1), `label` and `probability`.

    Returns
    -------
    context manager
        Yields ``write(ids, labels, scores)``, which adds rows, with `labels` and `scores` as
        `skmlclf.predict_topk` returns them.

    Raises
    ------
    ValueError
        If there is no such format, or a Parquet file is to be written and pyarrow is not
        installed.

    See Also
    --------
    predict_files : Predict and write many files.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> from skmlclf.prediction import topk_writer
    >>> path = Path(mkdtemp()) / "best.csv"
    >>> labels, scores = np.array([[3, 1], [0, 2]]), np.array([[0.9, 0.5], [0.8, 0.1]])
    >>> with topk_writer(path, "csv") as write:
    ...     write(np.array(["a", "b"]), labels, scores)
    >>> print(path.read_text())
    VideoId,LabelConfidencePairs
    a,3 0.900000 1 0.500000
    b,0 0.800000 2 0.100000
    """
    if format not in WRITERS:
        raise ValueError(f"Expected format to be one of {', '.join(WRITERS)}. Received {format!r}.")
    return WRITERS[format](Path(path))
