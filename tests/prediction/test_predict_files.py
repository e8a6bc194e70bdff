"""Files of predictions: what is in them, what is kept, and what is refused."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import skmlclf
from skmlclf import BaseMLPClassifier
from skmlclf.datasets import make_video_embeddings, write_tfrecords
from skmlclf.prediction import _task, predict_files


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three record files of 20 videos, and two models."""
    folder = tmp_path_factory.mktemp("made")
    X, y = make_video_embeddings(60, n_labels=10, random_state=0)
    write_tfrecords(folder / "v.tfrecord", X, y, shards=3)
    for i in range(2):
        clf = BaseMLPClassifier(4, epochs=1, random_state=i).fit(X, y)
        clf.save(folder / f"{i}.safetensors")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "made")


def predict(folder, model=0, **kwargs):
    kwargs = {"k": 3, **kwargs}
    return predict_files(folder / f"{model}.safetensors", f"{folder}/v-*", folder / "out", **kwargs)


def contents(folder):
    return {path: path.read_bytes() for path in (folder / "out").iterdir() if path.is_file()}


@pytest.mark.parametrize("kind", ["tfrecord", "npy", "parquet"])
def test_rows_of_every_kind_of_file(made, tmp_path, kind):
    X, _ = make_video_embeddings(60, n_labels=10, random_state=0)
    source = tmp_path / f"rows.{kind}"
    if kind == "tfrecord":
        write_tfrecords(source, X, np.zeros((60, 10), int), ids=[f"v{i}" for i in range(60)])
        (source,) = tmp_path.glob("rows*")
    elif kind == "npy":
        np.save(source, X)
    else:
        pa = pytest.importorskip("pyarrow")
        rows = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), X.shape[1])
        pytest.importorskip("pyarrow.parquet").write_table(pa.table({"features": rows}), source)
    (written,) = predict_files(made / "0.safetensors", source, tmp_path / "out", k=2)
    lines = [line.split(",") for line in Path(written).read_text().splitlines()[1:]]
    prefix = "v" if kind == "tfrecord" else ""
    assert [line[0] for line in lines] == [f"{prefix}{i}" for i in range(60)]
    labels, _ = skmlclf.load(made / "0.safetensors").predict_topk(X, 2)
    assert [line[1].split()[::2] for line in lines] == labels.astype(str).tolist()


def test_what_is_there_is_not_made_again(folder, monkeypatch):
    written = predict(folder)
    assert len(written) == 3
    before = contents(folder)
    times = [path.stat().st_mtime_ns for path in before]
    assert predict(folder) == []
    assert [path.stat().st_mtime_ns for path in before] == times
    # One that is missing, and one that was cut.
    first, second, _ = sorted(before)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    assert predict(folder) == [str(first), str(second)]
    assert contents(folder) == before


def touched(folder):
    path = folder / "v-00001-of-00003.tfrecord"
    path.write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("change", "kwargs", "message"),
    [
        (None, {"model": 1}, "differs in model"),
        (None, {"k": 2}, "differs in k"),
        (None, {"records": {"on_error": "skip"}}, "differs in records"),
        (touched, {}, "00001-of-00003.*differs in input"),
        (lambda folder: shutil.rmtree(folder / "out" / ".skmlclf"), {}, "differs in input, model"),
    ],
)
def test_what_was_made_otherwise_is_refused_or_replaced(folder, change, kwargs, message):
    predict(folder)
    before = contents(folder)
    if change is not None:
        change(folder)
    with pytest.raises(FileExistsError, match=message):
        predict(folder, **kwargs)
    assert contents(folder) == before
    written = predict(folder, overwrite=True, **kwargs)
    assert len(written) == (1 if change is touched else 3)
    assert predict(folder, **kwargs) == []


def test_another_folder_for_the_index_changes_nothing(folder):
    predict(folder)
    assert predict(folder, records={"cache": str(folder)}) == []


@pytest.mark.parametrize("moment", ["before the note", "before the target"])
def test_a_call_that_was_killed_is_resumed(folder, monkeypatch, moment):
    predict(folder)
    expected = contents(folder)
    shutil.rmtree(folder / "out")

    class Killed(BaseException):
        pass

    replacing = _task.replacing

    def killed(path, **kwargs):
        name = str(path)
        if ".json" in name and "00001" in name:
            if moment == "before the target":
                with replacing(path, **kwargs) as note:
                    note.write_text("{}")
            raise Killed
        return replacing(path, **kwargs)

    monkeypatch.setattr(_task, "replacing", killed)
    with pytest.raises(Killed):
        predict(folder)
    monkeypatch.undo()
    # What a process leaves that cannot clean up; a folder of somebody else's stays.
    for name in (".v-00001-of-00003.tfrecord.csv.abc.tmp", ".other.csv.abc.tmp"):
        (folder / "out" / name).mkdir()
    assert len(predict(folder)) == 2
    assert contents(folder) == expected
    left = {path.name for path in (folder / "out").glob(".*")}
    assert left == {".skmlclf", ".other.csv.abc.tmp"}


def test_the_model_is_loaded_once_and_let_go(folder, monkeypatch):
    loads = []
    load = _task.load
    monkeypatch.setattr(_task, "load", lambda *a, **k: loads.append(a) or load(*a, **k))
    predict(folder)
    assert len(loads) == 1
    assert not _task._models


def test_errors_name_their_files(folder):
    paths = sorted(folder.glob("v-*"))
    paths[0].write_bytes(b"")
    np.save(folder / "v-narrow.npy", np.zeros((3, 5), np.float32))
    with pytest.raises(ExceptionGroup, match="2 of 4 files") as raised:
        predict(folder)
    first, second = map(str, raised.value.exceptions)
    assert first.startswith(f"{paths[0]}: ")
    assert second.startswith(f"{folder}/v-narrow.npy: ValueError: X has 5 features")
    assert len(contents(folder)) == 2


def test_skipped_records_are_told_of(folder):
    path = sorted(folder.glob("v-*"))[0]
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="1 faulty records of 1 files"):
        predict(folder, records={"on_error": "skip"})
    assert len(contents(folder)) == 3


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"k": 0}, ValueError, "'k' parameter"),
        ({"k": 11}, ValueError, "from 1 to the 10 labels of the model. Received 11"),
        ({"format": "json"}, ValueError, "'format' parameter"),
        ({"records": {"n_jobs": 2}}, ValueError, "Received n_jobs"),
        ({"model": "none"}, FileNotFoundError, "There is no file"),
        ({"scheduler": 3}, ValueError, "'scheduler' parameter"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(folder, kwargs, error, message):
    with pytest.raises(error, match=message):
        predict(folder, **kwargs)
    assert not (folder / "out").exists()


def test_the_default_number_of_labels_stands_for_all_of_fewer(folder):
    predict(folder, k=20)
    first = (folder / "out" / "v-00000-of-00003.tfrecord.csv").read_text().splitlines()[1]
    assert len(first.partition(",")[2].split()) == 2 * 10


def test_files_of_one_name_and_models_that_are_none_are_refused(folder):
    (folder / "other").mkdir()
    shutil.copy(folder / "v-00001-of-00003.tfrecord", folder / "other")
    with pytest.raises(ValueError, match="different names"):
        predict_files(folder / "0.safetensors", f"{folder}/**/v-*", folder / "out")
    (folder / "0.safetensors").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="cannot be loaded"):
        predict(folder)
    assert not (folder / "out").exists()


def test_a_cluster_needs_dask(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install skmlclf\[dask\]"):
        predict(folder, scheduler="tcp://127.0.0.1:1")
