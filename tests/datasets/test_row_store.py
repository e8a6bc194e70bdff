import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_validate,
    train_test_split,
)
from sklearn.utils import resample

from skmlclf.datasets import NpyRowStore, RowStore, concatenate_rows

N_ROWS, N_COLUMNS = 23, 4
ARRAY = np.arange(N_ROWS * N_COLUMNS, dtype=np.float32).reshape(N_ROWS, N_COLUMNS)


class Own(RowStore):
    """What a user would write."""

    shape = ARRAY.shape

    def read(self, start, stop):
        assert 0 <= start <= stop <= N_ROWS
        return ARRAY[start:stop]


@pytest.fixture(params=["own", "npy", "shards", "fortran", "concatenated"])
def store(request, tmp_path):
    if request.param == "own":
        return Own()
    if request.param == "concatenated":
        np.save(tmp_path / "a.npy", ARRAY[9:])
        npy = NpyRowStore(tmp_path / "a.npy")
        return concatenate_rows([npy[:0], Own()[:9], npy[:0], npy[:3], npy[3:]])
    if request.param == "fortran":
        np.save(tmp_path / "a.npy", np.asfortranarray(ARRAY))
    elif request.param == "npy":
        np.save(tmp_path / "a.npy", ARRAY)
    else:
        for i, part in enumerate(np.split(ARRAY, [5, 5, 6, 20])):  # one of them has no rows
            np.save(tmp_path / f"{i}.npy", part)
    return NpyRowStore(tmp_path / "*.npy")


KEYS = [
    slice(None),
    slice(3, 9),
    slice(9, 3),
    slice(-4, None),
    slice(2, 20, 3),
    slice(None, None, -1),
    slice(17, 2, -5),
    slice(-100, 100),
    slice(-100, -100, -1),
    [],
    [4],
    [3, 4, 5],
    [5, 4, 3],
    [0, 22, 4, 5, 6, 4, -1, -23, 4],
    np.array([7, 8], dtype=np.uint8),
    range(2, 9),
    ARRAY[:, 0] % 3 == 0,
    np.zeros(N_ROWS, dtype=bool),
    [True] * N_ROWS,
    ...,
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_is_that_of_an_array(store, key):
    view = store[key]
    assert isinstance(view, RowStore)
    expected = ARRAY[key]
    assert view.shape == expected.shape
    assert len(view) == len(expected)
    assert (view.ndim, view.dtype, view.nbytes) == (2, expected.dtype, expected.nbytes)
    np.testing.assert_array_equal(np.asarray(view), expected)
    if key is not ...:
        np.testing.assert_array_equal(np.asarray(store[key, ...]), expected)


def test_views_of_views(store):
    for one in KEYS:
        part = ARRAY[one]
        for two in [slice(1, 5), slice(None, None, -2), [0, -1, 0], slice(3, 3)]:
            if not len(part) and isinstance(two, list):
                continue
            view = store[one][two]
            np.testing.assert_array_equal(np.asarray(view), part[two])
            np.testing.assert_array_equal(np.asarray(view[::-1]), part[two][::-1])


@pytest.mark.parametrize(
    "columns", [slice(1, 3), slice(None, None, -1), [3, 0], [True, False, True, False]], ids=repr
)
def test_columns(store, columns):
    np.testing.assert_array_equal(np.asarray(store[:, columns]), ARRAY[:, columns])
    np.testing.assert_array_equal(np.asarray(store[..., columns]), ARRAY[..., columns])
    np.testing.assert_array_equal(np.asarray(store[[5, 2], columns]), ARRAY[[5, 2]][:, columns])
    view = store[3:][:, columns][:, [1]][::2]
    np.testing.assert_array_equal(np.asarray(view), ARRAY[3:][:, columns][:, [1]][::2])


def test_one_row_is_an_array(store):
    for i in [0, 7, -1, np.int64(22)]:
        np.testing.assert_array_equal(store[i], ARRAY[i])
    np.testing.assert_array_equal(store[4, 1:3], ARRAY[4, 1:3])
    np.testing.assert_array_equal(np.stack(list(store[20:])), ARRAY[20:])


@pytest.mark.parametrize("n_rows", [1, 4, 23, 100, None])
def test_blocks_are_all_rows_in_order(store, n_rows):
    for view, expected in [(store, ARRAY), (store[::-1], ARRAY[::-1])]:
        blocks = list(view.blocks(n_rows))
        np.testing.assert_array_equal(np.concatenate(blocks), expected)
        assert {len(block) for block in blocks[:-1]} <= {n_rows}
    assert list(store[:0].blocks(n_rows)) == []


def test_what_is_read_may_be_changed(store):
    for rows in [store[0], np.asarray(store), next(store.blocks()), store[[1, 1]].read(0, 2)]:
        rows[:] = -1
    np.testing.assert_array_equal(np.asarray(store), ARRAY)


def test_a_store_is_read_only(store):
    with pytest.raises(TypeError, match="item assignment"):
        store[0] = 1


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (23, "rows from 0 to 22.*Received 23"),
        ([0, -24], "Received -24"),
        ([True, False], "mask of 23 rows. Received one of 2"),
        ([0.5], "float64"),
        ("a", "rows as a slice"),
        ([[1]], "2 dimensions"),
        ((0, 1, 2), r"X\[rows, columns\]"),
        (None, "rows, or rows and columns"),
        ((slice(None), [4]), "columns from 0 to 3"),
    ],
)
def test_bad_indices_are_refused(store, key, message):
    with pytest.raises(IndexError, match=message):
        store[key]


