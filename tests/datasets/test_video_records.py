import gzip
import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.model_selection import KFold, train_test_split

from skmlclf.datasets import RowStore, VideoRecords, load_tfrecords, write_tfrecords

FEATURES = {"mean_rgb": 4, "mean_audio": 2}
N_LABELS = 30
N_ROWS = 500


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = sp.random(N_ROWS, N_LABELS, 0.1, format="csr", random_state=rng)
    y.data[:] = 1
    ids = [f"vidéo {i}" for i in range(N_ROWS)]
    return rng.standard_normal((N_ROWS, 6), dtype=np.float32), y, ids


@pytest.fixture(params=["plain", "gzip", "mixed"])
def files(request, tmp_path, data):
    paths = write_tfrecords(tmp_path / "a.tfrecord", *data, shards=7, features=FEATURES)
    for i, path in enumerate(paths):
        if request.param == "gzip" or (request.param == "mixed" and i % 2):
            content = Path(path).read_bytes()
            Path(path).write_bytes(gzip.compress(content))
    return tmp_path


def read(paths, **parameters):
    return VideoRecords(paths, **{"n_labels": N_LABELS, "features": FEATURES} | parameters)


def assert_holds(records, data, rows=slice(None)):
    X, y, ids = data
    assert isinstance(records.features, RowStore)
    np.testing.assert_array_equal(np.asarray(records.features), X[rows])
    assert (records.labels != y[rows]).nnz == 0
    assert records.labels.dtype == np.int64
    assert records.ids.tolist() == np.array(ids)[rows].tolist()


def test_holds_what_was_written(files, data):
    records = read(files / "*.tfrecord")
    assert_holds(records, data)
    assert records.features.shape == (N_ROWS, 6)
    assert len(records) == N_ROWS
    assert records.feature_names == [f"mean_rgb_{i}" for i in range(4)] + [
        "mean_audio_0",
        "mean_audio_1",
    ]
    assert records.n_skipped == 0
    assert len(records.paths) == 7
    assert repr(records) == "<VideoRecords: 500 videos, 6 columns, 30 labels, 7 files>"


def test_any_rows_in_any_order(files, data):
    X = data[0]
    features = read(files / "*.tfrecord").features
    rng = np.random.default_rng(0)
    for rows in [
        slice(60, 90),
        slice(None, None, -3),
        rng.permutation(N_ROWS),
        rng.integers(N_ROWS, size=300),
        [499, 0, 0, 250],
        [],
    ]:
        np.testing.assert_array_equal(np.asarray(features[rows]), X[rows])
        np.testing.assert_array_equal(np.asarray(features[rows][:, 3:]), X[rows][:, 3:])
    np.testing.assert_array_equal(np.concatenate(list(features.blocks(33))), X)
    np.testing.assert_array_equal(features[77], X[77])


@pytest.mark.parametrize("span_bytes", [1, 300, 2000])
def test_reading_in_small_steps_gives_the_same(files, data, monkeypatch, span_bytes):
    for name in ["_video_records._STEP_BYTES", "_video_records._GAP_BYTES"]:
        monkeypatch.setattr(f"skmlclf.datasets.{name}", span_bytes)
    monkeypatch.setattr("skmlclf.datasets._reader._BATCH_BYTES", span_bytes)
    monkeypatch.setattr("skmlclf.datasets._framing._BLOCK_BYTES", span_bytes)
    monkeypatch.setattr("skmlclf.datasets._video_records._UNPACKED_BYTES", span_bytes)
    records = read(files / "*.tfrecord")
    assert_holds(records, data)
    np.testing.assert_array_equal(np.asarray(records.features[::-7]), data[0][::-7])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_processes_find_the_same(files, data, n_jobs, monkeypatch):
    monkeypatch.setattr("skmlclf.datasets._index._TASK_BYTES", 1000)
    assert_holds(read(files / "*.tfrecord", n_jobs=n_jobs), data)
    path = sorted(files.glob("*.tfrecord"))[2]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"a-00002-of-00007.tfrecord'.* record"):
        read(files / "*.tfrecord", n_jobs=n_jobs)


def test_splits_copy_nothing(files, data):
    records = read(files / "*.tfrecord")
    X_train, X_test, y_train, y_test = train_test_split(
        records.features, records.labels, random_state=0
    )
    expected = train_test_split(*data[:2], random_state=0)
    for ours, theirs in zip([X_train, X_test], expected[:2], strict=True):
        assert isinstance(ours, RowStore)
        np.testing.assert_array_equal(np.asarray(ours), theirs)
    for ours, theirs in zip([y_train, y_test], expected[2:], strict=True):
        assert (ours != theirs).nnz == 0
    for train, _ in KFold(3, shuffle=True, random_state=0).split(records.features):
        np.testing.assert_array_equal(np.asarray(records.features[train]), data[0][train])


