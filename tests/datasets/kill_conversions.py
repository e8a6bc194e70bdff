"""Kill processes while they write a folder of `.npy` files, and see what is left.

As a script: ``python kill_conversions.py 20`` kills twenty at random moments and prints what was
found. A process that writes is `python kill_conversions.py write folder`.
"""

import collections
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skmlclf.datasets import RowStore, load_npy, write_npy

N_ROWS, N_COLUMNS, ROWS_PER_SHARD = 4000, 50, 100


class Rows(RowStore):
    """Rows that are different from each other, and take their time."""

    shape = (N_ROWS, N_COLUMNS)

    def read(self, start, stop):
        time.sleep(0.005)
        return np.arange(start * N_COLUMNS, stop * N_COLUMNS, dtype=np.float32).reshape(
            -1, N_COLUMNS
        )


def labels():
    """Return one label for each row."""
    return np.eye(7, dtype=int)[np.arange(N_ROWS) % 7]


def write(folder):
    """Write the folder, or what is missing of it."""
    return write_npy(folder, Rows(), labels(), rows_per_shard=ROWS_PER_SHARD)


def check_files(folder):
    """Check that every file with a final name is complete; return how many of features there are.

    Files that do not begin with a dot are what somebody may take for complete.
    """
    names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    for name in names:
        if name.startswith("features-"):
            i = int(name.split("-")[1])
            expected = Rows().read(i * ROWS_PER_SHARD, (i + 1) * ROWS_PER_SHARD)
            np.testing.assert_array_equal(np.load(folder / name), expected)
        else:
            assert name in ("dataset.json", "ids.npy", "labels.npz"), name
    return sum(name.startswith("features-") for name in names)


def kill_writes(n_kills, folder, seed=0):
    """Kill writes at random moments, each going on where the last was, and then let one finish.

    Returns
    -------
    Counter of str
        How often files were left half written beside their places, and how many were complete.
    """
    rng = random.Random(seed)
    folder = Path(folder)
    found = collections.Counter()
    n_before = 0
    for _ in range(n_kills):
        command = [sys.executable, __file__, "write", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        n_complete = check_files(folder) if folder.exists() else 0
        assert n_complete >= n_before
        found["killed before the last file"] += n_complete < N_ROWS // ROWS_PER_SHARD
        found["left half written"] += bool(list(folder.glob(".*.tmp")))
        n_before = n_complete
    found["complete after the last kill"] = n_before
    written = write(folder)
    assert sum("features-" in path for path in written) == N_ROWS // ROWS_PER_SHARD - n_before
    data = load_npy(folder)
    np.testing.assert_array_equal(np.asarray(data.data), Rows().read(0, N_ROWS))
    np.testing.assert_array_equal(data.target.toarray(), labels())
    assert not list(folder.glob(".*"))
    return found


if __name__ == "__main__":
    if sys.argv[1] == "write":
        print("ready", flush=True)
        write(sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            print(dict(kill_writes(int(sys.argv[1]), Path(temporary, "data"))))
