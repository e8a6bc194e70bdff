import gc
import os
import subprocess
import sys

import pytest

from skmlclf.cli._startup import _collector_off, native_log_held_back, tensorflow_starts


def test_imports_that_last_are_kept_from_the_collector():
    before = gc.get_freeze_count()
    try:
        with _collector_off():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with _collector_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_nothing_happens_where_tensorflow_is_there_already():
    pytest.importorskip("tensorflow")
    before = gc.get_freeze_count()
    with tensorflow_starts():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before


_SETTINGS = """
import os
from skmlclf.cli._startup import tensorflow_starts
with tensorflow_starts(rewrites_graphs={rewrites_graphs}):
    import tensorflow as tf
rewrites_graphs = not tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer")
print(rewrites_graphs, os.environ["TF_CPU_ALLOCATOR_USE_BFC"])
"""


@pytest.mark.parametrize(("rewrites_graphs", "own"), [(True, "false"), (False, None)])
def test_tensorflow_is_set_up_and_what_the_user_has_set_is_kept(rewrites_graphs, own):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPU_ALLOCATOR_USE_BFC"}
    if own is not None:
        environment["TF_CPU_ALLOCATOR_USE_BFC"] = own
    code = _SETTINGS.format(rewrites_graphs=rewrites_graphs)
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True
    )
    assert process.stdout.decode().split() == [str(rewrites_graphs), own or "true"]


def test_native_lines_are_held_back_and_pythons_are_not(capfd):
    with native_log_held_back():
        os.write(2, b"native\n")
        print("python", file=sys.__stderr__, flush=True)
    os.write(2, b"after\n")
    err = capfd.readouterr().err
    assert "native" not in err
    assert err.endswith("after\n")


def fail(error):
    with native_log_held_back():
        os.write(2, b"why it is broken\n")
        raise error


def test_native_lines_are_printed_where_the_block_fails(capfd):
    with pytest.raises(ImportError, match="broken"):
        fail(ImportError("broken"))
    assert "why it is broken" in capfd.readouterr().err


def test_an_interrupt_prints_no_native_lines(capfd):
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())
    assert capfd.readouterr().err == ""
