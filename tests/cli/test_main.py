"""The command as a process: what it prints where, and its exit status."""

import io
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest

from skmlclf.cli import _main, main

SMALL = ["compare", "--samples", "60", "--labels", "30", "--epochs", "1"]


def start(*args):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "skmlclf", *args]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def test_nothing_is_printed_but_our_own_lines():
    process = start(*SMALL, "--only", "base", "deep+neighbors")
    out, err = process.communicate()
    assert err == ""
    assert process.returncode == 0
    tables = ("architecture", "better", "against", "decisions", "---", "tuned")
    starts = ("48 training", "base", "deep+neighbors", "epoch 1/1", *tables)
    assert all(line.startswith(starts) for line in out.splitlines() if line)
    assert "true labels per sample" in out


def test_ctrl_c_prints_what_is_done(tmp_path):
    file = tmp_path / "results.json"
    process = start(*SMALL, "--epochs", "200", "--json", str(file))
    line = ""
    while line != "pca\n":
        line = process.stdout.readline()
        assert line, "the command ended before the second architecture"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted, 1 estimators were done" in err
    table = out[out.index("architecture") : out.index("better")]
    assert re.findall(r"^(\w+) ", table, flags=re.MULTILINE) == ["architecture", "base"]
    assert '"name": "base"' in file.read_text()


def test_a_reader_that_goes_away_ends_it_quietly():
    with start(*SMALL, "--only", "base", "video", "--study", "features") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_an_interrupt_before_anything_is_done(monkeypatch, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmlclf.cli._compare._check", interrupt)
    assert main(SMALL) == 130
    assert capsys.readouterr().err == "skmlclf compare: interrupted\n"


def test_the_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"skmlclf {version('skmlclf')}\n"


@pytest.mark.parametrize("args", [["--help"], ["compare", "--help"], ["convert", "--help"]])
def test_help_lists_the_exit_statuses(args, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(args)
    out = capsys.readouterr().out
    for status in (0, 1, 2, 130, 141):
        assert re.search(rf"^  {status} +\w", out, flags=re.MULTILINE)
    assert "(default: None)" not in out


def test_every_subcommand_has_its_file():
    commands = [m.__name__.rpartition("._")[2] for m in _main._SUBCOMMANDS]
    help_text = io.StringIO()
    _main._parser().print_help(help_text)
    for command in commands:
        assert f"    {command} " in help_text.getvalue()
