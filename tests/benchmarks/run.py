"""Run all benchmarks or some of them, print one table, and compare it with an earlier run.

    python tests/benchmarks/run.py                            # those that take minutes
    python tests/benchmarks/run.py training step --json now.json
    python tests/benchmarks/run.py training step --against now.json
    python tests/benchmarks/run.py --list

Each benchmark is a script of this folder, which also runs by itself, and gets a process of its own.
Peers take turns inside it. A result counts as worse than the earlier one if it differs by more than
the noise of the two runs together, where the noise of a run is the distance of its median round
from its best one, and a tenth where there was one round. The exit status is 1 if something got
worse, and 2 if a benchmark failed.
"""

import argparse
import ast
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from results import FILE_VARIABLE, Result

FOLDER = Path(__file__).parent
SCRIPTS = {path.stem.removeprefix("bench_"): path for path in sorted(FOLDER.glob("bench_*.py"))}
# Fits of many minutes each, or of the real videos: they run when they are named.
LONG = {"accuracy", "small_problems", "thresholds", "out_of_core", "time_to_quality", "workers"}
LONG |= {"cluster"}
REAL_VIDEOS = {"accuracy", "neighbors", "out_of_core", "records", "time_to_quality"}


def summary(script):
    """Return the first line of a script's docstring."""
    return ast.get_docstring(ast.parse(script.read_text())).splitlines()[0]


def run(name):
    """Return the results of one benchmark, or None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.jsonl")
        path.touch()
        command = [sys.executable, str(SCRIPTS[name])]
        done = subprocess.run(command, env={**os.environ, FILE_VARIABLE: str(path)}, check=False)
        found = [Result(**json.loads(line)) for line in path.read_text().splitlines()]
    return found if done.returncode == 0 else None


def machine():
    """Return what decides how fast a run is."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numpy", "tensorflow", "keras")},
    }


def got_worse(now, before):
    """Say whether a result is worse than an earlier one by more than their noise."""
    return now.times_better(before) < 1 / (1 + now.noise + before.noise)


def table(results, earlier):
    """Return the lines of the table, and the names of what got worse."""
    lines, worse = [], []
    heads = f"{'':60}{'best':>12} {'unit':10}{'noise':>7}{'x peer':>9}"
    lines.append(heads + (f"{'x earlier':>11}" if earlier else ""))
    for benchmark, found in results.items():
        by_name = {result.name: result for result in found}
        before = {result.name: result for result in earlier.get(benchmark, ())}
        for name, result in by_name.items():
            peer = by_name.get(result.peer)
            line = f"{benchmark + ': ' + name:60}{result.best:12,.4g} {result.unit:10}"
            line += f"{result.noise:7.0%}" if len(result.values) > 1 else f"{'':7}"
            line += f"{result.times_better(peer):9.2f}" if peer else f"{'':9}"
            if name in before:
                line += f"{result.times_better(before[name]):11.2f}"
                if got_worse(result, before[name]):
                    line += "  worse"
                    worse.append(f"{benchmark}: {name}")
            lines.append(line)
    return lines, worse


def read(path):
    """Return the results of an earlier run."""
    plain = json.loads(Path(path).read_text())
    if plain["machine"] != machine():
        print(f"{path} is of another machine or other versions: {plain['machine']}")
    return {name: [Result(**r) for r in found] for name, found in plain["results"].items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help="as --list shows them")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--json", metavar="FILE", help="where the results are written")
    parser.add_argument("--against", metavar="FILE", help="results of an earlier run")
    args = parser.parse_args()
    if args.list:
        for name, script in SCRIPTS.items():
            print(f"{name:18}{'long  ' if name in LONG else '      '}{summary(script)}")
        return 0
    unknown = sorted(set(args.benchmarks) - set(SCRIPTS))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    earlier = read(args.against) if args.against else {}
    chosen = args.benchmarks or [
        name
        for name in SCRIPTS
        if name not in LONG and (name not in REAL_VIDEOS or "SKMLCLF_YT8M_DIR" in os.environ)
    ]
    results, failed = {}, []
    for name in chosen:
        print(f"\n{name}: {summary(SCRIPTS[name])}", flush=True)
        found = run(name)
        if found is None:
            failed.append(name)
        else:
            results[name] = found
    lines, worse = table(results, earlier)
    print("\n" + "\n".join(lines))
    if args.json:
        plain = {name: [vars(result) for result in found] for name, found in results.items()}
        text = json.dumps({"machine": machine(), "results": plain}, indent=1)
        Path(args.json).write_text(text + "\n")
    for name in failed:
        print(f"failed: {name}")
    for name in worse:
        print(f"worse by more than the noise: {name}")
    return 2 if failed else int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
