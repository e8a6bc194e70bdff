"""Commands over records: train, evaluate, predict and tune, as one uses them in turn."""

import csv
import json
import shutil

import numpy as np
import pytest

import skmlclf
from skmlclf.cli import main
from skmlclf.datasets import VideoRecords, make_video_embeddings, write_tfrecords
from skmlclf.metrics import EstimatorResponses, evaluate_metrics

N_LABELS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Records of 120 videos, in six files, and a model trained on the first four."""
    folder = tmp_path_factory.mktemp("records")
    X, y = make_video_embeddings(120, n_labels=N_LABELS, random_state=0)
    write_tfrecords(folder / "v.tfrecord", X, y, shards=6)
    train = ["train", "--data", f"{folder}/v-0000[0-3]*", "--labels", f"{N_LABELS}"]
    held_out = ["--validate", f"{folder}/v-0000[45]*", "--metrics", "gap_at_5"]
    out = ["--set", "hidden_units=4", "epochs=2", "--out", f"{folder}/model.safetensors"]
    assert main([*train, *held_out, *out]) == 0
    return folder


@pytest.fixture
def held_out(folder):
    return VideoRecords(f"{folder}/v-0000[45]*", n_labels=N_LABELS)


def test_train_prints_its_epochs_and_what_it_saved(folder, capsys, tmp_path):
    out = f"{tmp_path}/model.safetensors"
    args = ["train", "--data", f"{folder}/v-00000*", "--labels", f"{N_LABELS}", "--out", out]
    assert main([*args, "--set", "hidden_units=4", "epochs=1", "--metrics", "hit_at_1"]) == 0
    printed = capsys.readouterr().out
    assert "20 training samples, 1,152 features, 20 labels" in printed
    assert "epoch 1/1" in printed
    assert printed.splitlines()[-1].startswith(f"saved: {out} (")
    assert main(args) == 2
    assert "is there already: add --overwrite" in capsys.readouterr().err


def test_a_file_of_an_array_is_refused_with_the_way_to_use_it(tmp_path, capsys):
    np.save(tmp_path / "clip.npy", np.zeros((2, 1152), np.float32))
    args = ["train", "--data", f"{tmp_path}/*.npy", "--out", f"{tmp_path}/model.safetensors"]
    assert main(args) == 2
    assert "write_npy(folder, X, y) writes such a folder" in capsys.readouterr().err


def test_a_pipeline_with_components_is_trained_and_saved(folder, tmp_path, held_out):
    out = f"{tmp_path}/model.safetensors"
    args = ["train", "--model", "pca", "--data", f"{folder}/v-0000[0-3]*", "--labels", "20"]
    more = ["--validate", f"{folder}/v-0000[45]*", "--set", "hidden_units=4", "epochs=1"]
    assert main([*args, *more, "--out", out]) == 0
    assert skmlclf.load(out).predict_proba(held_out.features).shape == (40, N_LABELS)


def test_a_run_that_was_stopped_is_resumed(folder, tmp_path, capsys):
    out = f"{tmp_path}/model.safetensors"
    args = ["train", "--data", f"{folder}/v-*", "--labels", "20", "--out", out, "--overwrite"]
    args += ["--set", "hidden_units=4", "epochs=2", "--checkpoint", f"{tmp_path}/checkpoint"]
    assert main(args) == 0
    assert "epoch 2/2" in capsys.readouterr().out
    assert main(args) == 0
    assert "epoch 2/2" not in capsys.readouterr().out


def test_evaluate_measures_as_the_metrics_do(folder, tmp_path, capsys, held_out):
    names = ["gap_at_5", "f1_samples", "map", "hit_at_1", "multilabel_confusion_matrix"]
    args = ["evaluate", "--model", f"{folder}/model.safetensors", "--data", f"{folder}/v-0000[45]*"]
    file = tmp_path / "values.json"
    assert main([*args, "--labels", "20", "--metrics", *names, "--json", str(file)]) == 0
    model = skmlclf.load(folder / "model.safetensors")
    responses = EstimatorResponses(model, np.asarray(held_out.features))
    expected = evaluate_metrics(names, held_out.labels, responses)
    assert json.loads(file.read_text()) == pytest.approx(expected, abs=1e-12)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"measured: 8 values on 40 samples, written to {file}"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_writes_the_best_labels(folder, tmp_path, held_out, suffix, capsys):
    out = tmp_path / f"predictions.{suffix}"
    args = ["predict", "--model", f"{folder}/model.safetensors", "--data", f"{folder}/v-0000[45]*"]
    assert main([*args, "--labels", "20", "--top", "3", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"written: {out} (40 videos)\n"
    model = skmlclf.load(folder / "model.safetensors")
    labels, scores = model.predict_topk(held_out.features, 3)
    if suffix == "csv":
        with out.open() as file:
            header, *rows = csv.reader(file)
        assert header == ["VideoId", "LabelConfidencePairs"]
        ids = [row[0] for row in rows]
        pairs = np.array([row[1].split() for row in rows], dtype=float)
        found = pairs[:, ::2], pairs[:, 1::2]
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(out).to_pydict()
        assert table["rank"] == [1, 2, 3] * 40
        ids = table["id"][::3]
        found = (np.reshape(table[name], (40, 3)) for name in ("label", "probability"))
    assert ids == held_out.ids.tolist()
    for values, expected in zip(found, (labels, scores), strict=True):
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_predict_writes_a_file_for_each_file(folder, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    for path in folder.glob("v-0000[45]*"):
        shutil.copy(path, data)
    (data / "v-damaged").write_bytes(b"no record")
    out = tmp_path / "predictions"
    args = ["predict", "--model", f"{folder}/model.safetensors", "--data", f"{data}/v-*"]
    args += ["--out-dir", str(out)]
    assert main(args) == 1
    printed = capsys.readouterr()
    assert f"skmlclf predict: {data}/v-damaged: ValueError: " in printed.err
    assert printed.out == f"1 of 3 files were not predicted; all others are in {out}\n"
    (data / "v-damaged").unlink()
    assert main(args) == 0
    assert capsys.readouterr().out == f"written: {out} (0 new files)\n"
    assert main([*args, "--top", "3"]) == 2
    assert "it differs in k. Add --overwrite to replace it" in capsys.readouterr().err
    assert main([*args, "--top", "3", "--overwrite"]) == 0
    assert capsys.readouterr().out == f"written: {out} (2 new files)\n"
    assert len(list(out.glob("*.tfrecord.csv"))) == 2


@pytest.mark.parametrize("search", ["grid", "random", "halving"])
def test_tune_ranks_saves_and_writes(folder, tmp_path, capsys, search):
    out, results = tmp_path / "model.safetensors", tmp_path / "results.csv"
    args = ["tune", "--data", f"{folder}/v-*", "--labels", "20", "--cv", "2", "--search", search]
    args += ["--grid", "dropout=0.2,0.5", "hidden_units=(2, 2),4", "--scoring", "hit_at_1"]
    args += ["--set", "epochs=3", "--candidates", "3", "--model", "blocks"]
    assert main([*args, "--out", str(out), "--results", str(results)]) == 0
    with results.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == {"grid": 4, "random": 3, "halving": 4 + 2}[search]
    printed = capsys.readouterr().out
    assert "rank   score" in printed
    # A halving search takes the best of its last iteration.
    final = max(int(row.get("iter", 0)) for row in rows)
    last = [row for row in rows if int(row.get("iter", 0)) == final]
    best = min(last, key=lambda row: int(row["rank_test_score"]))
    assert str(skmlclf.load(out).dropout) == best["param_dropout"]
    assert f"saved: {out} (" in printed


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "--data", "v-*", "--out", "m", "--set", "epoch=2"], "--set epoch: there is no"),
        (["train", "--data", "v-*", "--out", "m", "--set", "epochs"], "expected name=value"),
        (["train", "--data", "none-*", "--out", "m"], "none-"),
        (["train", "--data", "v-*", "--out", "no/m"], "--out no/m: there is no folder no"),
        (["train", "--data", "v-*", "--out", "m", "--set", "epochs=0"], "'epochs' parameter"),
        (["evaluate", "--model", "none", "--data", "v-*"], "--model none: There is no file"),
        (["evaluate", "--model", "v-*", "--data", "v-*", "--metrics", "hat_at_1"], "hat_at_1"),
        (
            ["predict", "--model", "m", "--data", "v-*", "--out", "p.txt"],
            "ends in .csv or .parquet",
        ),
        (
            [
                "predict",
                "--model",
                "m",
                "--data",
                "v-*",
                "--out",
                "p.csv",
                "--scheduler",
                "tcp://a:1",
            ],
            "--scheduler spreads files of --out-dir",
        ),
        (
            ["predict", "--model", "m", "--data", "v-*", "--out-dir", "p"],
            "There is no file 'm'",
        ),
        (["tune", "--data", "v-*", "--grid", "dropout"], "--grid dropout: expected name=v1,v2"),
        (["tune", "--data", "v-*", "--grid", "drop=1,2"], "--grid drop: there is no"),
        (
            ["tune", "--data", "v-*", "--grid", "epochs=1,2", "--search", "halving"],
            "a halving search chooses the epochs",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(folder, args, message, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert main([*args, "--labels", "20"]) == 2
    assert message in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_a_converted_folder_stands_for_the_records(folder, tmp_path, capsys):
    converted, out = tmp_path / "converted", tmp_path / "model.safetensors"
    args = ["convert", "--data", f"{folder}/v-0000[0-3]*", "--labels", "20", "--dtype", "float32"]
    assert main([*args, "--out", str(converted), "--quiet"]) == 0
    args = ["train", "--data", str(converted), "--validate", f"{folder}/v-0000[45]*"]
    more = ["--labels", "20", "--metrics", "gap_at_5", "--set", "hidden_units=4", "epochs=2"]
    assert main([*args, *more, "--out", str(out)]) == 0
    models = [skmlclf.load(path) for path in (out, folder / "model.safetensors")]
    assert models[0].history_ == models[1].history_
    assert main(["evaluate", "--model", str(out), "--data", str(converted)]) == 0
    assert "on 80 samples" in capsys.readouterr().out
