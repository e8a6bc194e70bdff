"""Kill fits with checkpoints at random moments, run them again, and compare the ends bit for bit.

    python tests/classifiers/kill_fits.py --kills 50

Fits of several kinds take turns. Each is first run without a disturbance, and then in a chain of
processes that are killed by SIGKILL after a random time, until one of them ends by itself, the
last without a disturbance; what it leaves must be equal to what the undisturbed fit left in every
bit of its variables, history and generators. The exit status says whether all were.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_ROWS, N_FEATURES, N_LABELS = 4000, 64, 120
MAX_CHAIN = 6
LONGEST_SECONDS = 300
FITS = {
    "base, every epoch": ("BaseMLPClassifier", "epoch", {"hidden_units": 128, "epochs": 12}),
    "wide, every step": ("BaseMLPClassifier", 1, {"hidden_units": 3000, "epochs": 2}),
    "blocks that stop early, every 7 steps": (
        "BlockMLPClassifier",
        7,
        {"hidden_units": (96, 64), "epochs": 10, "early_stopping": True, "n_iter_no_change": 3},
    ),
    "residual, schedule, every step": (
        "DeepMLPClassifier",
        1,
        {"hidden_units": (64, 64, 64), "epochs": 4, "warmup_epochs": 0.5, "batch_size": 128},
    ),
    "momentum and class weights, every 20 steps": (
        "BaseMLPClassifier",
        20,
        {"optimizer": "sgd", "dropout": 0.3, "class_weight": "balanced", "epochs": 10},
    ),
}


def fit(name, folder, result):
    """Run a fit in a process of its own and write what it has left."""
    import skmlclf
    from skmlclf.callbacks import Checkpoint

    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32)
    y = (X @ rng.standard_normal((N_FEATURES, N_LABELS)) > 18).astype(np.uint8)
    cls, every, params = FITS[name]
    clf = getattr(skmlclf, cls)(random_state=0, callbacks=[Checkpoint(folder, every=every)])
    clf.set_params(**params)
    print("ready", flush=True)
    start = time.monotonic()
    clf.fit(X, y)
    seconds = time.monotonic() - start
    model = clf.model_
    variables = [*model.variables, *model.non_trainable_variables, *model.optimizer.variables]
    values = {f"variable {i:03}": np.asarray(v.value) for i, v in enumerate(variables)}
    values |= {f"history {key}": np.array(each) for key, each in clf.history_.items()}
    values["epochs"] = np.array([clf.n_iter_, clf.best_epoch_])
    values["generator"] = np.append(clf._generator.get_state()[1], clf._generator.get_state()[2])
    values["probabilities"] = clf.predict_proba(X[:200])
    temporary = result.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, seconds=seconds, **values)
    temporary.replace(result)


def run(name, folder, result, delay=None, *, writing=False):
    """Run a fit, kill it if it is still running after some seconds, and say whether it was.

    With `writing` it is killed as soon after that as a checkpoint is half written.
    """
    command = [sys.executable, __file__, "fit", name, str(folder), str(result)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n", f"{name}: the process did not start"
        try:
            process.wait(LONGEST_SECONDS if delay is None else delay)
        except subprocess.TimeoutExpired:
            while writing and process.poll() is None and not list(folder.glob(".*.tmp")):
                time.sleep(1e-4)
            process.kill()
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{name}: the process ended with {process.returncode}")
    if process.returncode and delay is None:
        raise SystemExit(f"{name}: still running after {LONGEST_SECONDS} s")
    return process.returncode != 0


def difference(expected, got):
    """Return the names of the arrays that are not equal bit for bit."""
    a, b = np.load(expected), np.load(got)
    names = (set(a.files) | set(b.files)) - {"seconds"}
    return sorted(
        name
        for name in names
        if name not in a.files or name not in b.files or a[name].tobytes() != b[name].tobytes()
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    def delay(in_chain, kills, seconds):
        # At any moment of the fit, with a rest for it to come to an end.
        stops = in_chain == MAX_CHAIN or kills == options.kills
        return None if stops else rng.uniform(0, seconds)

    kills = ends = wrong = half_written = before_any = 0
    root = Path(tempfile.mkdtemp())
    seconds = {}
    while kills < options.kills:
        name = list(FITS)[ends % len(FITS)]
        whole = root / f"{list(FITS).index(name)}.npz"
        if name not in seconds:
            run(name, root / f"{whole.stem} undisturbed", whole)
            seconds[name] = float(np.load(whole)["seconds"])
        folder, result = root / f"chain {ends}", root / f"chain {ends}.npz"
        in_chain = 0
        # Every second one while it writes.
        while run(
            name, folder, result, delay(in_chain, kills, seconds[name]), writing=kills % 2 == 1
        ):
            kills, in_chain = kills + 1, in_chain + 1
            half_written += bool(list(folder.glob(".*.tmp")))
            before_any += not (folder / "checkpoint.safetensors").exists()
        differs = difference(whole, result)
        ends += 1
        print(
            f"{name}: {kills} kills so far, {'EQUAL' if not differs else f'DIFFERS: {differs}'}",
            flush=True,
        )
        if differs:
            wrong += 1
            break
    print(
        f"{kills} kills, {half_written} of them while a checkpoint was being written, {before_any}"
        f" before the first one; {ends} fits ended, {wrong} of them otherwise than undisturbed"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        name, *paths = sys.argv[2:]
        fit(name, *map(Path, paths))
    else:
        main()