def test_too_much_for_an_array_is_refused(store):
    store.max_array_bytes = 100
    with pytest.raises(ValueError, match=r"at most 100 bytes.*takes 368\. .*X.blocks\(\)"):
        np.asarray(store)
    with pytest.raises(ValueError, match="takes 128"):
        np.asarray(store[:8])
    np.testing.assert_array_equal(np.asarray(store[:6]), ARRAY[:6])
    with pytest.raises(ValueError, match="takes 192"):
        np.asarray(store[:6], dtype=np.float64)
    store.max_array_bytes = 2000
    assert np.asarray(store, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy=False"):
        np.asarray(store, copy=False)


def test_pickles_hold_no_data(tmp_path):
    n_rows = 100_000
    np.save(tmp_path / "a.npy", np.arange(n_rows, dtype=np.float32)[:, None])
    X = NpyRowStore(tmp_path / "a.npy")
    order = np.random.default_rng(0).permutation(n_rows)
    for rows in [slice(None), slice(5, 70_000), np.sort(order[:66_000]), order[:66_000], order[:9]]:
        view = X[rows]
        pickled = pickle.dumps(view)
        is_shuffled = isinstance(rows, np.ndarray) and (np.diff(rows) < 0).any()
        assert len(pickled) < (5 * 66_000 if is_shuffled else 14_000)
        again = pickle.loads(pickled)
        assert again.shape == view.shape
        np.testing.assert_array_equal(np.asarray(again), np.asarray(view))
        np.testing.assert_array_equal(np.asarray(again[::-1]), np.asarray(view)[::-1])


def test_rows_that_are_listed_several_times_are_there_several_times(tmp_path):
    np.save(tmp_path / "a.npy", ARRAY)
    once = NpyRowStore(tmp_path / "a.npy")
    X = concatenate_rows([once] * 10)
    assert X.shape == (10 * N_ROWS, N_COLUMNS)
    np.testing.assert_array_equal(np.asarray(X), np.concatenate([ARRAY] * 10))
    assert len(pickle.dumps(X)) < len(pickle.dumps(once)) + 600
    np.save(tmp_path / "half.npy", ARRAY.astype(np.float16))
    half = NpyRowStore(tmp_path / "half.npy")
    assert concatenate_rows([half, half]).dtype == np.float16
    assert concatenate_rows([half, once]).dtype == np.float32


@pytest.mark.parametrize(
    ("stores", "error", "message"),
    [
        ([], ValueError, "at least one"),
        ([Own(), ARRAY], TypeError, "Received ndarray at index 1"),
        ([Own(), Own()[:, 1:]], ValueError, "Expected 4 columns.*Received 3 at index 1"),
    ],
)
def test_what_does_not_go_together_is_refused(stores, error, message):
    with pytest.raises(error, match=message):
        concatenate_rows(stores)


class Recorded(RowStore):
    """Notes how many rows are read at a time."""

    shape = (100, 8)

    def __init__(self):
        self.n_read = []

    def read(self, start, stop):
        self.n_read.append(stop - start)
        return np.zeros((stop - start, 8), np.float32)


def test_blocks_of_few_columns_do_not_read_more_rows(monkeypatch):
    monkeypatch.setattr("skmlclf._row_store._BLOCK_BYTES", 8 * 8 * 4)
    store = Recorded()
    for part in [store[:, [1]], concatenate_rows([store[:, :1], store[:, 1:2]])]:
        assert np.asarray(part).shape[1] == 1
        part.read(0, 100)
        np.asarray(part[::-1])
        part.take(np.arange(100))
    assert max(store.n_read) == 8


def test_threads_read_at_once_and_leave_no_file_open(store):
    rng = np.random.default_rng(0)
    keys = [rng.integers(N_ROWS, size=10) for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda key: np.asarray(store[key]), keys))
    for key, rows in zip(keys, read, strict=True):
        np.testing.assert_array_equal(rows, ARRAY[key])
    with open("/proc/self/maps") as maps:
        assert ".npy" not in maps.read()


