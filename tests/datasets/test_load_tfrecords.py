import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from skmlclf.datasets import load_tfrecords

SMALL = {"mean_rgb": 4, "mean_audio": 2}


def make_example(**values):
    """Serialise one tf.train.Example; the kind of a list follows from its first value."""
    import tensorflow as tf

    lists = {
        bytes: lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
        int: lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
        float: lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
    }
    feature = {
        name: lists[type(value[0]) if value else int](value) for name, value in values.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def good(i=0, **changes):
    values = {
        "id": [f"v{i}".encode()],
        "labels": [i % 5, 5 + i % 3],
        "mean_rgb": [i + 0.5, -1.0, 2.0, 0.25],
        "mean_audio": [float(i), 1.0],
    }
    values |= changes
    return make_example(**{name: value for name, value in values.items() if value is not None})


def write(path, records):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def load(paths, **parameters):
    return load_tfrecords(paths, **{"n_labels": 10, "features": SMALL} | parameters)


def test_reads_what_was_written(tmp_path):
    path = write(tmp_path / "a.tfrecord", [good(i) for i in range(7)])
    data = load(path)
    assert data.data.dtype == np.float32
    assert data.data.flags.c_contiguous
    expected = [[i + 0.5, -1.0, 2.0, 0.25, i, 1.0] for i in range(7)]
    np.testing.assert_array_equal(data.data, np.float32(expected))
    target = np.zeros((7, 10))
    target[np.arange(7), np.arange(7) % 5] = 1
    target[np.arange(7), 5 + np.arange(7) % 3] = 1
    assert data.target.format == "csr"
    assert data.target.dtype == np.int64
    np.testing.assert_array_equal(data.target.toarray(), target)
    assert data.ids.tolist() == [f"v{i}" for i in range(7)]
    assert data.feature_names[3:5] == ["mean_rgb_3", "mean_audio_0"]
    assert len(data.feature_names) == 6
    assert "7 records" in data.DESCR


def test_more_records_than_are_parsed_at_a_time(tmp_path):
    files = [
        write(tmp_path / "a.tfrecord", [good(i) for i in range(2500)]),
        write(tmp_path / "b.tfrecord", [good(i) for i in range(2500, 2600)]),
    ]
    data = load(files)
    assert data.ids.tolist() == [f"v{i}" for i in range(2600)]
    np.testing.assert_array_equal(data.data[:, 4], np.arange(2600))


@pytest.fixture
def shards(tmp_path):
    for i, name in enumerate(["b", "a", "c"]):
        write(tmp_path / f"{name}.tfrecord", [good(i)])
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "d.tfrecord", [good(3)])
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        ("*.tfrecord", "v1 v0 v2"),
        ("b.tfrecord", "v0"),
        (["c.tfrecord", "a.tfrecord"], "v1 v2"),
        (["[bc].*", "a.tfrecord", "*.tfrecord"], "v1 v0 v2"),
        ("**/*.tfrecord", "v1 v0 v2 v3"),
        ("*", "v1 v0 v2"),
        (("sub/*", Path("a.tfrecord")), "v1 v3"),
    ],
)
def test_files_are_read_once_in_sorted_order(shards, paths, ids, monkeypatch):
    monkeypatch.chdir(shards)
    assert load(paths).ids.tolist() == ids.split()


def test_a_file_is_read_once_whatever_leads_to_it(shards, monkeypatch):
    monkeypatch.chdir(shards)
    os.symlink("a.tfrecord", "link.tfrecord")
    os.symlink("sub", "folder")
    assert load(["a.tfrecord", "./a.tfrecord", "sub/../a.tfrecord"]).ids.tolist() == ["v1"]
    assert load(["link.tfrecord", "a.tfrecord"]).ids.tolist() == ["v1"]
    assert load("link.tfrecord").ids.tolist() == ["v1"]
    all_ids = ["v1", "v0", "v2", "v3"]
    assert load(["folder/*", "sub/d.tfrecord", "*.tfrecord"]).ids.tolist() == all_ids


