"""Wall time of ``skmlclf compare`` against the same job in plain Keras, imports included.

Run ``python tests/benchmarks/bench_main_job.py``; the two take turns, and the ratio of their best
times is printed.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from time import perf_counter

PEER = Path(__file__).with_name("plain_keras_job.py")


def seconds(*args):
    start = perf_counter()
    subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    ours, peer = [], []
    for _ in range(runs):
        peer.append(seconds(str(PEER)))
        ours.append(seconds("-m", "skmlclf", "compare"))
    print(f"{'':14}{'best':>8}  runs")
    for name, times in (("plain Keras", peer), ("skmlclf", ours)):
        print(f"{name:14}{min(times):7.1f}s  {' '.join(f'{t:.1f}' for t in times)}")
    print(f"ratio of the best: {min(ours) / min(peer):.2f} (target: at most 0.40)")


if __name__ == "__main__":
    main()
