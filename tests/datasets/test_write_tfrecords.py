import gzip

import numpy as np
import pytest
import scipy.sparse as sp

from skmlclf.datasets import NpyRowStore, load_tfrecords, write_tfrecords

FEATURES = {"mean_rgb": 4, "mean_audio": 2}
N_LABELS = 300


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2100, 6), dtype=np.float32)
    X[0] = [0.0, -0.0, 1e-45, -3.4e38, 3.4028235e38, 1.1754944e-38]
    y = sp.random(2100, N_LABELS, 0.01, format="csr", random_state=rng)
    y.data[:] = 1
    return X, y, [f"vidéo {i}" for i in range(2100)]


def write(path, X, y, ids=None, **parameters):
    return write_tfrecords(path, X, y, ids, **{"features": FEATURES} | parameters)


def load(paths, **parameters):
    return load_tfrecords(paths, **{"n_labels": N_LABELS, "features": FEATURES} | parameters)


@pytest.mark.parametrize("shards", [None, 1, 7])
@pytest.mark.parametrize("ending", ["tfrecord", "tfrecord.gz"])
def test_what_was_written_is_read_back_bit_for_bit(tmp_path, data, shards, ending):
    X, y, ids = data
    paths = write(tmp_path / f"a.{ending}", X, y, ids, shards=shards)
    assert len(paths) == (shards or 1)
    assert sorted(str(path) for path in tmp_path.iterdir()) == sorted(paths)
    again = load(paths)
    np.testing.assert_array_equal(again.data.view(np.uint32), X.view(np.uint32))
    assert (again.target != y).nnz == 0
    assert again.ids.tolist() == ids


def test_shards_are_even_and_named_in_order(tmp_path, data):
    X, y, ids = data
    paths = write(tmp_path / "a.b.tfrecord", X[:10], y[:10], ids[:10], shards=4)
    assert paths == [str(tmp_path / f"a-0000{i}-of-00004.b.tfrecord") for i in range(4)]
    assert [len(load(path).ids) for path in paths] == [2, 3, 2, 3]
    assert paths == sorted(paths)


def test_another_reader_reads_it(tmp_path, data):
    import tensorflow as tf

    X, y, ids = data
    (path,) = write(tmp_path / "a", X[:50], y[:50], ids[:50], id_feature="name")
    for i, record in enumerate(tf.data.TFRecordDataset(path).as_numpy_iterator()):
        feature = tf.train.Example.FromString(record).features.feature
        assert feature["name"].bytes_list.value[0].decode() == ids[i]
        assert list(feature["labels"].int64_list.value) == y[i].indices.tolist()
        np.testing.assert_array_equal(feature["mean_rgb"].float_list.value, X[i, :4])
        np.testing.assert_array_equal(feature["mean_audio"].float_list.value, X[i, 4:])
    assert i == 49


@pytest.mark.parametrize(
    "convert", [sp.csr_array, sp.coo_matrix, lambda y: y.toarray(), lambda y: y.toarray() > 0]
)
def test_labels_in_any_form(tmp_path, data, convert):
    X, y, _ = data
    again = load(write(tmp_path / "a", X[:300], convert(y[:300])))
    assert (again.target != y[:300]).nnz == 0
    assert again.ids.tolist() == [str(i) for i in range(300)]


def test_stored_zeros_and_repeats_are_no_labels_of_their_own(tmp_path):
    y = sp.csr_matrix(([1, 0, 1, 1], [3, 4, 2, 2], [0, 2, 4]), shape=(2, 5))
    before = y.copy()
    data = load(write(tmp_path / "a", np.ones((2, 6)), y), n_labels=5)
    np.testing.assert_array_equal(data.target.toarray(), [[0, 0, 0, 1, 0], [0, 0, 1, 0, 0]])
    np.testing.assert_array_equal(y.indices, before.indices)
    np.testing.assert_array_equal(y.data, before.data)


def test_no_labels(tmp_path, data):
    paths = write(tmp_path / "a", data[0], None)
    np.testing.assert_array_equal(load(paths, labels_feature=None).data, data[0])
    with pytest.raises(ValueError, match=r"record 0 .*no feature 'labels'"):
        load(paths)


def test_rows_on_disk(tmp_path, data):
    X, y, ids = data
    np.save(tmp_path / "X.npy", X)
    store = NpyRowStore(tmp_path / "X.npy")
    again = load(write(tmp_path / "a", store[::-1], y, ids))
    np.testing.assert_array_equal(again.data, X[::-1])


def test_equal_data_makes_equal_files(tmp_path, data):
    X, y, ids = data
    (a,), (b,) = (write(tmp_path / f"{name}.gz", X, y, ids) for name in "ab")
    with open(a, "rb") as one, open(b, "rb") as two:
        content = one.read()
        assert content == two.read()
    with open(write(tmp_path / "plain", X, y, ids)[0], "rb") as plain:
        assert gzip.decompress(content) == plain.read()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.ones((2, 5))}, r"shape \(n_samples, 6\).*Received shape \(2, 5\)"),
        ({"X": np.ones(6)}, r"Received shape \(6,\)"),
        ({"X": [[0.0] * 6, [0.0] * 5 + [np.nan]]}, "Row 1 holds NaN or infinity"),
        ({"X": np.full((2, 6), 1e300)}, "finite as float32. Row 0"),
        ({"y": np.ones((3, 4))}, "the 2 rows of X. Received 3"),
        ({"y": [1, 0]}, "Received 1 dimensions"),
        ({"y": [[0, 2], [0, 1]]}, "0 and 1. Received 2"),
        ({"y": [[0, np.nan], [0, 1]]}, "0 and 1. Received nan"),
        ({"ids": ["a"]}, "each of 2 rows. Received 1"),
        ({"ids": ["a", b"b"]}, "Received b'b' for row 1"),
        ({"ids": ["a\0", "b"]}, "for row 0"),
        ({"ids": ["a", "\udc80"]}, "for row 1"),
        ({"shards": 3}, "each of 3 files. Received 2 rows"),
        ({"shards": 0}, "The 'shards' parameter"),
        ({"features": {"mean_rgb": 0}}, "width of feature 'mean_rgb'"),
        ({"features": None}, r"shape \(n_samples, 1152\)"),
        ({"id_feature": "labels"}, "different names"),
        ({"path": 3}, "The 'path' parameter"),
    ],
)
def test_what_cannot_be_written_leaves_what_was_there(tmp_path, changes, message):
    good = {"path": tmp_path / "a", "X": np.ones((2, 6)), "y": np.eye(2)}
    write(**good)
    before = (tmp_path / "a").read_bytes()
    with pytest.raises(ValueError, match=message):
        write(**good | changes)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == before


def test_an_interrupt_leaves_what_was_there(tmp_path, data, monkeypatch):
    X, y, ids = data
    write(tmp_path / "a", X, y, shards=2)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []

    def interrupted(content):
        calls.append(content)
        if len(calls) > 3000:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr("skmlclf.datasets._write.masked_checksum", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", X, y, ids, shards=2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
