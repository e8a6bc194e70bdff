"""Saving replaces a file whole or leaves it, whatever happens."""

import errno
import os
import stat

import cases
import numpy as np
import pytest
import writing
from sklearn.preprocessing import StandardScaler

import skmlclf
from skmlclf import _atomic
from skmlclf.persistence import _file


@pytest.fixture
def scaler():
    return StandardScaler().fit(cases.features())


def test_a_file_is_not_replaced_unless_told(tmp_path, scaler):
    path = tmp_path / "m"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        skmlclf.save(scaler, path)
    assert path.read_text() == "precious"
    skmlclf.save(scaler, path, overwrite=True)
    np.testing.assert_array_equal(skmlclf.load(path).mean_, scaler.mean_)
    assert [each.name for each in tmp_path.iterdir()] == ["m"]


def test_a_file_that_came_in_between_is_not_replaced(tmp_path, scaler, monkeypatch):
    path = tmp_path / "m"
    write = _file.save_file

    def write_slowly(*args, **kwargs):
        write(*args, **kwargs)
        path.write_text("precious")

    monkeypatch.setattr(_file, "save_file", write_slowly)
    monkeypatch.setattr(_atomic, "_check_free", lambda *args: None)
    with pytest.raises(FileExistsError):
        skmlclf.save(scaler, path)
    assert path.read_text() == "precious"
    assert [each.name for each in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("step", ["save_file", "_sync", "os.replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, scaler, monkeypatch, step, exists):
    path = tmp_path / "m"
    if exists:
        path.write_text("precious")

    def no_space(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "os.replace":
        monkeypatch.setattr(os, "link", no_space)
        monkeypatch.setattr(os, "replace", no_space)
    else:
        monkeypatch.setattr(_file if step == "save_file" else _atomic, step, no_space)
    with pytest.raises(OSError, match="No space left"):
        skmlclf.save(scaler, path, overwrite=exists)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["precious"] * exists


def test_a_full_disk_in_the_middle_of_a_file(tmp_path, scaler):
    # safetensors itself meets the error: a limit on the size of files stands for the full disk.
    import subprocess
    import sys

    path = tmp_path / "m"
    path.write_text("precious")
    code = (
        "import resource, signal, sys, numpy as np, skmlclf;"
        "from sklearn.preprocessing import StandardScaler;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "scaler = StandardScaler().fit(np.zeros((2, 100_000)));"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536));"
        "skmlclf.save(scaler, sys.argv[1], overwrite=True)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "OSError" in done.stderr.splitlines()[-1]
    assert str(path) in done.stderr.splitlines()[-1]
    assert [each.read_text() for each in tmp_path.iterdir()] == ["precious"]


def test_folders_that_cannot_be_written_to(tmp_path, scaler):
    with pytest.raises(FileNotFoundError, match="no folder"):
        skmlclf.save(scaler, tmp_path / "none" / "m")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        skmlclf.save(scaler, tmp_path, overwrite=True)
    with pytest.raises(OSError, match="m"):
        skmlclf.save(scaler, "/proc/m")
    assert not list(tmp_path.iterdir())


def test_links_and_permissions(tmp_path, scaler):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "m")
    before = os.umask(0o027)
    try:
        skmlclf.save(scaler, tmp_path / "link")
        skmlclf.save(scaler, tmp_path / "link", overwrite=True)
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "real" / "m").stat().st_mode) == 0o640


def test_a_killed_save_leaves_the_old_file_or_the_new_one(tmp_path):
    found = writing.kill_saves(10, tmp_path)
    assert found["old"] + found["new"] == 10