class Means(ClassifierMixin, BaseEstimator):
    """Takes what it is given as it is, and reads it in blocks."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        assert isinstance(X, RowStore | np.ndarray)
        self.classes_ = np.unique(y)
        blocks = X.blocks(3) if isinstance(X, RowStore) else [X]
        self.mean_ = sum(block.sum() for block in blocks) / len(X) / N_COLUMNS
        return self

    def predict(self, X):
        return (np.asarray(X).mean(axis=1) > self.mean_ + self.shift).astype(int)


def test_scikit_learn_splits_and_searches_take_stores(store):
    y = np.arange(N_ROWS) % 2
    X_train, X_test, *_ = train_test_split(store, y, random_state=0, stratify=y)
    expected = train_test_split(ARRAY, y, random_state=0, stratify=y)
    assert isinstance(X_train, RowStore)
    np.testing.assert_array_equal(np.asarray(X_train), expected[0])
    np.testing.assert_array_equal(np.asarray(X_test), expected[1])
    for cv in [KFold(3), KFold(3, shuffle=True, random_state=0)]:
        ours, theirs = (
            cross_validate(Means(), X, y, cv=cv, error_score="raise")["test_score"]
            for X in (store, ARRAY)
        )
        np.testing.assert_array_equal(ours, theirs)
    search = GridSearchCV(Means(), {"shift": [0.0, 5.0]}, cv=GroupKFold(3), error_score="raise")
    ours, theirs = (
        search.fit(X, y, groups=np.arange(N_ROWS) % 5).cv_results_["mean_test_score"]
        for X in (store, ARRAY)
    )
    np.testing.assert_array_equal(ours, theirs)
    ours = resample(store, random_state=0)
    np.testing.assert_array_equal(np.asarray(ours), resample(ARRAY, random_state=0))


def test_a_reader_that_breaks_its_promise_is_named():
    class Short(Own):
        def read(self, start, stop):
            return super().read(start, stop)[:-1]

    with pytest.raises(ValueError, match=r"Short.read\(0, 5\) .*\(5, 4\). Received \(4, 4\)"):
        np.asarray(Short()[:5])
    with pytest.raises(TypeError, match="abstract"):
        RowStore()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_floats_of_any_size(tmp_path, dtype):
    np.save(tmp_path / "a.npy", ARRAY.astype(dtype))
    store = NpyRowStore(str(tmp_path / "a.npy"))
    assert store.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.asarray(store).dtype == store.dtype
    np.testing.assert_array_equal(np.asarray(store[::2]), ARRAY[::2])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.zeros(3, np.float32), r"b.npy' of shape \(3,\)"),
        (np.zeros((3, 4), np.int32), "dtype int32"),
        (np.zeros((3, 5), np.float32), "5 of float32 in .*b.npy'"),
        (np.zeros((3, 4)), "4 of float64 in .*b.npy'"),
        (np.array([None]), "b.npy': .*Write it again with np.save"),
        (b"\x93NUMPY\x01", "b.npy': .*Write it again with np.save"),
        (b"", "b.npy': .*Write it again with np.save"),
        ("cut", "b.npy': .*Write it again with np.save"),
    ],
    ids=["1-d", "int", "columns", "float64", "objects", "header", "empty", "cut"],
)
def test_other_npy_files_are_refused(tmp_path, other, message):
    np.save(tmp_path / "a.npy", ARRAY)
    if isinstance(other, np.ndarray):
        np.save(tmp_path / "b.npy", other, allow_pickle=True)
    elif isinstance(other, bytes):
        (tmp_path / "b.npy").write_bytes(other)
    else:
        (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-5])
    with pytest.raises(ValueError, match=message):
        NpyRowStore(tmp_path / "*.npy")


def test_a_file_that_changes_is_noticed(tmp_path):
    np.save(tmp_path / "a.npy", ARRAY)
    store = NpyRowStore(tmp_path / "*.npy")
    np.save(tmp_path / "a.npy", ARRAY[:-2])
    with pytest.raises(ValueError, match=r"a.npy' to be as it was.*Open it again"):
        np.asarray(store[:3])
    os.remove(tmp_path / "a.npy")
    with pytest.raises(FileNotFoundError, match=r"a.npy' to be there still"):
        np.asarray(store[[1, 4]])


def test_places_rise_in_the_order_of_reading():
    X = concatenate_rows([Own(), Own()[::-1], Own()])
    n_rows = N_ROWS
    positions = X.positions()
    assert len(np.unique(positions)) == len(X) == 3 * n_rows
    np.testing.assert_array_equal(np.argsort(positions[:n_rows]), np.arange(n_rows))
    np.testing.assert_array_equal(
        np.argsort(positions[n_rows : 2 * n_rows]), np.arange(n_rows)[::-1]
    )
    assert positions[:n_rows].max() < positions[n_rows : 2 * n_rows].min()
    np.testing.assert_array_equal(X[[5, 2]].positions(), positions[[5, 2]])
    assert X.block_rows == Own().block_rows
