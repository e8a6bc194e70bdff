"""The examples of examples/distributed that train one network on several workers."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "distributed"


def test_two_workers_started_by_a_shell(tmp_path):
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (first, second)]
    env = {
        **os.environ,
        "PYTHON": sys.executable,
        "WORKERS": ", ".join(f'"localhost:{port}"' for port in ports),
        "MODEL": str(tmp_path / "model"),
    }
    done = subprocess.run(
        ["sh", FOLDER / "two_workers.sh"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = sorted(done.stdout.strip().splitlines())
    assert [line[:8] for line in lines] == ["worker 0", "worker 1"]
    assert lines[0][8:] == lines[1][8:]
    assert (tmp_path / "model").exists()


def test_ray_train_as_the_launcher():
    pytest.importorskip("ray.train")
    done = subprocess.run([sys.executable, FOLDER / "ray_train.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "loss after each epoch: [0." in done.stdout + done.stderr
