"""Several devices of one process that train one network: here two logical processors."""

import importlib.util
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from skmlclf import BaseMLPClassifier
from skmlclf.training import _devices, devices_of
from skmlclf.training._devices import DeviceExchange, Lockstep

SCRIPT = Path(__file__).parents[1] / "classifiers" / "worker_fits.py"
_spec = importlib.util.spec_from_file_location("worker_fits", SCRIPT)
worker_fits = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worker_fits)

CASES = [
    "base, sparse y, row weights",
    "base, label weights",
    "base, batches of one row",
    "block, dense y",
    "own network",
    "own network, batches of one row",
    "between epochs",
    "several calls",
]
TWO_DEVICES = f"""
import sys
import numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, {str(SCRIPT.parent)!r})
import worker_fits
from skmlclf.training import _loop

made, make_step = [], _loop.make_step
_loop.make_step = lambda *args, **kwargs: made.append(make_step(*args, **kwargs)) or made[-1]
values = worker_fits.run({{name: worker_fits.SINGLE[name] for name in {CASES!r}}}, "mirrored")
for i in range(2):
    fit = worker_fits.own_network("mirrored", network__dropout=0.5)
    values[f"dropout/{{i}}"] = fit["variables"]
for step in made:
    definition = step.graph.as_graph_def()
    nodes = [node for f in definition.library.function for node in f.node_def]
    found = [node.device.rpartition(":")[2] for node in nodes if node.op == "MatMul"]
    assert found.count("0") == found.count("1") > 0, found
np.savez(sys.argv[1], **values)
"""


@pytest.fixture(scope="module")
def on_two(tmp_path_factory):
    path = tmp_path_factory.mktemp("devices") / "fits.npz"
    command = [sys.executable, "-c", TWO_DEVICES, path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(path))


@pytest.fixture(scope="module")
def on_one():
    return worker_fits.run({name: worker_fits.SINGLE[name] for name in CASES}, None)


@pytest.mark.parametrize("name", CASES)
def test_two_devices_train_as_one_does(name, on_one, on_two):
    keys = [key for key in on_one if key.split("/")[0] == name and not key.endswith("printed")]
    assert keys
    for key in keys:
        weights = key.endswith(("variables", "warm"))
        tolerance = {"rtol": 1e-3, "atol": 1e-4} if weights else {"rtol": 1e-4}
        np.testing.assert_allclose(on_two[key], on_one[key], **tolerance, err_msg=key)


def test_other_layers_of_random_numbers_are_repeatable_too(on_two):
    assert on_two["dropout/0"].tobytes() == on_two["dropout/1"].tobytes()


def test_on_one_device_nothing_changes():
    assert devices_of("mirrored") == devices_of("multi_worker") == devices_of(None) == ()
    X, y = worker_fits.problem()
    fits = [
        BaseMLPClassifier(4, epochs=1, random_state=0, distribute=distribute).fit(X, y)
        for distribute in (None, "mirrored")
    ]
    first, second = map(worker_fits.variables, fits)
    assert first.tobytes() == second.tobytes()


def test_what_meets_runs_in_turn():
    order, lockstep = [], Lockstep(3)

    def run(index):
        order.append(index)
        total = lockstep.meet(index, index, sum)
        order.append(10 + index)
        return total, lockstep.meet(index, 2 * index, max)

    with tf.Graph().as_default():
        results = lockstep.run([lambda i=i: run(i) for i in range(3)])
    assert results == [(3, 4)] * 3
    assert order == [0, 1, 2, 10, 11, 12]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_in_one_ends_all(failing):
    lockstep = Lockstep(3)

    def run(index):
        lockstep.meet(index, index, sum)
        if index == failing:
            raise KeyError("as it happens")
        lockstep.meet(index, index, sum)

    before = threading.active_count()
    with tf.Graph().as_default(), pytest.raises(KeyError, match="as it happens"):
        lockstep.run([lambda i=i: run(i) for i in range(3)])
    assert threading.active_count() == before


@pytest.mark.parametrize("n_meetings", [(1, 0), (0, 1), (1, 2), (2, 1)])
def test_functions_that_do_not_meet_equally_often_end(n_meetings):
    lockstep = Lockstep(2)

    def run(index):
        for _ in range(n_meetings[index]):
            lockstep.meet(index, index, sum)

    before = threading.active_count()
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="something else for one"):
        lockstep.run([lambda i=i: run(i) for i in range(2)])
    assert threading.active_count() == before


def test_an_interruption_waits_for_the_threads(monkeypatch):
    lockstep, ended, started = Lockstep(2), [], threading.Event()

    def interrupted(futures):
        started.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(_devices, "wait", interrupted)

    def run(index):
        started.set()
        time.sleep(0.2)
        ended.append(index)
        lockstep.meet(index, index, sum)
        ended.append("another meeting")

    before = threading.active_count()
    with tf.Graph().as_default(), pytest.raises(KeyboardInterrupt):
        lockstep.run([lambda i=i: run(i) for i in range(2)])
    assert ended == [0]
    assert threading.active_count() == before


def test_sums_inside_of_another_graph_are_refused():
    lockstep = Lockstep(2)
    exchanges = [DeviceExchange(lockstep, i, None) for i in range(2)]

    @tf.function
    def inner(exchange):
        return exchange.sum_all([tf.ones(3)])

    with tf.Graph().as_default(), pytest.raises(ValueError, match="inside of a tf"):
        lockstep.run([lambda e=e: inner(e) for e in exchanges])