def test_pickles_hold_no_data(files, data):
    records = read(files / "*.tfrecord")
    np.asarray(records.features)  # compressed files are kept unpacked for a while
    for view in [records.features, records.features[30:], records.features[::-1][:, [1, 5]]]:
        pickled = pickle.dumps(view)
        assert len(pickled) < 4000
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickled)), np.asarray(view))
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickled)[9:]), np.asarray(view[9:]))


def test_threads_read_at_once_and_leave_no_file_open(files, data):
    features = read(files / "*.tfrecord").features
    rng = np.random.default_rng(0)
    keys = [rng.integers(N_ROWS, size=20) for _ in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda key: np.asarray(features[key]), keys))
    for key, rows in zip(keys, found, strict=True):
        np.testing.assert_array_equal(rows, data[0][key])
    opened = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    assert not [path for path in opened if "tfrecord" in path]


def test_what_is_read_may_be_changed(files, data):
    features = read(files / "*.tfrecord").features
    for _ in range(2):
        features.read(0, N_ROWS)[:] = 0
        features.take(np.arange(5))[:] = 0
    np.testing.assert_array_equal(np.asarray(features), data[0])


def test_files_without_labels(tmp_path, data):
    X, y, ids = data
    (path,) = write_tfrecords(tmp_path / "a", X, None, ids, features=FEATURES)
    records = read(path, labels_feature=None)
    assert records.labels is None
    np.testing.assert_array_equal(np.asarray(records.features), X)
    assert "no labels" in repr(records)
    with pytest.raises(ValueError, match=r"record 0 .*'labels'"):
        read(path)
    write_tfrecords(tmp_path / "a", X, sp.csr_matrix(y.shape), ids, features=FEATURES)
    write_tfrecords(tmp_path / "b", X, y, ids, features=FEATURES)
    with pytest.raises(ValueError, match="a', in which no record has a label"):
        read(tmp_path / "*")


def damage(path, data, rows, *, with_gzip=False):
    """Flip a bit of some records of a file; return which rows are left."""
    content = bytearray(Path(path).read_bytes())
    ends, at = [], 0
    while at < len(content):
        at += 16 + int.from_bytes(content[at : at + 8], "little")
        ends.append(at)
    for row in rows:
        content[ends[row] - 10] ^= 1
    Path(path).write_bytes(gzip.compress(content) if with_gzip else content)
    return np.setdiff1d(np.arange(N_ROWS), rows)


@pytest.mark.parametrize("with_gzip", [False, True])
def test_bad_records_are_skipped_and_counted(tmp_path, data, with_gzip):
    (path,) = write_tfrecords(tmp_path / "a.tfrecord", *data, features=FEATURES)
    left = damage(path, data, [0, 7, 8, 499], with_gzip=with_gzip)
    with pytest.raises(ValueError, match=r"a.tfrecord'.*record 0, byte 0: checksums differ"):
        read(path)
    with pytest.warns(UserWarning, match=r"4 faulty records.*496 videos remain.*record 0,") as told:
        records = read(path, on_error="skip")
    assert len(told) == 1
    assert told[0].filename == __file__
    assert_holds(records, data, left)
    assert records.n_skipped == 4
    assert "record 499" in records.skipped[3]
    again = pickle.loads(pickle.dumps(records.features[::-1]))
    np.testing.assert_array_equal(np.asarray(again), data[0][left][::-1])


def test_records_of_another_form_are_skipped_too(tmp_path, data):
    X, y, ids = data
    good, other = (
        Path(write_tfrecords(tmp_path / "a", X[:9], y[:9], ids[:9], **parameters)[0]).read_bytes()
        for parameters in [
            {"features": FEATURES},
            {"features": {"mean_rgb": 4, "sound": 2}, "labels_feature": "label"},
        ]
    )
    (tmp_path / "a").write_bytes(good + other + good[:-3])
    with pytest.warns(UserWarning, match=r"10 faulty records.*17 videos remain"):
        records = read(tmp_path / "a", on_error="skip")
    assert records.ids.tolist() == ids[:9] + ids[:8]
    assert "record 9 (counted from 0) has no feature" in records.skipped[0]
    assert "truncated inside record 26" in records.skipped[9] or "truncated" in records.skipped[9]
    (tmp_path / "a").write_bytes(other)
    with pytest.raises(ValueError, match="at least one good record"):
        read(tmp_path / "a", on_error="skip")


