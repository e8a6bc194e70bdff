"""What a benchmark measures: printed as it comes, and kept for `run.py`, which compares runs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

FILE_VARIABLE = "SKMLCLF_BENCHMARK_RESULTS"
# Of results that were measured once, so that nothing is known of their noise.
UNKNOWN_NOISE = 0.1


@dataclass(frozen=True)
class Result:
    """One quantity, measured once or in several rounds.

    Attributes
    ----------
    name : str
        What was measured; unique within a benchmark.
    values : list of float
        One per round.
    unit : str
        Such as "s", "ms", "MiB" or "videos/s".
    higher_is_better : bool
        Whether the best round is the largest value.
    peer : str or None
        Name of the result of the same benchmark that this one is compared with.
    """

    name: str
    values: list[float]
    unit: str
    higher_is_better: bool = False
    peer: str | None = None

    @property
    def best(self) -> float:
        """Value of the best round: what disturbs a run only ever makes it worse."""
        return max(self.values) if self.higher_is_better else min(self.values)

    @property
    def noise(self) -> float:
        """Relative distance of the median round from the best one."""
        if len(self.values) < 2:
            return UNKNOWN_NOISE
        median = sorted(self.values)[len(self.values) // 2]
        return abs(median - self.best) / abs(self.best) if self.best else 0.0

    def times_better(self, other: "Result") -> float:
        """Return how many times better this is than another result of the same unit."""
        ours, theirs = self.best, other.best
        return ours / theirs if self.higher_is_better else theirs / ours


def record(
    name: str,
    values: float | Sequence[float],
    unit: str,
    *,
    higher_is_better: bool = False,
    peer: str | None = None,
    show: bool = True,
) -> Result:
    """Print a result, and add it to the file that the environment names.

    Parameters
    ----------
    name, unit, higher_is_better, peer
        As of a `Result`.
    values : float or sequence of float
        One per round.
    show : bool, default=True
        Whether it is printed; a benchmark with a table of its own prints that.

    Returns
    -------
    Result
    """
    rounds = [float(v) for v in values] if isinstance(values, Sequence) else [float(values)]
    result = Result(name, rounds, unit, higher_is_better, peer)
    if show:
        spread = f"   median {result.noise:.0%} off" if len(rounds) > 1 else ""
        print(f"{name:52}{result.best:12,.5g} {unit}{spread}", flush=True)
    path = os.environ.get(FILE_VARIABLE)
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
    return result


def in_turn(jobs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each job in each round; in a round, all jobs run one after another."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            seconds[name].append(perf_counter() - start)
    return seconds


def fresh_environment() -> dict[str, str]:
    """Return the environment of a process whose start is timed.

    Compiled code is kept, as it is by default: after its first round a program only reads it.
    """
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def answer_of(code: str, *args: Any) -> Any:
    """Run code in a process of its own, and return the JSON of the last line that it prints."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, args)]
    environment = {**fresh_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])
