"""One reader for every form in which 0/1 label matrices come."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skmlclf._indicator import label_names_of, read_indicator

Y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
COLUMNS = ["cat", "dog", "cow"]


def assert_read(y, expected=Y):
    positives = read_indicator(y)
    assert type(positives) is sp.csr_matrix
    assert positives.dtype == np.uint8
    assert positives.has_canonical_format
    assert (positives.data == 1).all()
    np.testing.assert_array_equal(positives.toarray(), expected)


@pytest.fixture(params=["whole", "blocks"], autouse=True)
def block_size(request, monkeypatch):
    if request.param == "blocks":
        monkeypatch.setattr("skmlclf._indicator.READ_BLOCK_BYTES", 1)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", ">i4", "i8", "u8", "f2", ">f2", "f8", "g", "O"])
def test_dense(dtype):
    y = Y.astype(dtype)
    assert_read(y)
    assert_read(np.asfortranarray(y))
    assert_read(y[:, :1], Y[:, :1])
    np.testing.assert_array_equal(y, Y.astype(dtype))


def test_lists():
    assert_read(Y.tolist())
    assert_read((Y == 1).tolist())
    assert_read(np.where(Y, True, 0.0).tolist())


FRAMES = {
    "int": lambda f: f,
    "bool": lambda f: f.astype(bool),
    "mixed": lambda f: f.astype({"cat": bool, "dog": "float32", "cow": object}),
    "nullable": lambda f: f.astype("Int64"),
    "nullable boolean": lambda f: f.astype("boolean"),
    "nullable float and int": lambda f: f.astype({"cat": "Float32", "dog": "Int8", "cow": "int8"}),
    "object": lambda f: f.astype(bool).astype(object),
    "categories": lambda f: f.astype("category"),
    "sparse": lambda f: f.astype(pd.SparseDtype("int64", 0)),
    "sparse, ones left out": lambda f: f.astype(pd.SparseDtype("int64", 1)),
    "arrow": lambda f: f.astype("int64[pyarrow]"),
    "arrow boolean": lambda f: f.astype("bool[pyarrow]"),
}


@pytest.mark.parametrize("form", FRAMES)
def test_frames(form):
    if "arrow" in form:
        pytest.importorskip("pyarrow")
    frame = FRAMES[form](pd.DataFrame(Y, columns=COLUMNS))
    before = frame.copy()
    assert_read(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4"])
def test_sparse(format, kind, dtype):
    assert_read(kind(Y.astype(dtype)).asformat(format))
    assert_read(kind(Y[:, :1].astype(dtype)).asformat(format), Y[:, :1])


def test_untidy_sparse_is_left_alone():
    rows, columns, data = [0, 0, 0, 2, 1], [2, 0, 2, 1, 1], [1, 1, 1, 1, 0]
    y = sp.coo_matrix((data, (rows, columns)), shape=(3, 3))
    before = [a.copy() for a in (y.row, y.col, y.data)]
    assert_read(y, [[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    for now, then in zip((y.row, y.col, y.data), before, strict=True):
        np.testing.assert_array_equal(now, then)
    csr = sp.csr_array((np.ones(3), [2, 0, 2], [0, 3]), shape=(1, 3))
    assert_read(csr, [[1, 0, 1]])
    np.testing.assert_array_equal(csr.indices, [2, 0, 2])


BAD = {
    "2": ([[0, 2], [1, 0]], "only 0 and 1, got .2."),
    "half": (np.array([[0, 0.5]]), r"got \[0.5\]"),
    "sparse 2": (sp.csr_matrix([[0, 2]]), "only 0 and 1, got .2."),
    "nan": ([[0, np.nan]], "NaN stands for a label that is not known: fill in 0"),
    "sparse nan": (sp.csr_matrix([[0, np.nan]]), "NaN stands for"),
    "None": (np.array([[0, None]], dtype=object), "NaN stands for"),
    "NA": (pd.DataFrame({"a": [1, None]}, dtype="Int64"), "NaN stands for"),
    "mixed NA": (
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": np.array(["x", 1], object)}),
        "only 0 and 1",
    ),
    "text": (np.array([["a", "b"]]), "got dtype <U1.*MultiLabelBinarizer"),
    "digits as text": (np.array([["0", "1"]], dtype=object), "MultiLabelBinarizer"),
    "a late text": (np.array([[0, "dog"]], dtype=object), r"\['dog'\].*MultiLabelBinarizer"),
    "ragged lists": ([["cat", "dog"], ["cat"]], "different lengths.*MultiLabelBinarizer"),
    "lists": ([["cat", "dog"], ["cat", "cow"]], "MultiLabelBinarizer"),
    "sets": ([{"cat"}, {"dog"}], "MultiLabelBinarizer"),
    "array of lists": (np.array([["cat"], ["cat", "cow"]], dtype=object), "MultiLabelBinarizer"),
    "text columns": (pd.DataFrame({"a": ["0", "1"]}), "MultiLabelBinarizer"),
    "1-d": ([0, 1], "LabelBinarizer"),
    "3-d": (np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
    "no rows": (np.zeros((0, 2)), "neither of them 0"),
    "no columns": (sp.csr_array((2, 0)), "neither of them 0"),
    "complex": (np.ones((2, 2), dtype=complex), "dtype complex128"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_indicator(case):
    y, message = BAD[case]
    with pytest.raises(ValueError, match=f"^targets must .*{message}"):
        read_indicator(y, "targets")


def test_label_names():
    frame = pd.DataFrame(Y, columns=COLUMNS)
    np.testing.assert_array_equal(label_names_of(frame), COLUMNS)
    assert label_names_of(frame).dtype == object
    for unnamed in (pd.DataFrame(Y), frame.rename(columns={"cat": 3}), Y, Y.tolist(), None):
        assert label_names_of(unnamed) is None
    assert label_names_of(sp.csr_matrix(Y)) is None

    class Exchanged:
        def __dataframe__(self):
            return self

        def column_names(self):
            return iter(COLUMNS)

    np.testing.assert_array_equal(label_names_of(Exchanged()), COLUMNS)
