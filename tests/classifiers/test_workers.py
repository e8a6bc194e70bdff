"""Several workers that train one network; worker_fits.py holds the fits that they run."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from skmlclf import BaseMLPClassifier

SCRIPT = Path(__file__).with_name("worker_fits.py")
_spec = importlib.util.spec_from_file_location("worker_fits", SCRIPT)
worker_fits = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worker_fits)


def free_addresses(n):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


def start(mode, folder, n_workers=2):
    """Start the script on every worker; what each writes comes to ``<mode> <index>.npz``."""
    cluster = {"worker": free_addresses(n_workers)}
    processes = []
    for i in range(n_workers):
        config = {"cluster": cluster, "task": {"type": "worker", "index": i}}
        env = {
            **os.environ,
            "TF_CONFIG": json.dumps(config),
            "OMP_NUM_THREADS": "1",
            "WORKER_FOLDER": str(folder / "checkpoints"),
        }
        log = (folder / f"{mode} {i}.log").open("w")
        command = [sys.executable, SCRIPT, mode, folder / f"{mode} {i}"]
        processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        log.close()
    return processes


def finish(mode, folder, processes, expected=(0, 0)):
    codes = tuple(process.wait(240) for process in processes)
    logs = "\n".join((folder / f"{mode} {i}.log").read_text()[-3000:] for i in range(len(codes)))
    assert codes == expected, logs
    paths = [folder / f"{mode} {i}" for i in range(len(codes))]
    return [dict(np.load(path)) if path.exists() else None for path in paths]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def fits(folder):
    """What each worker has found, and what this process alone has."""
    processes = start("together", folder)
    try:
        # They run while TensorFlow is imported there.
        single = worker_fits.run(worker_fits.SINGLE, None)
        return finish("together", folder, processes), single
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def together(fits):
    return fits[0]


@pytest.fixture(scope="module")
def single(fits):
    return fits[1]


def of(results, name):
    return {k.split("/")[1]: v for k, v in results.items() if k.split("/")[0] == name}


@pytest.mark.parametrize("name", worker_fits.SINGLE)
def test_the_losses_are_those_of_one_process(name, together, single):
    expected, got = of(single, name), of(together[0], name)
    if "steps" in expected and "batches" not in name:
        assert len(expected["steps"]) >= 20
    for key in set(expected) - {"variables", "warm", "n_measured", "printed"}:
        np.testing.assert_allclose(got[key], expected[key], rtol=1e-4, err_msg=key)


@pytest.mark.parametrize(
    "name",
    [*worker_fits.SINGLE, "own network with dropout", "handle", "stop on one", "without a seed"],
)
def test_the_workers_end_equal_bit_for_bit(name, together):
    first, second = (of(each, name) for each in together)
    for key in set(first) - {"n_measured", "printed", "read"}:
        assert first[key].tobytes() == second[key].tobytes(), key


def test_weights_are_those_of_one_process(together, single):
    for name in ("base, dense y", "own network", "several calls"):
        expected, got = of(single, name), of(together[0], name)
        np.testing.assert_allclose(got["variables"], expected["variables"], rtol=1e-3, atol=1e-4)


def test_held_out_rows_are_measured_and_shown_by_the_chief_only(together, single):
    alone, chief, other = (of(each, "between epochs") for each in (single, *together))
    assert chief["n_measured"] == alone["n_measured"] > 0
    assert other["n_measured"] == 0
    assert chief["printed"] > 0
    assert other["printed"] == 0


def test_rows_on_disk_are_read_by_one_worker_each(together):
    first, second = (of(each, "handle")["read"] for each in together)
    assert abs(len(first) - len(second)) <= 7  # one in each batch
    both = np.concatenate([first, second])
    np.testing.assert_array_equal(np.sort(both), np.arange(worker_fits.N_ROWS))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("epochs", "epochs is 3 and not 2"),
        ("X", "X: other values"),
        ("y", "y: other values"),
        ("checkpoint", "the checkpoint is not there and not of epoch 1, batch 0"),
    ],
)
def test_a_difference_between_workers_is_an_error_on_both(name, words, together):
    for results in together:
        text = str(of(results, "differences")[name])
        assert text.startswith("ValueError: Workers train together with the same")
        assert "on worker 1 (127.0.0.1:" in text
        assert words in text


def test_an_error_of_one_worker_is_told_to_the_other(together):
    first, second = (of(each, "differences") for each in together)
    assert "worker 1 (127.0.0.1:" in str(first["bad X"])
    assert str(first["bad X"]).startswith("WorkersError")
    assert str(second["bad X"]).startswith("ValueError: Input X contains NaN")
    assert str(first["scorer"]).startswith("KeyError")
    assert "worker 0 (127.0.0.1:" in str(second["scorer"])
    assert "no such score" in str(second["scorer"])


def test_both_stop_where_a_callback_of_one_asks_for_it(together):
    for results in together:
        assert len(of(results, "stop on one")["steps"]) == 5
        assert of(results, "stop on one")["n_iter"] == 1


def test_an_error_in_the_midst_ends_the_other_worker(together):
    first, second = (of(each, "error on one") for each in together)
    assert str(second["first"]).startswith("KeyError")
    assert str(first["first"]).startswith("WorkersError")
    assert "worker 1 (127.0.0.1:" in str(first["first"])
    assert "as it happens" in str(first["first"])
    for results in (first, second):
        assert "Start the programs of all workers again" in str(results["again"])
        assert results["alone"] == 1
        assert not results["fitted"]


def test_a_killed_worker_ends_the_other_and_a_restart_resumes(folder, together):
    left, killed = finish("stopped", folder, start("stopped", folder), expected=(0, -9))
    assert killed is None
    assert "worker 1 (127.0.0.1:" in str(left["stopped/error"])
    assert "no longer answers" in str(left["stopped/error"])
    assert left["stopped/seconds"] < 60
    resumed = finish("resumed", folder, start("resumed", folder))
    for worker, results in enumerate(resumed):
        expected, got = of(together[worker], "whole"), of(results, "resumed")
        assert got["error"] == "nothing"
        for key in set(expected) - {"seconds", "steps"}:
            assert got[key].tobytes() == expected[key].tobytes(), key


def test_workers_have_to_be_set_up_before_tensorflow_starts(monkeypatch):
    cluster = {"worker": free_addresses(2)}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    X, y = worker_fits.problem()
    alone = BaseMLPClassifier(4, epochs=1).fit(X, y)
    with pytest.raises(RuntimeError, match="before any other fit"):
        BaseMLPClassifier(4, epochs=1, distribute="multi_worker").fit(X, y)
    assert not hasattr(alone.set_params(distribute="multi_worker"), "workers_")


def test_one_worker_trains_as_a_process_without_others_does(monkeypatch):
    config = {"cluster": {"worker": free_addresses(1)}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    X, y = worker_fits.problem()
    fits = [
        BaseMLPClassifier(4, epochs=1, random_state=0, distribute=d).fit(X, y)
        for d in (None, "multi_worker")
    ]
    first, second = map(worker_fits.variables, fits)
    assert first.tobytes() == second.tobytes()
