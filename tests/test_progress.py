import io
import sys
import threading

import pytest

from skmlclf import _progress
from skmlclf._progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


# Where ipykernel says that it comes from, a notebook is at the other end.
Notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})


def run(stream, monkeypatch, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(200_000, "Fitting", **options) as bar:
        for loss in [0.5, 0.25]:
            bar.update(100_000, loss=loss)
    return stream.getvalue() if stream else ""


@pytest.mark.parametrize("kind", [Terminal, Notebook])
def test_one_line_is_updated_in_place(kind, monkeypatch):
    written = run(kind(), monkeypatch)
    assert written.endswith("\n")
    assert written.count("\n") == 1
    last = written.split("\r")[-1]
    assert len(last.rstrip("\n")) <= 80
    for part in ["Fitting: 100%", "200k/200k", "rows/s, loss=0.25]"]:
        assert part in last
    assert "\n" not in run(kind(), monkeypatch, leave=False)


def test_a_log_has_whole_lines_and_nothing_about_what_is_short(monkeypatch):
    assert run(io.StringIO(), monkeypatch) == ""
    monkeypatch.setattr(_progress, "_SECONDS_IN_LOG", 0)
    lines = run(io.StringIO(), monkeypatch).splitlines()
    assert [line.partition(" rows,")[0] for line in lines[:2]] == [
        "Fitting: 0%, 0.00 of 200k",
        "Fitting: 50%, 100k of 200k",
    ]
    assert lines[1].endswith(" left, loss=0.5")
    assert lines[-1].startswith("Fitting: 100%, 200k of 200k rows, ")
    assert all("\r" not in line and "\x1b" not in line for line in lines)


def test_what_was_done_before_is_not_done_again(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(10, "Converting", unit="files", initial=4) as bar:
        bar.update()
    assert "Converting:  50%" in stream.getvalue()
    assert "5/10" in stream.getvalue()


def test_an_error_ends_the_line(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(KeyError), progress(10, "Fitting"):
        raise KeyError
    assert stream.getvalue().endswith("\n")


def test_quiet_where_nothing_is_to_be_shown(monkeypatch):
    assert run(Terminal(), monkeypatch, verbose=0) == ""
    assert run(None, monkeypatch) == ""


def test_no_thread_is_left(monkeypatch):
    before = threading.active_count()
    run(Terminal(), monkeypatch)
    assert threading.active_count() == before
