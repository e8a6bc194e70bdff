import numpy as np
import pytest
from scipy import sparse

from skmlclf.training import EntryWeights, RowBatches


def problem(n_rows=23, n_features=3, n_labels=7):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    y = rng.random((n_rows, n_labels)) < 0.3
    y[5] = False
    y[6] = True
    return X, y.astype(np.uint8)


def reassembled(chunks, n_labels):
    """Features, dense targets and weights, batch by batch, as the compiled step slices them."""
    for chunk in chunks:
        positives = chunk.positives
        for i in range(len(chunk.starts) - 1):
            rows = slice(chunk.starts[i], chunk.starts[i + 1])
            of_batch = slice(positives.offsets[i], positives.offsets[i + 1])
            y = np.zeros((len(chunk.x[rows]), n_labels), dtype=np.uint8)
            y[positives.rows[of_batch] - rows.start, positives.cols[of_batch]] = 1
            yield chunk.x[rows], y, chunk.row_weight[rows]


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
@pytest.mark.parametrize("single", [False, True])
def test_batches_hold_every_row_once_in_order(batch_size, single):
    X, y = problem()
    batches = RowBatches(X, sparse.csr_matrix(y), None, batch_size)
    parts = list(reassembled(batches.epoch(single=single), y.shape[1]))
    assert len(parts) == batches.n_batches
    sizes = [len(p[0]) for p in parts]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), X)
    np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), y)


def test_shuffling_keeps_rows_together_and_is_reproducible():
    X, y = problem()
    weight = np.arange(1.0, 24.0)
    batches = RowBatches(X, sparse.csr_matrix(y), weight, 5)

    def epoch():
        return list(reassembled(batches.epoch(np.random.RandomState(1)), y.shape[1]))

    parts = epoch()
    order = np.concatenate([p[2] for p in parts]).astype(int) - 1
    assert sorted(order) == list(range(23))
    assert list(order) != list(range(23))
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), X[order])
    np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), y[order])
    np.testing.assert_array_equal(np.concatenate([p[2] for p in epoch()]) - 1, order)


def test_an_index_selects_rows_of_the_features_only():
    X, y = problem()
    index = np.array([20, 3, 6])
    batches = RowBatches(X, sparse.csr_matrix(y[index]), None, 2, index)
    parts = list(reassembled(batches.epoch(), y.shape[1]))
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), X[index])
    np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), y[index])


def test_other_dtypes_become_float32():
    X, y = problem()
    (chunk,) = RowBatches(X.astype(np.float64), sparse.csr_matrix(y), None, 23).epoch()
    assert chunk.x.dtype == np.float32


def test_many_labels_make_shorter_calls():
    n_rows, n_labels = 600, 2000
    y = sparse.csr_matrix(np.ones((n_rows, n_labels), dtype=np.uint8))
    chunks = list(RowBatches(np.zeros((n_rows, 3), np.float32), y, None, 10).epoch())
    assert sum(len(chunk.x) for chunk in chunks) == n_rows
    assert 1 < len(chunks) < n_rows / 10
    assert max(40 * len(chunk.positives.cols) for chunk in chunks) <= 2**24


def test_blocks_are_whole_but_for_the_last():
    X, y = problem()
    sizes = [len(chunk.x) for chunk in RowBatches(X, sparse.csr_matrix(y), None, 8).blocks()]
    assert sizes == [8, 8, 7]


def test_sparse_features_are_made_dense_by_chunks():
    X, y = problem()
    X[X < 0.5] = 0
    labels = sparse.csr_matrix(y)
    dense, stored = (
        list(RowBatches(each, labels, None, 4).epoch(np.random.RandomState(0)))
        for each in (X, sparse.csr_matrix(X))
    )
    for a, b in zip(dense, stored, strict=True):
        np.testing.assert_array_equal(a.x, b.x)


@pytest.mark.parametrize("default", [0.0, 1.0])
def test_weights_of_entries_travel_with_their_rows(default):
    X, y = problem()
    rng = np.random.default_rng(1)
    stored = sparse.random(23, 7, 0.3, format="csr", random_state=2)
    dense = stored.toarray()
    dense[(stored.toarray() == 0)] = default
    row_weight = rng.random(23)
    for weights in (EntryWeights(stored, default), EntryWeights(dense)):
        np.testing.assert_allclose(weights.by_row(), dense.mean(axis=1))
        np.testing.assert_allclose(weights.column_sums(row_weight), row_weight @ dense)
        labels = sparse.csr_matrix(y)
        np.testing.assert_allclose(weights.at(labels), dense[labels.nonzero()])
        np.testing.assert_array_equal(weights.unknown(slice(2, 9)), dense[2:9] == 0)
        batches = RowBatches(X, labels, row_weight, 5, entry_weight=weights)
        total = sum(chunk.weight for chunk in batches.epoch(np.random.RandomState(0)))
        np.testing.assert_allclose(total, row_weight @ dense.mean(axis=1))
