import io
import re
import sys

import keras
import numpy as np
import pytest

from skmlclf import BaseMLPClassifier, _progress
from skmlclf.callbacks import EpochMetrics, EpochTable, _epoch_line
from skmlclf.datasets import make_video_embeddings


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self):
        return True


def fit(file, epochs=3, more=(), **kwargs):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.integers(0, 2, (60, 4))
    watch = EpochMetrics(["precision_at_2"], verbose=False)
    callbacks = [watch, EpochTable(file=file), *more]
    return BaseMLPClassifier(8, epochs=epochs, random_state=0, callbacks=callbacks, **kwargs).fit(
        X, y
    )


@pytest.fixture
def terminal(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_terminal_gets_one_table_redrawn(terminal):
    clf = fit(terminal)
    assert "\x1b[1A" in terminal.getvalue()  # moves up, to draw over what was there
    last = drawn_last(terminal, 4)
    assert last[0].split() == ["epoch/3", "time", "loss", "val", "loss", "P@2"]
    for i, line in enumerate(last[1:]):
        assert line.split()[0] == str(i + 1)
        assert line.split()[-1] == f"{clf.history_['val_precision_at_2'][i]:.4f}"


def plain(terminal):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue()).replace("\r", "\n")


def drawn_last(terminal, n_lines):
    return plain(terminal).strip().splitlines()[-n_lines:]


def test_what_a_narrow_terminal_has_no_room_for_stands_beneath(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    clf = fit(terminal)
    lines = drawn_last(terminal, 8)
    assert max(map(len, lines)) <= 30
    assert lines[0].split() == ["epoch/3", "time", "loss"]
    assert lines[4].split() == ["epoch/3", "val", "loss", "P@2"]
    for i, line in enumerate(lines[5:]):
        history = {name: values[i] for name, values in clf.history_.items()}
        loss, precision = history["val_loss"], history["val_precision_at_2"]
        assert line.split() == [f"{i + 1}", f"{loss:.5f}", f"{precision:.4f}"]


def test_a_low_terminal_shows_the_last_epochs_and_in_the_end_all(terminal, monkeypatch):
    monkeypatch.setenv("LINES", "6")
    fit(terminal, epochs=12)
    *live, whole = [
        [line.split()[0] for line in frame.splitlines()[1:] if line.strip()]
        for frame in plain(terminal).split("epoch/12")[1:]
    ]
    assert max(map(len, live)) == 4
    assert live[-1] == ["9", "10", "11", "12"]
    assert whole == [f"{i}" for i in range(1, 13)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_gives_the_terminal_back(terminal, monkeypatch, error):
    class Fail(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise error

    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(error):
        fit(None, more=[Fail()])
    assert sys.stdout is terminal
    text = terminal.getvalue()
    assert text.count("\x1b[?25h") == text.count("\x1b[?25l") == 1


def test_colours_asked_for_do_not_make_a_file_a_terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    fit(file)
    assert "\x1b" not in file.getvalue()


def test_a_file_gets_a_line_an_epoch():
    file = io.StringIO()
    fit(file)
    lines = file.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", f"{i}/3"] for i in (1, 2, 3)]
    assert "\x1b" not in file.getvalue()


def test_without_rich_a_terminal_gets_lines(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    fit(terminal)
    assert len(terminal.getvalue().splitlines()) == 3


def test_a_dumb_terminal_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    fit(terminal)
    assert len(terminal.getvalue().splitlines()) == 3


CELL = """
import numpy as np
from skmlclf import BaseMLPClassifier
rng = np.random.default_rng(0)
X, y = rng.standard_normal((60, 5)), rng.integers(0, 2, (60, 4))
clf = BaseMLPClassifier(8, epochs=3, random_state=0, verbose=1).fit(X, y)
"""


def test_a_notebook_gets_one_table(tmp_path):
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    options = {"timeout": 120, "kernel_name": "python3"}
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, resources=resources, **options).execute()
    # TensorFlow's own lines of its start go to the error stream.
    (output,) = (o for o in notebook.cells[0].outputs if o.output_type != "stream")
    rows = re.sub(r"<[^>]+>", "", output.data["text/html"]).split("\n")[:4]
    assert [row.split()[0] for row in rows] == ["epoch/3", "1", "2", "3"]


@pytest.mark.parametrize(
    ("callbacks", "verbose", "n_lines"),
    [
        ([EpochMetrics], 0, 2),
        ([EpochMetrics], 1, 2),
        ([EpochMetrics, EpochTable], 0, 2),
        ([EpochTable, EpochMetrics], 0, 2),
        ([lambda: EpochMetrics(verbose=False)], 0, 0),
        ([lambda: EpochMetrics(verbose=False)], 1, 2),
        ([lambda: EpochMetrics(verbose=False), EpochTable], 1, 2),
    ],
)
def test_each_epoch_is_shown_once_with_its_metrics(callbacks, verbose, n_lines, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.integers(0, 2, (60, 4))
    made = [make() for make in callbacks]
    BaseMLPClassifier(8, epochs=2, verbose=verbose, callbacks=made).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == n_lines
    assert sum(" F1 " in line for line in lines) == n_lines


def test_verbose_shows_the_table(capsys):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.integers(0, 2, (60, 4))
    BaseMLPClassifier(8, epochs=2, verbose=1).fit(X, y)
    assert capsys.readouterr().out.count("epoch") == 2


def test_a_log_is_told_now_and_then_how_far_a_long_epoch_is(capfd, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_IN_LOG", 0.0)
    X, y = make_video_embeddings(200, n_labels=10, random_state=0)
    BaseMLPClassifier(hidden_units=4, epochs=1, batch_size=10, verbose=1, random_state=0).fit(X, y)
    out, err = capfd.readouterr()
    assert out.startswith("epoch 1/1")
    assert re.search(r"epoch 1/1: \d+%, \d+ of 200 rows, .* left, loss=0\.\d+", err)
    BaseMLPClassifier(hidden_units=4, epochs=1, verbose=0, random_state=0).fit(X, y)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_is_told_the_speed_of_a_long_epoch(terminal, monkeypatch):
    monkeypatch.setattr(_epoch_line, "_SECONDS_TO_TELL", 0.0)
    X, y = make_video_embeddings(200, n_labels=10, random_state=0)
    table = EpochTable(terminal)
    BaseMLPClassifier(hidden_units=4, epochs=1, callbacks=[table], random_state=0).fit(X, y)
    assert re.search(r"%, [\d,]+ rows/s, \d+ s left", terminal.getvalue())
