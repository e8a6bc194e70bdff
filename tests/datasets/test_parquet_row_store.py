import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skmlclf.datasets import ParquetRowStore

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N_ROWS = 200
RNG = np.random.default_rng(0)
RGB = RNG.standard_normal((N_ROWS, 5), dtype=np.float32)
AUDIO = RNG.standard_normal((N_ROWS, 2), dtype=np.float32)
X = np.hstack([RGB, AUDIO])


def fixed(array):
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])


def ragged(array):
    return pa.array(list(array), type=pa.list_(pa.float32()))


def write(path, columns, group=30):
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


@pytest.fixture(params=["fixed", "lists", "columns", "mixed"])
def store(request, tmp_path):
    for i, rows in enumerate([slice(0, 70), slice(70, 70), slice(70, 75), slice(75, None)]):
        columns = {"id": pa.array([f"v{j}" for j in range(N_ROWS)][rows])}
        if request.param == "columns":
            columns |= {f"rgb_{j}": RGB[rows, j] for j in range(5)}
            columns |= {f"audio_{j}": AUDIO[rows, j] for j in range(2)}
        else:
            rgb, audio = {
                "fixed": (fixed, fixed),
                "lists": (ragged, ragged),
                "mixed": (ragged, fixed),
            }[request.param]
            columns |= {"rgb": rgb(RGB[rows]), "audio": audio(AUDIO[rows])}
        write(tmp_path / f"{i}.parquet", columns)
    names = [name for name in columns if name != "id"]
    return ParquetRowStore(tmp_path / "*.parquet", names)


def test_holds_what_was_written(store):
    assert store.shape == X.shape
    assert store.dtype == np.float32
    assert store.feature_names == [f"rgb_{i}" for i in range(5)] + ["audio_0", "audio_1"]
    np.testing.assert_array_equal(np.asarray(store), X)
    for rows in [slice(60, 90), slice(None, None, -3), [199, 0, 0, 72], RNG.permutation(N_ROWS)]:
        np.testing.assert_array_equal(np.asarray(store[rows]), X[rows])
        np.testing.assert_array_equal(np.asarray(store[rows][:, 4:6]), X[rows][:, 4:6])
    np.testing.assert_array_equal(np.concatenate(list(store.blocks(17))), X)


def test_pickles_and_threads(store):
    pickled = pickle.dumps(store[::2])
    assert len(pickled) < 4000
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickled)), X[::2])
    keys = [RNG.integers(N_ROWS, size=9) for _ in range(50)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda key: np.asarray(store[key]), keys))
    for key, rows in zip(keys, found, strict=True):
        np.testing.assert_array_equal(rows, X[key])


def test_columns_are_taken_in_the_order_named(tmp_path):
    path = write(tmp_path / "a", {"rgb": fixed(RGB), "audio": ragged(AUDIO)})
    np.testing.assert_array_equal(np.asarray(ParquetRowStore(path)), X)
    np.testing.assert_array_equal(np.asarray(ParquetRowStore(path, "audio")), AUDIO)
    swapped = ParquetRowStore(path, ["audio", "rgb"])
    np.testing.assert_array_equal(np.asarray(swapped), np.hstack([AUDIO, RGB]))


@pytest.mark.parametrize(
    ("types", "expected"), [("ee", "e"), ("ef", "f"), ("fd", "d"), ("dd", "d")]
)
def test_the_smallest_type_that_holds_all(tmp_path, types, expected):
    columns = {f"c{i}": RGB[:, i].astype(kind) for i, kind in enumerate(types)}
    store = ParquetRowStore(write(tmp_path / "a", columns))
    assert store.dtype == np.dtype(expected)
    np.testing.assert_array_equal(np.asarray(store), np.stack(list(columns.values()), axis=1))


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        ({"a": ["x"], "b": [1.0]}, None, "string in column 'a'.*Pass the columns"),
        ({"a": [1]}, None, "int64 in column 'a'"),
        ({"a": [[1]]}, None, "list<.*> in column 'a'"),
        ({"a": [1.0]}, ["b"], r"a column 'b', once.* columns \['a'\]"),
        ({"a": [1.0]}, [], "at least one column"),
    ],
)
def test_other_columns_are_refused(tmp_path, columns, names, message):
    path = write(tmp_path / "a", columns)
    with pytest.raises(ValueError, match=message):
        ParquetRowStore(path, names)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0, None], "Received none in row 2 of .*a'"),
        ([[1.0, 2.0], [1.0, 2.0], None], "Received none in row 2 of .*a'"),
        ([[1.0, 2.0], [1.0, None], [1.0, 2.0]], "none in the list of row 1 of .*a'"),
        ([[1.0, 2.0], [1.0, 2.0], [1.0]], "2 elements .* Received 1 in row 2 of .*a'"),
    ],
)
def test_missing_values_are_named(tmp_path, values, message):
    store = ParquetRowStore(write(tmp_path / "a", {"x": values}, group=2))
    with pytest.raises(ValueError, match=message):
        np.asarray(store)


def test_files_must_be_alike_whole_and_unchanged(tmp_path):
    path = write(tmp_path / "a", {"x": RGB[:, 0]})
    write(tmp_path / "b", {"x": RGB[:, 0].astype(np.float64)})
    with pytest.raises(ValueError, match=r"x \(float32\) in every file.*x \(float64\) in .*b'"):
        ParquetRowStore(tmp_path / "*")
    content = path.read_bytes()
    for damaged in [b"", content[:-9], content[:100], b"x" * 500]:
        (tmp_path / "b").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"Expected a Parquet file. Received '.*b'"):
            ParquetRowStore(tmp_path / "b")
    store = ParquetRowStore(path)
    write(path, {"x": RGB[1:, 0]})
    with pytest.raises(ValueError, match="to be as it was when it was opened"):
        np.asarray(store)


def test_without_pyarrow_it_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a", {"x": RGB[:, 0]})
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        ParquetRowStore(path)
