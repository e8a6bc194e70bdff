"""Rows on disk reach the training step in the order of the pass, read a window at a time."""

import threading
from itertools import pairwise

import numpy as np
import pytest

from skmlclf.datasets import RowStore
from skmlclf.training import _features
from skmlclf.training._features import ArrayFeatures, StoredFeatures, read_ahead

N_ROWS = 1000


class Numbered(RowStore):
    """Each row holds its own number; what is read is written down."""

    shape = (N_ROWS, 2)

    def __init__(self, dtype=np.float32):
        self.dtype = np.dtype(dtype)
        self.reads = []

    block_rows = 10

    def read(self, start, stop):
        self.reads.append((start, stop, threading.current_thread()))
        return np.repeat(np.arange(start, stop, dtype=self.dtype)[:, None], 2, axis=1)


@pytest.fixture
def small_windows(monkeypatch):
    """Two windows of a hundred rows of float32."""
    monkeypatch.setattr(_features, "WINDOW_BYTES", 2 * 100 * 8)


def passed(features, order, cuts):
    parts = list(features.read(order, cuts))
    assert [len(part) for part in parts] == list(np.diff(cuts))
    assert all(part.dtype == np.float32 for part in parts)
    return np.concatenate(parts)[:, 0].astype(int)


@pytest.mark.parametrize("cuts", [[0, 1000], [0, 7, 130, 131, 455, 1000], list(range(0, 1001, 50))])
@pytest.mark.parametrize("index", [None, np.array([999, 3, *range(200, 900), 3])])
def test_a_shuffled_pass_has_every_row_once(small_windows, cuts, index):
    features = StoredFeatures(Numbered(), index)
    cuts = [min(cut, features.n_rows) for cut in cuts if cut <= features.n_rows] + (
        [features.n_rows] if cuts[-1] > features.n_rows else []
    )
    order = features.shuffled(np.random.RandomState(0))
    assert sorted(order.rows) == list(range(features.n_rows))
    rows = passed(features, order, cuts)
    expected = order.rows if index is None else index[order.rows]
    np.testing.assert_array_equal(rows, expected)
    # A pass that is resumed starts in the middle of the order.
    np.testing.assert_array_equal(
        passed(features, order, [cuts[-2], cuts[-1]]), expected[cuts[-2] :]
    )


def test_blocks_stay_together_until_they_are_read(small_windows):
    X = Numbered()
    order = StoredFeatures(X, None).shuffled(np.random.RandomState(0))
    for start, stop in pairwise(order.windows):
        blocks = np.unique(order.rows[start:stop] // 10)
        assert len(blocks) == 10  # out of a hundred
        assert (np.diff(blocks) > 1).any()
        assert (np.diff(order.rows[start:stop]) != 1).any()


def test_a_window_is_read_once_and_by_a_thread(small_windows):
    X = Numbered()
    features = StoredFeatures(X, None)
    passed(features, features.shuffled(np.random.RandomState(0)), [0, 333, 1000])
    assert sum(stop - start for start, stop, _ in X.reads) == N_ROWS
    assert threading.main_thread() not in {thread for *_, thread in X.reads}


def test_rows_in_any_order_are_read_in_that_of_the_files(small_windows):
    X = Numbered()
    shuffled = np.random.RandomState(1).permutation(N_ROWS)
    features = StoredFeatures(X[shuffled], None)
    passed(features, features.shuffled(np.random.RandomState(0)), [0, 1000])
    # Ten blocks of ten rows in each of ten windows, of which some are neighbours.
    assert len(X.reads) <= 100


def test_what_fits_is_shuffled_as_an_array_and_read_once():
    X = Numbered()
    stored, array = StoredFeatures(X, None), ArrayFeatures(np.asarray(X), None)
    X.reads.clear()
    for seed in range(2):
        orders = [each.shuffled(np.random.RandomState(seed)) for each in (stored, array)]
        np.testing.assert_array_equal(orders[0].rows, orders[1].rows)
        cuts = [0, 400, 1000]
        rows = [passed(*each, cuts) for each in zip((stored, array), orders, strict=True)]
        np.testing.assert_array_equal(*rows)
    assert sum(stop - start for start, stop, _ in X.reads) == N_ROWS


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_types_become_float32(small_windows, dtype):
    features = StoredFeatures(Numbered(dtype), None)
    order = features.shuffled(np.random.RandomState(0))
    np.testing.assert_array_equal(passed(features, order, [0, 500, 1000]), order.rows)
    np.testing.assert_array_equal(passed(features, None, [0, 500, 1000]), np.arange(N_ROWS))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_a_value_that_cannot_be_used_is_named(value):
    class Broken(Numbered):
        def read(self, start, stop):
            rows = super().read(start, stop)
            rows[np.arange(start, stop) == 617, 1] = value
            return rows

    features = StoredFeatures(Broken(np.float64), np.arange(600, 700))
    with pytest.raises(ValueError, match=r"row 17, column 1 of <rows of Broken"):
        list(features.read(None, [0, 50, 100]))
    assert len(list(features.read(None, [50, 100]))) == 1


def test_tasks_end_in_their_order_one_ahead():
    started = []

    def task(i):
        started.append(i)
        return i

    results = read_ahead((lambda i=i: task(i)) for i in range(4))
    assert next(results) == 0
    results.close()
    assert 2 not in started
    assert list(read_ahead([])) == []


def test_errors_of_tasks_are_raised_where_the_result_is_due():
    def broken():
        raise OSError("no such disk")

    results = read_ahead([lambda: 1, broken])
    assert next(results) == 1
    with pytest.raises(OSError, match="no such disk"):
        next(results)