def test_what_is_no_file_is_not_passed_over(shards, monkeypatch):
    monkeypatch.chdir(shards)
    os.symlink("gone.tfrecord", "d.tfrecord")
    for paths in ["*.tfrecord", "d.tfrecord", ["a.tfrecord", "d.tfrecord"]]:
        with pytest.raises(FileNotFoundError, match=r"'d.tfrecord' is a link to 'gone.tfrecord'"):
            load(paths)
    os.remove("d.tfrecord")
    os.mkfifo("d.tfrecord")
    with pytest.raises(ValueError, match=r"'d.tfrecord' is neither a file nor a folder"):
        load("*.tfrecord")


def test_paths_may_come_from_a_generator(shards):
    assert load(path for path in shards.glob("*.tfrecord")).ids.tolist() == ["v1", "v0", "v2"]


def test_a_name_with_brackets_is_meant_literally_where_it_exists(tmp_path):
    path = write(tmp_path / "part[1].tfrecord", [good(1)])
    assert load(path).ids.tolist() == ["v1"]


def test_other_names_and_widths(tmp_path):
    record = make_example(name=[b"\xc3\xa9"], tags=[2], pixels=[1.0, 2.0, 3.0])
    data = load_tfrecords(
        write(tmp_path / "a", [record]),
        n_labels=3,
        features={"pixels": 3},
        id_feature="name",
        labels_feature="tags",
    )
    assert data.ids.tolist() == ["é"]
    np.testing.assert_array_equal(data.data, [[1, 2, 3]])
    np.testing.assert_array_equal(data.target.toarray(), [[0, 0, 1]])


def test_columns_follow_the_order_of_features(tmp_path):
    path = write(tmp_path / "a", [good(1)])
    data = load(path, features={"mean_audio": 2, "mean_rgb": 4})
    np.testing.assert_array_equal(data.data, [[1, 1, 1.5, -1, 2, 0.25]])
    np.testing.assert_array_equal(load(path, features={"mean_audio": 2}).data, [[1, 1]])


def test_labels_may_be_unsorted_repeated_or_none_at_all(tmp_path):
    records = [good(0, labels=[7, 1, 7]), good(1, labels=[]), good(2, labels=[0] * 300)]
    target = load(write(tmp_path / "a", records)).target
    assert target.max() == 1
    assert [target[i].indices.tolist() for i in range(3)] == [[1, 7], [], [0]]
    assert load(write(tmp_path / "b", [good(labels=[])])).target.nnz == 0


def test_target_can_be_split(tmp_path):
    data = load(write(tmp_path / "a", [good(i) for i in range(10)]))
    parts = train_test_split(data.data, data.target, data.ids, random_state=0)
    X_test, y_test, ids_test = parts[1::2]
    assert y_test.format == "csr"
    np.testing.assert_array_equal(X_test[:, 4], [int(name[1:]) for name in ids_test])
    np.testing.assert_array_equal(y_test.toarray()[:, :5].argmax(1), X_test[:, 4] % 5)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{}, {"mean_audio": None}], r"record 1 .* no feature 'mean_audio'; it has \['id', "),
        ([{"id": None}], "record 0 .* no feature 'id'"),
        ([{"labels": None}], "no feature 'labels'.*labels_feature=None"),
        ([{}, {"labels": None}], "record 1 .* no feature 'labels'.*labels_feature=None"),
        ([{"labels": None, "label": [1]}], "no feature 'labels'.* pass labels_feature='label'"),
        ([{}, {"id": [b"a\xff"]}], r"record 1 .* id b'a\\xff' .* not UTF-8"),
        ([{"id": [b"a\0"]}], r"id b'a\\x00' .* ends in a null"),
        ([{}, {"mean_rgb": [1.0] * 5}], "record 1 .* 5 values in feature 'mean_rgb', not 4"),
        ([{"mean_rgb": [1, 2, 3, 4]}], "int64_list as feature 'mean_rgb', not a float_list"),
        ([{"labels": [1.0]}], "float_list as feature 'labels', not a int64_list"),
        ([{"id": [b"a", b"b"]}], "2 values in feature 'id', not the 1"),
        ([{}, {}, {"labels": [3, 10]}], "record 2 .* label id 10, not one of 0 to 9"),
        ([{"labels": [-1]}], "label id -1"),
        ([{}, {"mean_audio": [0.0, np.nan]}], "record 1 .* NaN or infinity .*'mean_audio'"),
        ([{"mean_rgb": [0.0, 0.0, np.inf, 0.0]}], "NaN or infinity .*'mean_rgb'"),
        ([{}, b"not an example"], "record 1 .* not a tf.train.Example"),
    ],
)
def test_bad_records_are_named(tmp_path, records, message):
    write(tmp_path / "a.tfrecord", [good(i) for i in range(3)])
    records = [record if isinstance(record, bytes) else good(**record) for record in records]
    bad = write(tmp_path / "bad.tfrecord", records)
    for paths in [bad, tmp_path / "*.tfrecord"]:
        with pytest.raises(ValueError, match=f"(?s)bad.tfrecord'.*{message}"):
            load(paths)


