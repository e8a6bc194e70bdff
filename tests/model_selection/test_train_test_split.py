"""multilabel_train_test_split, beside scikit-learn's function."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.model_selection import train_test_split

from skmlclf.datasets import make_video_embeddings
from skmlclf.model_selection import MultilabelStratifiedShuffleSplit, multilabel_train_test_split

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def data():
    return make_video_embeddings(200, n_labels=30, n_video=6, n_audio=2, random_state=0)


class LazyRows:
    """Rows that are only there once they are asked for."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim
        self.asked = []

    def __len__(self):
        return len(self.array)

    def __getitem__(self, key):
        rows = key[0] if isinstance(key, tuple) else key
        self.asked.append(len(rows))
        return self.array[rows]


def test_all_kinds_of_arrays_are_split_alike(data):
    X, y = data
    number = np.arange(200)
    arrays = (
        X,
        y,
        number,
        number.tolist(),
        pd.DataFrame({"number": number}, index=number + 1000),
        pd.Series(number),
        sp.csc_matrix(X),
        y.toarray(),
        LazyRows(X),
    )
    parts = multilabel_train_test_split(*arrays, test_size=0.3, random_state=0)
    assert isinstance(parts, list)
    assert len(parts) == 2 * len(arrays)
    for side, size in ((0, 140), (1, 60)):
        got = parts[side::2]
        rows = got[2]
        assert len(rows) == size
        np.testing.assert_array_equal(got[0], X[rows])
        np.testing.assert_array_equal(got[1].toarray(), y[rows].toarray())
        assert got[1].format == "csr"
        assert got[1].dtype == y.dtype
        assert got[3] == rows.tolist()
        assert got[4].index.tolist() == (rows + 1000).tolist()
        assert got[5].tolist() == rows.tolist()
        np.testing.assert_array_equal(got[6].toarray(), X[rows])
        np.testing.assert_array_equal(got[7], y[rows].toarray())
        np.testing.assert_array_equal(got[8], X[rows])
    assert arrays[-1].asked == [140, 60]
    assert sorted([*parts[4], *parts[5]]) == number.tolist()


def test_the_split_is_that_of_the_splitter(data):
    X, y = data
    cv = MultilabelStratifiedShuffleSplit(1, test_size=0.25, random_state=3)
    train, test = next(cv.split(X, y))
    _, _, first, second = multilabel_train_test_split(X, np.arange(200), random_state=3, stratify=y)
    np.testing.assert_array_equal(first, train)
    np.testing.assert_array_equal(second, test)


def test_labels_may_be_the_second_array_or_stratify(data):
    X, y = data
    expected = multilabel_train_test_split(X, y, random_state=0)
    for labels in (y, y.toarray(), pd.DataFrame(y.toarray()), y.tocoo(), y.toarray().tolist()):
        parts = multilabel_train_test_split(X, random_state=0, stratify=labels)
        np.testing.assert_array_equal(parts[0], expected[0])
        np.testing.assert_array_equal(parts[1], expected[1])


def test_the_sizes_are_those_of_scikit_learn(data):
    X, y = data
    for sizes in ({}, {"test_size": 0.33}, {"train_size": 31}, {"test_size": 7, "train_size": 0.5}):
        ours = multilabel_train_test_split(X, y, **sizes)
        theirs = train_test_split(X, y, **sizes)
        assert [a.shape for a in ours] == [a.shape for a in theirs]


@pytest.mark.parametrize(
    "params",
    [
        {"test_size": 1.5},
        {"test_size": 0},
        {"train_size": -3},
        {"test_size": 200},
        {"test_size": 0.7, "train_size": 0.7},
        {"test_size": "a"},
        {"random_state": "a"},
    ],
)
def test_errors_are_those_of_scikit_learn(data, params):
    with pytest.raises(ValueError) as theirs:  # noqa: PT011
        train_test_split(*data, **params)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        multilabel_train_test_split(*data, **params)
    assert str(ours.value) == str(theirs.value).replace(
        "train_test_split", "multilabel_train_test_split"
    )


def test_what_cannot_be_split(data):
    X, y = data
    with pytest.raises(ValueError, match="At least one array required as input"):
        multilabel_train_test_split()
    with pytest.raises(ValueError, match="stratify=y"):
        multilabel_train_test_split(X)
    with pytest.raises(ValueError, match=r"second array.*n_labels"):
        multilabel_train_test_split(X, np.arange(200))
    with pytest.raises(ValueError, match=r"stratify must be a 0/1 indicator matrix.*only 0 and 1"):
        multilabel_train_test_split(X, stratify=X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        multilabel_train_test_split(X, y[:100])
