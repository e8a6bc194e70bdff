import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from skmlclf.training import _hardware, resolve_precision

THREADS = """
import tensorflow as tf
from skmlclf.training import take_share_of_cores
{before}
take_share_of_cores()
print(tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.parametrize(
    ("granted", "before", "threads"),
    [
        ("1", "", "1"),
        ("", "", "0"),
        ("3,2", "", "0"),
        ("1", "tf.config.threading.set_intra_op_parallelism_threads(2)", "2"),
        ("1", "tf.constant(1)", "0"),
    ],
)
def test_a_worker_takes_its_share_of_the_cores(granted, before, threads):
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(before=before)],
        env={**os.environ, "OMP_NUM_THREADS": granted},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == threads


def test_bfloat16_is_refused_where_it_would_be_emulated(monkeypatch):
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: False)
    resolve_precision("float32")
    with pytest.raises(ValueError, match=r"avx512_bf16.*float32"):
        resolve_precision("bfloat16")
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: True)
    resolve_precision("bfloat16")


@pytest.mark.parametrize(("has", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_takes_what_the_machine_has(monkeypatch, has, expected):
    monkeypatch.setattr(_hardware, "has_bfloat16", lambda: has)
    assert resolve_precision("auto") == expected


DEVICES = """
import numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from skmlclf import DeepMLPClassifier
rng = np.random.default_rng(0)
X, y = rng.random((60, 5), np.float32), rng.integers(0, 2, (60, 4))
answers = []
for device in ("CPU:0", "CPU:1"):
    with tf.device(device):
        clf = DeepMLPClassifier(8, label_units=4, epochs=2, early_stopping=True, random_state=0)
        clf.fit(X, y)
        assert all(device in weight.value.device for weight in clf.model_.weights)
        answers.append((clf.predict_proba(X), *clf.predict_topk(X, k=2)))
for first, second in zip(*answers, strict=True):
    np.testing.assert_array_equal(first, second)
"""


def test_a_fit_runs_on_any_device():
    done = subprocess.run([sys.executable, "-c", DEVICES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dask_worker_without_a_nanny_has_its_own_number_of_threads(monkeypatch):
    class Distributed:
        worker = None

        @classmethod
        def get_worker(cls):
            if cls.worker is None:
                raise ValueError("No worker found")
            return cls.worker

    monkeypatch.setitem(sys.modules, "distributed", Distributed)
    assert _hardware._threads_of_dask_worker() == ""
    monkeypatch.setattr(Distributed, "worker", SimpleNamespace(state=SimpleNamespace(nthreads=3)))
    assert _hardware._threads_of_dask_worker() == "3"
    monkeypatch.delitem(sys.modules, "distributed")
    assert _hardware._threads_of_dask_worker() == ""
