import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skmlclf.classifiers._targets import (
    BinaryTargets,
    MulticlassTargets,
    MultilabelTargets,
    is_multilabel,
    read_targets,
)

Y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float32", "float64"])
def test_dense_indicators_of_any_dtype(dtype):
    targets = read_targets(Y.astype(dtype))
    positives = targets.encode(Y.astype(dtype))
    assert isinstance(targets, MultilabelTargets)
    assert targets.n_outputs == 3
    np.testing.assert_array_equal(positives.toarray(), Y)
    decoded = targets.decode(positives)
    # Narrow integers would wrap around in what is computed of predictions.
    assert decoded.dtype == ("int64" if "int" in dtype else dtype)
    np.testing.assert_array_equal(decoded, Y)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
def test_any_sparse_format(format, kind):
    y = kind(Y).asformat(format)
    targets = read_targets(y)
    decoded = targets.decode(targets.encode(y))
    assert decoded.format == "csr"
    assert isinstance(decoded, sparse.sparray) == (kind is sparse.csr_array)
    np.testing.assert_array_equal(decoded.toarray(), Y)


def test_lists_and_frames():
    for y in (Y.tolist(), pd.DataFrame(Y)):
        np.testing.assert_array_equal(read_targets(y).encode(y).toarray(), Y)


def test_untidy_sparse_is_read_and_left_alone():
    rows, cols, data = [0, 0, 0, 2, 1], [2, 0, 2, 1, 1], [1, 1, 1, 1, 0]
    y = sparse.coo_matrix((data, (rows, cols)), shape=(3, 3))
    before = [a.copy() for a in (y.row, y.col, y.data)]
    positives = read_targets(y).encode(y)
    assert positives.has_canonical_format
    np.testing.assert_array_equal(positives.toarray(), [[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    for now, then in zip((y.row, y.col, y.data), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_one_label_in_every_row_stays_multilabel():
    y = np.eye(4, dtype=int)
    assert is_multilabel(y)
    assert isinstance(read_targets(y), MultilabelTargets)


def test_a_single_column_is_classes_dense_or_sparse():
    with pytest.warns(DataConversionWarning):
        dense = read_targets(np.array([[1], [0]]))
    stored = read_targets(sparse.csr_matrix([[1], [0]]))
    for targets in (dense, stored):
        assert isinstance(targets, BinaryTargets)
        np.testing.assert_array_equal(targets.classes, [0, 1])
    column = sparse.csr_array(np.array([[1], [0], [1]]))
    np.testing.assert_array_equal(stored.encode(column).toarray(), column.toarray())


def test_classes():
    targets = read_targets(np.array(["b", "a", "b"]))
    assert isinstance(targets, BinaryTargets)
    assert targets.n_outputs == 1
    np.testing.assert_array_equal(targets.encode(["b", "a"]).toarray(), [[1], [0]])
    targets = read_targets([3, 1, 2])
    assert isinstance(targets, MulticlassTargets)
    np.testing.assert_array_equal(targets.encode([2, 3]).toarray(), [[0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([[0, 2], [1, 0]]), "only 0 and 1, got .2."),
        (np.array([[0, np.nan], [1, 0]]), "only 0 and 1"),
        (np.array([[0, -1], [1, 0]]), "only 0 and 1"),
        (sparse.csr_matrix([[0, 2], [1, 0]]), "only 0 and 1, got .2."),
        (sparse.csr_matrix([[0, 0.5], [1, 0]]), "only 0 and 1"),
        (np.array([["a", "b"], ["c", "d"]]), "dtype"),
        (np.zeros((2, 2, 2)), "dim 3"),
        (np.array([0.5, 1.2]), "Unknown label type"),
        (np.array([0.0, np.nan]), "NaN"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        read_targets(y).encode(y)


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        (Y, Y[:, :2], "must have 3 columns"),
        (Y, [0, 1], "2-d indicator"),
        ([0, 1], Y, "1-d classes"),
        ([0, 1], [0, 2], "not among the classes"),
        (["a", "b", "c"], ["d"], "not among the classes"),
    ],
)
def test_targets_that_contradict_the_first_ones(first, later, message):
    with pytest.raises(ValueError, match=message):
        read_targets(first).encode(later)