def test_files_without_labels_are_not_mixed_with_others(tmp_path):
    write(tmp_path / "train.tfrecord", [good(0), good(1, labels=[])])
    test = write(tmp_path / "test.tfrecord", [good(2, labels=[]), good(3, labels=[])])
    with pytest.raises(
        ValueError, match=r"test.tfrecord', in which no record has a label.* 1 of 2"
    ):
        load(tmp_path / "*.tfrecord")
    assert load(test).target.nnz == 0


@pytest.mark.parametrize("labels", [None, [], [1]])
def test_labels_that_are_withheld_are_not_read(tmp_path, labels):
    path = write(tmp_path / "a", [good(i, labels=labels) for i in range(3)])
    data = load(path, labels_feature=None)
    assert data.target is None
    assert data.ids.tolist() == ["v0", "v1", "v2"]
    assert data.data.shape == (3, 6)


def test_frames_of_a_video_are_told_from_its_features(tmp_path):
    import tensorflow as tf

    frames = tf.train.FeatureList(feature=[tf.train.Feature()] * 3)
    record = tf.train.SequenceExample(
        context=tf.train.Example.FromString(good(mean_rgb=None, mean_audio=None)).features,
        feature_lists=tf.train.FeatureLists(feature_list={"rgb": frames}),
    )
    path = write(tmp_path / "a", [record.SerializeToString()])
    with pytest.raises(
        ValueError, match=r"record 0 .*holds frames.*level='frame'.* video-level files"
    ):
        load(path)
    # An empty list of frames is what YouTube-8M's own video-level records end with.
    assert load(write(path, [good(1) + b"\x12\x00"])).ids.tolist() == ["v1"]


