import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from skmlclf.datasets import NpyRowStore, RowStore, load_npy, write_npy

N_ROWS = 23
X = np.random.default_rng(0).standard_normal((N_ROWS, 4)).astype(np.float32)
Y = sparse.random_array((N_ROWS, 9), density=0.2, random_state=0).tocsr() > 0
IDS = [f"é{i}" for i in range(N_ROWS)]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("rows_per_shard", [1, 10, 23, 100])
def test_what_is_written_is_loaded(tmp_path, dtype, rows_per_shard):
    folder = tmp_path / "new" / "data"
    written = write_npy(folder, X, Y, IDS, dtype=dtype, rows_per_shard=rows_per_shard)
    assert sorted(written) == sorted(str(path) for path in folder.iterdir())
    data = load_npy(folder)
    assert isinstance(data.data, NpyRowStore)
    assert data.data.dtype == dtype
    np.testing.assert_array_equal(np.asarray(data.data), X.astype(dtype))
    assert (data.target != Y).nnz == 0
    assert data.target.dtype == np.int64
    assert data.ids.tolist() == IDS
    assert data.feature_names == ["x0", "x1", "x2", "x3"]


def test_any_rows_are_taken(tmp_path):
    write_npy(tmp_path / "a", X, feature_names=list("abcd"), rows_per_shard=5)
    data = load_npy(tmp_path / "a")
    assert data.target is None
    assert data.ids.tolist() == [str(i) for i in range(N_ROWS)]
    assert data.feature_names == list("abcd")
    write_npy(tmp_path / "b", data.data[::-1], Y.toarray()[::-1], rows_per_shard=7)
    again = load_npy(tmp_path / "b")
    np.testing.assert_array_equal(np.asarray(again.data), X[::-1])
    np.testing.assert_array_equal(again.target.toarray(), Y.toarray()[::-1])


class Broken(RowStore):
    """Cannot be read to its end."""

    shape = X.shape

    def read(self, start, stop):
        if stop > 15:
            raise OSError("the disk is gone")
        return X[start:stop]


def test_what_was_interrupted_is_resumed(tmp_path):
    with pytest.raises(OSError, match="the disk is gone"):
        write_npy(tmp_path, Broken(), Y, IDS, rows_per_shard=5)
    with pytest.raises(ValueError, match=r"2 files of it are missing.*00003-of-00005.*once more"):
        load_npy(tmp_path)
    (tmp_path / ".features-00003-of-00005.npy.abc.tmp").mkdir()  # as a killed process leaves it
    (tmp_path / "features-00001-of-00005.npy").write_bytes(b"damaged")
    before = (tmp_path / "features-00000-of-00005.npy").stat().st_mtime_ns
    written = write_npy(tmp_path, X, Y, IDS, rows_per_shard=5)
    assert [path[-18:-13] for path in written] == ["00001", "00003", "00004"]
    np.testing.assert_array_equal(np.asarray(load_npy(tmp_path).data), X)
    assert (tmp_path / "features-00000-of-00005.npy").stat().st_mtime_ns == before
    assert not list(tmp_path.glob(".*"))
    assert write_npy(tmp_path, X, Y, IDS, rows_per_shard=5) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"X": X[:-1], "y": Y[:-1], "ids": IDS[:-1]}, "shape"),
        ({"dtype": "float16"}, "dtype"),
        ({"rows_per_shard": 4}, "rows_per_shard"),
        ({"y": None}, "labels"),
        ({"y": Y[::-1]}, "sha256"),
        ({"ids": IDS[::-1]}, "sha256"),
        ({"feature_names": list("abcd")}, "feature_names"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_data_sets_are_not_mixed(tmp_path, change, named):
    arguments = {"X": X, "y": Y, "ids": IDS, "rows_per_shard": 5}
    write_npy(tmp_path, **arguments)
    with pytest.raises(ValueError, match=f"differs in {named}.*Pass another folder"):
        write_npy(tmp_path, **(arguments | change))
    np.testing.assert_array_equal(np.asarray(load_npy(tmp_path).data), X)


def test_other_rows_of_the_same_ids_take_the_place_of_those_there(tmp_path):
    write_npy(tmp_path, X, Y, IDS, rows_per_shard=10)
    other = X.copy()
    other[19] += 1
    (written,) = write_npy(tmp_path, other, Y, IDS, rows_per_shard=10)
    assert "00001-of-00003" in written
    np.testing.assert_array_equal(np.asarray(load_npy(tmp_path).data), other)


def test_features_of_others_are_not_touched(tmp_path):
    (tmp_path / "features-1.npy").write_bytes(b"precious")
    with pytest.raises(ValueError, match="Pass another folder"):
        write_npy(tmp_path, X)
    assert [path.name for path in tmp_path.iterdir()] == ["features-1.npy"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X[:0]}, "at least one of each"),
        ({"X": X[0]}, r"Received shape \(4,\)"),
        ({"y": Y[:-1]}, "Expected y to have the 23 rows"),
        ({"y": np.full((N_ROWS, 2), 2)}, "hold 0 and 1"),
        ({"ids": IDS[:-1]}, "one id for each of 23 rows"),
        ({"feature_names": ["a"]}, "4 strings.*Received 1"),
        ({"dtype": "float64"}, "'dtype' parameter"),
        ({"rows_per_shard": 0}, "'rows_per_shard' parameter"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write_npy(tmp_path / "new", **({"X": X, "y": Y, "ids": IDS} | change))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("value", "dtype"), [(np.nan, "float32"), (70_000, "float16")])
def test_a_value_that_is_not_finite_is_named(tmp_path, value, dtype):
    bad = X.copy()
    bad[13, 2] = value
    with pytest.raises(ValueError, match=f"finite as {dtype}. Row 13 holds"):
        write_npy(tmp_path, bad, dtype=dtype, rows_per_shard=10)
    assert (tmp_path / "features-00000-of-00003.npy").exists()
    assert not (tmp_path / "features-00001-of-00003.npy").exists()


def test_folders_that_hold_no_data_set(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"holds no dataset\.json"):
            load_npy(folder)
    for content in ["[]", "{", '{"version": 2}']:
        (tmp_path / "dataset.json").write_text(content)
        for use in (load_npy, lambda folder: write_npy(folder, X)):
            with pytest.raises(ValueError, match="damaged, or of another version"):
                use(tmp_path)


@pytest.mark.parametrize("name", ["ids.npy", "labels.npz", "features-00000-of-00001.npy"])
def test_damaged_files_are_named(tmp_path, name):
    write_npy(tmp_path, X, Y, IDS)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=name):
        load_npy(tmp_path)


def test_shapes_are_compared(tmp_path):
    write_npy(tmp_path, X, Y, IDS)
    description = json.loads((tmp_path / "dataset.json").read_text())
    description["shape"][0] = 22
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="Expected 22 rows"):
        load_npy(tmp_path)


def test_killed_writes_leave_whole_files_and_are_resumed():
    script = Path(__file__).with_name("kill_conversions.py")
    done = subprocess.run([sys.executable, script, "5"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "'killed before the last file': 5" in done.stdout
