import numpy as np
import pytest

from skmlclf.cli import main
from skmlclf.datasets import load_npy, load_tfrecords, write_tfrecords

FEATURES = {"rgb": 5, "audio": 2}
OPTIONS = ["--features", "rgb=5", "audio=2", "--labels", "9"]


@pytest.fixture
def records(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 7)).astype(np.float32)
    y = rng.random((30, 9)) < 0.2
    y[:, 0] = True
    paths = write_tfrecords(tmp_path / "a.tfrecord", X, y, shards=3, features=FEATURES)
    return tmp_path, load_tfrecords(paths, features=FEATURES, n_labels=9)


def run(folder, *more):
    data, out = str(folder / "*.tfrecord"), str(folder / "out")
    return main(["convert", "--data", data, "--out", out, *OPTIONS, *more])


def test_records_are_converted_and_what_is_there_is_kept(records, capsys):
    folder, expected = records
    assert run(folder, "--dtype", "float32", "--rows-per-file", "8") == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    n_labels = expected.target.nnz
    assert f"out: 30 videos, 7 features in float32, {n_labels} labels (written: 7 files, " in line
    assert err == ""  # nothing about what takes no time, where it cannot be wiped
    found = load_npy(folder / "out")
    np.testing.assert_array_equal(np.asarray(found.data), expected.data)
    assert (found.target != expected.target).nnz == 0
    np.testing.assert_array_equal(found.ids, expected.ids)
    assert found.feature_names == expected.feature_names
    assert run(folder, "--dtype", "float32", "--rows-per-file", "8", "--quiet") == 0
    assert capsys.readouterr().out.endswith("(written: nothing, all was there)\n")
    assert run(folder) == 2
    assert "differs in dtype" in capsys.readouterr().err


def test_records_without_labels(records, capsys):
    folder, expected = records
    assert run(folder, "--no-labels") == 0
    assert "float16, no labels" in capsys.readouterr().out
    found = load_npy(folder / "out")
    assert found.target is None
    np.testing.assert_array_equal(np.asarray(found.data), expected.data.astype(np.float16))


def test_damaged_records_end_the_command_or_are_left_out(records, capsys):
    folder, _ = records
    path = folder / "a-00001-of-00003.tfrecord"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    assert run(folder) == 2
    assert "a-00001-of-00003.tfrecord" in capsys.readouterr().err
    assert not (folder / "out").exists()
    with pytest.warns(UserWarning, match="1 faulty"):
        assert run(folder, "--on-error", "skip") == 0
    assert "out: 29 videos, " in (out := capsys.readouterr().out)
    assert ", 1 records left out (" in out


@pytest.mark.parametrize(
    "more", [["--features", "rgb"], ["--features", "rgb=0"], ["--dtype", "int8"], ["--labels", "0"]]
)
def test_bad_arguments(tmp_path, more, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["convert", "--data", "a", "--out", str(tmp_path / "out"), *more])
    assert more[0] in capsys.readouterr().err