def unusual(record):
    """Serialise the features of an Example one by one and value by value, as is allowed."""
    import tensorflow as tf

    def field(number, content):
        return bytes([8 * number + 2, *varint(len(content))]) + content

    def varint(value):
        return [value] if value < 128 else [value % 128 + 128, *varint(value // 128)]

    content = b""
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value
        if kind == "float_list":
            packed = b"".join(b"\x0d" + struct.pack("<f", value) for value in values)
        elif kind == "int64_list":
            packed = b"".join(bytes([8, *varint(value)]) for value in values)
        else:
            packed = b"".join(field(1, value) for value in values)
        number = ["bytes_list", "float_list", "int64_list"].index(kind) + 1
        entry = field(1, name.encode()) + field(2, field(number, packed))
        content += field(1, field(1, entry))
    return content


def test_records_of_an_unusual_layout_are_read_in_their_place(tmp_path):
    path = write(tmp_path / "a", [unusual(good(i)) if i % 3 else good(i) for i in range(7)])
    expected = load(write(tmp_path / "b", [good(i) for i in range(7)]))
    for some in [load(path), load(write(path, [unusual(good(i)) for i in range(7)]))]:
        np.testing.assert_array_equal(some.data, expected.data)
        np.testing.assert_array_equal(some.target.toarray(), expected.target.toarray())
        assert some.ids.tolist() == expected.ids.tolist()


def test_other_features_are_passed_over(tmp_path):
    more = {f"more_{i}": [[i], [float(i)] * i, [b"x"] * i][i % 3] for i in range(40)}
    more = {name: values for name, values in more.items() if values}
    path = write(tmp_path / "a", [good(0), good(1, **more), good(2, other=[b"x", b"y"])])
    assert load(path).ids.tolist() == ["v0", "v1", "v2"]
    np.testing.assert_array_equal(load(path).data[:, 4], [0, 1, 2])


def test_gzip_is_read_as_plain_files_are(tmp_path):
    records = [good(i) for i in range(300)]
    plain, packed = write(tmp_path / "a", records), tmp_path / "b.tfrecord.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for name in ("data", "ids"):
        np.testing.assert_array_equal(load(packed)[name], load(plain)[name])
    assert (load(packed).target != load(plain).target).nnz == 0
    content = plain.read_bytes()
    packed.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    np.testing.assert_array_equal(load(packed).data, load(plain).data)

    whole = packed.read_bytes()
    packed.write_bytes(whole[:-9])
    with pytest.raises(
        ValueError, match=r"b.tfrecord.gz'.*gzip compression is damaged from record"
    ):
        load(packed)
    packed.write_bytes(gzip.compress(content[:-3]))
    with pytest.raises(ValueError, match=r"b.tfrecord.gz'.*truncated inside record 299"):
        load(packed)


@pytest.mark.parametrize("block_bytes", [1, 100, 1000, 10_000])
@pytest.mark.parametrize("packed", [False, True])
def test_blocks_of_any_size_give_the_same(tmp_path, monkeypatch, block_bytes, packed):
    path = write(tmp_path / "a", [good(i, labels=[1] * (i % 50)) for i in range(100)])
    expected = load(path)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr("skmlclf.datasets._framing._BLOCK_BYTES", block_bytes)
    data = load(path)
    np.testing.assert_array_equal(data.data, expected.data)
    assert data.ids.tolist() == expected.ids.tolist()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="record"):
        load(path)


@pytest.mark.parametrize("length", [2**31, 2**40, 2**63, 2**64 - 1])
def test_no_length_asks_for_memory(tmp_path, length):
    head = struct.pack("<Q", length)
    crc = google_crc32c.value(head)
    content = head + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
    path = tmp_path / "a.tfrecord"
    for packed in [content + good(), gzip.compress(content + good())]:
        path.write_bytes(packed)
        with pytest.raises(ValueError, match=r"a.tfrecord'.*record 0 .*bytes long"):
            load(path)


@pytest.mark.parametrize("width", [2**30, 2**62, 2**70])
def test_no_width_asks_for_memory(tmp_path, width):
    path = write(tmp_path / "a.tfrecord", [good()])
    with pytest.raises(ValueError, match=rf"a.tfrecord'.*record 0.* 4 values .* not {width}"):
        load(path, features={"mean_rgb": width})


def test_every_cut_of_a_file_is_noticed_but_those_between_records(tmp_path):
    path = write(tmp_path / "whole", [good(i) for i in range(3)])
    content = path.read_bytes()
    size = 16 + struct.unpack("<Q", content[:8])[0]
    assert len(content) == 3 * size
    cut = tmp_path / "cut.tfrecord"
    for length in [1, 8, 11, 12, size - 1, size + 1, 2 * size + 5, 2 * size + 12, 3 * size - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"cut.tfrecord'.*truncated"):
            load(cut)
        with pytest.raises(ValueError, match=r"cut.tfrecord'.*truncated"):
            load([path, cut])
    cut.write_bytes(content[: 2 * size])
    assert load(cut).data.shape == (2, 6)


@pytest.mark.parametrize("position", [0, 9, 40])
def test_a_flipped_bit_is_noticed(tmp_path, position):
    path = write(tmp_path / "a.tfrecord", [good(0), good(1)])
    content = bytearray(path.read_bytes())
    size = 16 + struct.unpack("<Q", content[:8])[0]
    content[size + position] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a.tfrecord'.*record 1, byte {size}: checksums"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"id,labels\n1,2\n" * 20, "not a TFRecord file"),
        (gzip.compress(b"records" * 50), "not a TFRecord file"),
        (gzip.compress(b""), "holds no record"),
    ],
    ids=["empty", "text", "text in gzip", "empty gzip"],  # gzip writes the time into its bytes
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "odd.tfrecord"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"odd.tfrecord'.*{message}"):
        load(path)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ("nothing*.tfrecord", r"'nothing\*.tfrecord'"),
        (["a.tfrecord", "b.tfrecord"], "'b.tfrecord'"),
        ("sub", "'sub'.*is a folder.*'sub/"),
        ([], "Received none"),
    ],
)
def test_missing_files_are_named(tmp_path, paths, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.tfrecord", [good()])
    os.mkdir("sub")
    with pytest.raises(FileNotFoundError, match=message):
        load(paths)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"paths": 3}, "The 'paths' parameter"),
        ({"paths": ["a.tfrecord", 3]}, "type int: 3"),
        ({"n_labels": 0}, "The 'n_labels' parameter"),
        ({"n_labels": 2.5}, "The 'n_labels' parameter"),
        ({"features": {}}, "Received an empty mapping"),
        ({"features": {"mean_rgb": 0}}, "width of feature 'mean_rgb'.*Received 0"),
        ({"features": {3: 4}}, "strings. Received 3"),
        ({"features": ["mean_rgb"]}, "The 'features' parameter"),
        ({"id_feature": "mean_rgb"}, "different names"),
        ({"labels_feature": "id"}, "different names"),
        ({"id_feature": None}, "The 'id_feature' parameter"),
        ({"labels_feature": 3}, "The 'labels_feature' parameter"),
    ],
)
def test_bad_parameters_are_refused(tmp_path, parameters, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.tfrecord", [good()])
    with pytest.raises((ValueError, TypeError), match=message):
        load(**{"paths": "a.tfrecord"} | parameters)


def test_reading_imports_no_tensorflow(tmp_path):
    path = write(tmp_path / "a", [good(), unusual(good(1))])
    code = (
        "import sys, skmlclf.datasets, skmlclf.preprocessing\n"
        f"skmlclf.datasets.load_tfrecords({str(path)!r}, features={SMALL})\n"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.fixture
def yt8m():
    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if not folder:
        pytest.skip("SKMLCLF_YT8M_DIR is not set: no YouTube-8M files to read")
    return Path(folder)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("part", "n_files", "n_videos"), [("train", 96, 27_680), ("validate", 12, 3_420)]
)
def test_youtube8m(yt8m, part, n_files, n_videos):
    data = load_tfrecords(yt8m / part / "*.tfrecord")
    assert data.data.shape == (n_videos, 1152)
    assert data.target.shape == (n_videos, 3862)
    assert f"{n_files} TFRecord files" in data.DESCR
    assert len(set(data.ids)) == n_videos
    labels_per_video = np.diff(data.target.indptr)
    assert labels_per_video.min() == 1
    assert 2.9 < labels_per_video.mean() < 3.1
    assert np.abs(data.data).max() < 2.1
    # Label ids are in the order of frequency, over the whole of YouTube-8M.
    assert np.asarray(data.target.sum(axis=0)).ravel()[:10].argmax() == 0


@pytest.mark.realdata
def test_youtube8m_against_a_record_by_record_reading(yt8m):
    import tensorflow as tf

    file = sorted((yt8m / "validate").glob("*.tfrecord"))[0]
    data = load_tfrecords(file)
    n_records = 0
    for i, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator()):
        feature = tf.train.Example.FromString(record).features.feature
        assert data.ids[i] == feature["id"].bytes_list.value[0].decode()
        assert data.target[i].indices.tolist() == sorted(feature["labels"].int64_list.value)
        np.testing.assert_array_equal(data.data[i, :1024], feature["mean_rgb"].float_list.value)
        np.testing.assert_array_equal(data.data[i, 1024:], feature["mean_audio"].float_list.value)
        n_records += 1
    assert n_records == len(data.data)