@pytest.fixture
def indexed(monkeypatch):
    """Collect the names of files that are read through."""
    from skmlclf.datasets import _reader

    names, read_frames = [], _reader.read_frames

    def noted(file):
        names.append(os.path.basename(file))
        return read_frames(file)

    monkeypatch.setattr(_reader, "read_frames", noted)
    return names


@pytest.mark.parametrize("beside", [True, False])
def test_a_cache_saves_the_first_reading(files, data, indexed, tmp_path, beside):
    folder = files if beside else tmp_path / "cache"
    folder.mkdir(exist_ok=True)
    cache = True if beside else folder
    assert_holds(read(files / "*.tfrecord", cache=cache), data)
    assert len(indexed) == 7
    (kept,) = folder.glob("skmlclf-index-*.npz")
    indexed.clear()
    assert_holds(read(files / "*.tfrecord", cache=cache), data)
    assert indexed == []

    # A file that was touched, or changed, is read again; the others are not.
    name = sorted(path.name for path in files.glob("*.tfrecord"))[3]
    os.utime(files / name, ns=(1, 1))
    assert_holds(read(files / "*.tfrecord", cache=cache), data)
    assert indexed == [name]
    indexed.clear()
    assert_holds(read(files / "*.tfrecord", cache=cache), data)
    assert indexed == []

    # Another form, and other files, are another matter.
    assert read(files / "*.tfrecord", cache=cache, n_labels=31).labels.shape[1] == 31
    assert len(indexed) == 7
    for damaged in [b"", b"no archive", kept.read_bytes()[:-100], b"PK" + kept.read_bytes()[2:500]]:
        kept.write_bytes(damaged)
        indexed.clear()
        assert_holds(read(files / "*.tfrecord", cache=cache), data)
        assert len(indexed) == 7


def test_what_was_skipped_is_kept_in_the_cache(tmp_path, data, indexed):
    (path,) = write_tfrecords(tmp_path / "a.tfrecord", *data, features=FEATURES)
    left = damage(path, data, [3, 4])
    for _ in range(2):
        with pytest.warns(UserWarning, match="2 faulty records"):
            records = read(path, on_error="skip", cache=True)
        assert_holds(records, data, left)
        assert records.n_skipped == 2
    assert len(indexed) == 1
    with pytest.raises(ValueError, match="record 3, "):
        read(path, cache=True)


def test_a_cache_that_cannot_be_written_is_told(files, data, monkeypatch):
    with pytest.raises(FileNotFoundError, match="'nowhere', which is none"):
        read(files / "*.tfrecord", cache="nowhere")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match="could not be kept in .*No space left"):
        assert_holds(read(files / "*.tfrecord", cache=True), data)
    assert not list(files.glob("*.tmp"))


def test_a_file_that_changes_is_noticed(files, data):
    records = read(files / "*.tfrecord")
    first = min(files.glob("*.tfrecord"))
    content = first.read_bytes()
    first.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="to be as it was when it was opened"):
        np.asarray(records.features[:3])
    np.testing.assert_array_equal(np.asarray(records.features[-9:]), data[0][-9:])
    first.unlink()
    with pytest.raises(FileNotFoundError, match="to be there still"):
        np.asarray(records.features[:3])


def test_progress_goes_to_standard_error(files, capsys, monkeypatch):
    read(files / "*.tfrecord")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("skmlclf._progress._SECONDS_IN_LOG", 0)
    read(files / "*.tfrecord", verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Indexing: 100%, 7 of 7 files, " in err.splitlines()[-1]
    assert err.endswith(", records=500\n")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"level": "shot"}, "The 'level' parameter"),
        ({"pooling": "max"}, "The 'pooling' parameter"),
        ({"on_error": "ignore"}, "The 'on_error' parameter"),
        ({"cache": 3}, "The 'cache' parameter"),
        ({"n_jobs": "two"}, "The 'n_jobs' parameter"),
        ({"n_labels": 0}, "The 'n_labels' parameter"),
        ({"features": {}}, "Received an empty mapping"),
        ({"id_feature": "labels"}, "different names"),
    ],
)
def test_bad_parameters_are_refused(files, parameters, message):
    with pytest.raises(ValueError, match=message):
        read(files / "*.tfrecord", **parameters)


# Frames


FRAMES = {"rgb": 5, "audio": 3}


