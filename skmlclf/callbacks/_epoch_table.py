"""The epochs of a fit as a table that grows while it runs."""

import contextlib
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any, TextIO

from skmlclf.callbacks._epoch_line import EpochPrinter, format_value, how_far, short_name

_GAP = 2


class EpochTable(EpochPrinter):
    """Show the epochs of a fit as a table, updated in place on a terminal or in a notebook.

    Columns that do not fit into the width are shown in a second table below. Where the output is a
    file or a pipe, or `rich` is not installed, one line is printed after each epoch instead.

    .. versionadded:: 0.1

    Parameters
    ----------
    file : text stream, default=None
        Stream to print to; None stands for standard output.

    Examples
    --------
    >>> from skmlclf import BaseMLPClassifier
    >>> from skmlclf.callbacks import EpochTable
    >>> from skmlclf.datasets import make_video_embeddings
    >>> X, y = make_video_embeddings(120, n_labels=50, random_state=0)
    >>> clf = BaseMLPClassifier(epochs=2, callbacks=[EpochTable()], random_state=0)
    >>> _ = clf.fit(X, y)
    epoch 1/2 ... s   loss 0...
    epoch 2/2 ... s   loss 0...
    """

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__(file)
        self._live: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the table."""
        self._rows: list[list[str]] = []
        self._columns: list[str] = []
        self._live = _live_display(self.file or sys.stdout)
        if self._live is not None:
            self._live.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch

    @property
    def _prints(self) -> bool:
        return self._live is None

    def on_progress(self, n_batches: int, logs: dict[str, float] | None = None) -> None:
        """Show how far the epoch is; a fit of this package calls this every few batches."""
        super().on_progress(n_batches, logs)
        if self._live is not None:
            seconds = perf_counter() - self._start
            done = how_far(n_batches / self.params["steps"], self.params.get("rows"), seconds)
            loss = format_value("loss", (logs or {}).get("loss", float("nan")))
            self._show([f"{self._epoch + 1}", done, loss])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch's row, or print its line."""
        if self._live is None:
            super().on_epoch_end(epoch, logs)
            return
        logs = logs or {}
        self._columns = [short_name(name) for name in logs]
        seconds = f"{perf_counter() - self._start:.1f} s"
        values = [format_value(name, value).strip() for name, value in logs.items()]
        self._rows.append([f"{epoch + 1}", seconds, *values])
        self._show()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Draw the whole table a last time."""
        if self._live is not None:
            self._show(whole=True)
        self.on_train_abort()

    def on_train_abort(self) -> None:
        """Stop the live display, after an error too."""
        super().on_train_abort()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show(self, running: list[str] | None = None, *, whole: bool = False) -> None:
        from rich.table import Table

        header = [f"epoch/{self.params['epochs']}", "time", *(self._columns or ["loss"])]
        lines = [header, *self._rows]
        styles = ["bold", *[""] * len(self._rows)]
        if running is not None:
            lines.append([*running, *[""] * (len(header) - len(running))])
            styles.append("dim")
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        blocks = _blocks(widths, self._live.console.width)
        if not whole:
            # What is taller than the terminal cannot be redrawn: the last epochs are shown.
            room = max(1, (self._live.console.height - 1) // len(blocks) - 1)
            lines, styles = lines[:1] + lines[1:][-room:], styles[:1] + styles[1:][-room:]
        table = Table.grid()
        for block in blocks:
            part = Table.grid(padding=(0, _GAP, 0, 0))
            for _ in block:
                part.add_column(justify="right", no_wrap=True)
            for line, style in zip(lines, styles, strict=True):
                part.add_row(*(line[i] for i in block), style=style)
            table.add_row(part)
        # At the end, it is the live display's stop that draws without regard to the height.
        self._live.update(table, refresh=not whole)


def _blocks(widths: Sequence[int], width: int) -> list[list[int]]:
    """Divide columns among tables that fit a width, with the first column in each.

    Examples
    --------
    >>> from skmlclf.callbacks._epoch_table import _blocks
    >>> _blocks([5, 4, 4, 4], width=23), _blocks([5, 4, 4, 4], width=22)
    ([[0, 1, 2, 3]], [[0, 1, 2], [0, 3]])
    """
    blocks: list[list[int]] = []
    room = -1
    for i, needed in enumerate(widths[1:], start=1):
        if needed + _GAP > room:
            blocks.append([0])
            room = width - widths[0]
        blocks[-1].append(i)
        room -= needed + _GAP
    return blocks


def _live_display(file: TextIO | None) -> Any:
    """Return what redraws a table, on a terminal or in a notebook; None where nothing can."""
    if file is None:
        return None
    with contextlib.suppress(ImportError):
        from rich.console import Console
        from rich.live import Live

        console = Console(file=file)
        if console.is_jupyter and file is sys.stdout:
            return _NotebookOutput(console)
        if file.isatty() and console.is_terminal and not console.is_dumb_terminal:
            return Live(console=console, auto_refresh=False)
    return None


class _NotebookOutput:
    """An output of a notebook's cell that is replaced; rich's own needs widgets for that."""

    def __init__(self, console: Any) -> None:
        self.console = console

    def start(self) -> None:
        self._handle: Any = None

    def update(self, table: Any, *, refresh: bool) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(table, display_id=True)
        else:
            self._handle.update(table)

    def stop(self) -> None:
        pass
