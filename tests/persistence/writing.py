"""Kill processes while they save over a file, and see what is left.

As a script: ``python writing.py 50`` kills fifty saves at random moments and prints what was
found. A process that saves again and again is `python writing.py save path`.
"""

import collections
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skmlclf.persistence import load, save

N_FEATURES = 200_000


def transformer(number):
    """Return a fitted transformer of some megabytes that tells its number."""
    from sklearn.preprocessing import StandardScaler

    X = np.full((2, N_FEATURES), float(number))
    return StandardScaler().fit(X)


def number_of(path):
    """Load a file and return its number, after a look at all of it."""
    mean = load(path).mean_
    assert mean.shape == (N_FEATURES,)
    assert (mean == mean[0]).all()
    return int(mean[0])


def save_forever(path):
    """Save over a file, and say so before and after each time."""
    number = number_of(path)
    while True:
        number += 1
        estimator = transformer(number)
        print(number, flush=True)
        save(estimator, path, overwrite=True)


def kill_saves(n_kills, folder, seed=0):
    """Kill saves at random moments, every second one while it writes, and count what they left.

    Returns
    -------
    Counter of str
        "new" where the file is that of the save that was killed, "old" where that before it;
        "left behind" where a half-written file lay beside it.
    """
    rng = random.Random(seed)
    path = Path(folder) / "model.safetensors"
    save(transformer(0), path, overwrite=True)
    found = collections.Counter()
    for i in range(n_kills):
        command = [sys.executable, __file__, "save", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(rng.randrange(1, 4)):
                number = int(process.stdout.readline())
            if i % 2:
                while process.poll() is None and list(path.parent.iterdir()) == [path]:
                    time.sleep(1e-4)
                assert process.poll() is None, "the process ended by itself"
                time.sleep(rng.uniform(0, 0.005))
            else:
                time.sleep(rng.uniform(0, 0.06))
            process.send_signal(signal.SIGKILL)
            # What it said after the last line that was read.
            said = [int(line) for line in process.stdout.read().split()]
        number = said[-1] if said else number
        found[{number: "new", number - 1: "old"}.get(number_of(path), "lost")] += 1
        for each in path.parent.iterdir():
            if each != path:
                assert each.name.startswith(".model.safetensors.")
                assert each.suffix == ".tmp"
                shutil.rmtree(each)
                found["left behind"] += 1
    return found


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save_forever(Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            print(dict(kill_saves(int(sys.argv[1]), temporary)))
