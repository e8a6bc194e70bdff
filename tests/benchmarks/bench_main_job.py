"""Wall time of ``skmlclf compare`` against the same job in plain Keras, imports included.

Run ``python tests/benchmarks/bench_main_job.py``; the two take turns.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from results import fresh_environment, in_turn, record

from skmlclf.training import has_bfloat16

PEER = Path(__file__).with_name("plain_keras_job.py")


def process(*args):
    command, env = [sys.executable, *args], fresh_environment()
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    four = ["base", "pca", "blocks", "deep"]
    jobs = {
        "plain Keras": process(str(PEER)),
        # What the peer trains, and with the row of neighbours.
        "skmlclf compare --only the four": process("-m", "skmlclf", "compare", "--only", *four),
        "skmlclf compare": process("-m", "skmlclf", "compare"),
    }
    if has_bfloat16():
        jobs["skmlclf compare --only the four --precision bfloat16"] = process(
            "-m", "skmlclf", "compare", "--only", *four, "--precision", "bfloat16"
        )
    for name, seconds in in_turn(jobs, runs).items():
        record(name, seconds, "s", peer=None if name == "plain Keras" else "plain Keras")


if __name__ == "__main__":
    main()