def make_video(i, n_frames=4, **changes):
    """Return the codes of a video's frames, and its record."""
    from tensorflow.train import (
        BytesList,
        Feature,
        FeatureList,
        FeatureLists,
        Features,
        Int64List,
        SequenceExample,
    )

    rng = np.random.default_rng(i)
    codes = {name: rng.integers(256, size=(n_frames, width)) for name, width in FRAMES.items()}
    lists = {name: [row.astype(np.uint8).tobytes() for row in codes[name]] for name in FRAMES}
    lists |= changes
    record = SequenceExample(
        context=Features(
            feature={
                "id": Feature(bytes_list=BytesList(value=[b"v%d" % i])),
                "labels": Feature(int64_list=Int64List(value=[i, 3])),
            }
        ),
        feature_lists=FeatureLists(
            feature_list={
                name: FeatureList(
                    feature=[Feature(bytes_list=BytesList(value=[frame])) for frame in frames]
                )
                for name, frames in lists.items()
                if frames is not None
            }
        ),
    )
    return codes, record.SerializeToString()


def write_frames(path, records):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize("pooling", ["mean", "mean_std"])
@pytest.mark.parametrize("packed", [False, True])
def test_frames_are_dequantised_and_pooled(tmp_path, pooling, packed):
    videos = [make_video(i, n_frames=1 + 30 * i) for i in range(9)]
    path = write_frames(tmp_path / "a", [record for _, record in videos])
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    records = VideoRecords(
        path, n_labels=10, features=FRAMES, level="frame", pooling=pooling, cache=True
    )
    expected = []
    for codes, _ in videos:
        row = []
        for name in FRAMES:
            # As in the data set's own utils.Dequantize, in double precision.
            frames = codes[name] * (4.0 / 255.0) + (4.0 / 512.0 - 2.0)
            row.append(frames.mean(axis=0))
            if pooling == "mean_std":
                row.append(frames.std(axis=0))
        expected.append(np.concatenate(row))
    np.testing.assert_allclose(np.asarray(records.features), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        np.asarray(records.features[[7, 2]]), np.array(expected)[[7, 2]], 1e-6, 1e-7
    )
    assert records.features.dtype == np.float32
    assert records.ids.tolist() == [f"v{i}" for i in range(9)]
    assert records.labels[5].indices.tolist() == [3, 5]
    groups = [f"{s}_{name}" for name in FRAMES for s in pooling.split("_")]
    assert records.feature_names[0] == "mean_rgb_0"
    assert [name.rpartition("_")[0] for name in records.feature_names] == [
        group for group in groups for _ in range(FRAMES[group.partition("_")[2]])
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rgb": None}, r"has no frames 'rgb'; it has \['audio'\]"),
        ({"rgb": []}, "empty list of frames 'rgb'"),
        ({"rgb": [b"12345", b"1234"]}, "frames 'rgb' with a value of 4 bytes, not one value of 5"),
        ({"audio": [b""]}, "frames 'audio' with a value of 0 bytes"),
    ],
)
def test_bad_frames_are_named(tmp_path, changes, message):
    path = write_frames(tmp_path / "a", [make_video(0)[1], make_video(1, **changes)[1]])
    with pytest.raises(ValueError, match=f"a': record 1 .*{message}"):
        VideoRecords(path, n_labels=10, features=FRAMES, level="frame")
    with pytest.warns(UserWarning, match="1 faulty"):
        records = VideoRecords(path, n_labels=10, features=FRAMES, level="frame", on_error="skip")
    assert records.ids.tolist() == ["v0"]


def test_the_two_levels_are_told_apart(tmp_path, data):
    path = write_frames(tmp_path / "a", [make_video(0)[1]])
    with pytest.raises(ValueError, match=r"holds frames.*level='frame'"):
        read(path)
    write_tfrecords(path, *data, features=FEATURES)
    with pytest.raises(ValueError, match=r"has no frames 'rgb'.*level='video'"):
        VideoRecords(path, n_labels=N_LABELS, features=FRAMES, level="frame")


# Real records


@pytest.mark.realdata
def test_youtube8m_as_loaded():
    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if not folder:
        pytest.skip("SKMLCLF_YT8M_DIR is not set: no YouTube-8M files to read")
    pattern = Path(folder) / "validate" / "*.tfrecord"
    loaded, records = load_tfrecords(pattern), VideoRecords(pattern)
    np.testing.assert_array_equal(np.asarray(records.features), loaded.data)
    assert (records.labels != loaded.target).nnz == 0
    np.testing.assert_array_equal(records.ids, loaded.ids)
    assert records.feature_names == loaded.feature_names
    rows = np.random.default_rng(0).permutation(len(records))[:1000]
    np.testing.assert_array_equal(np.asarray(records.features[rows]), loaded.data[rows])


def test_no_warning_where_nothing_was_skipped(files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(files / "*.tfrecord", on_error="skip")
