"""The command: what it prints, writes and refuses."""

import gc
import json
import sys

import numpy as np
import pytest

from skmlclf.cli import _lasting_imports, main


def test_imports_that_last_are_kept_from_the_collector(monkeypatch):
    before = gc.get_freeze_count()
    with _lasting_imports():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before  # TensorFlow was there already
    monkeypatch.delitem(sys.modules, "tensorflow")
    try:
        with _lasting_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_the_command_prints_and_writes(tmp_path, capsys):
    file = tmp_path / "results.json"
    args = ["compare", "--samples", "60", "--labels", "30", "--epochs", "2", "--only", "base"]
    assert main([*args, "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "48 training and 12 held-out samples, 1,152 features, 30 labels" in out
    assert "epoch 2/2" in out
    (result,) = json.loads(file.read_text())["results"]
    assert result["name"] == "base"
    assert np.isfinite(result["history"]["val_precision_at_20"]).all()
    assert len(result["history"]["loss"]) == 2


def test_the_others_are_held_against_the_base(capsys):
    args = ["compare", "--samples", "60", "--labels", "30", "--epochs", "1", "--study", "features"]
    assert main([*args, "--only", "base", "video"]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("against base"))
    assert lines[start + 2].startswith("video ")
    # 128 inputs fewer to each of 1,024 units, of all the weights of the base.
    assert lines[start + 2].split()[1] == f"{-128 * 1024 / (1153 * 1024 + 1025 * 30):+.1%}"


@pytest.mark.parametrize(
    ("study", "expected"),
    [("architectures", ["pca"]), ("features", ["pca-64"])],
)
def test_few_rows_bound_the_components(study, expected, capsys, tmp_path):
    file = tmp_path / "results.json"
    args = ["compare", "--samples", "100", "--labels", "20", "--epochs", "1", "--study", study]
    assert main([*args, "--only", *expected, "--json", str(file)]) == 0
    (result,) = json.loads(file.read_text())["results"]
    components = int(result["params"]["pca__n_components"])
    assert components == {"architectures": 80, "features": 64}[study]
    if study == "features":
        assert main([*args, "--only", "pca-512"]) == 2
        assert "80 training samples are too few" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--train", "nowhere/*"], "go together"),
        (["--train", "nowhere/*", "--validate", "nowhere/*"], "nowhere"),
        (["--json", "nowhere/results.json"], "no folder nowhere"),
        (["--json", "/"], "expected a file"),
        (["--report", "/dev/null/report"], "/dev/null/report"),
        (["--only", "best"], "expected some of base, pca, blocks, deep"),
    ],
)
def test_bad_input_is_told_in_a_line(args, message, capsys):
    assert main(["compare", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_bad_numbers_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--epochs", "0"])
    assert "at least 1" in capsys.readouterr().err


def test_the_study_of_features_from_the_command_line(tmp_path, capsys):
    args = ["compare", "--study", "features", "--samples", "50", "--labels", "30", "--epochs", "1"]
    args += ["--only", "audio", "video", "--report", str(tmp_path / "study")]
    args += ["--metrics", "hamming", "hit_at_1", "--sort-by", "hit_at_1"]
    names = tmp_path / "names"
    names.write_text("\n".join(f"name {i}" for i in range(30)))
    assert main([*args, "--label-names", str(names)]) == 0
    assert "index.html" in capsys.readouterr().out
    page = (tmp_path / "study" / "index.html").read_text()
    assert "--study features" in page
    assert 'aria-sort="descending"><button>hit@1' in page
    assert "name 1" in page
    assert 'id="differences"' not in page  # the base took no part
    args = args[: args.index("--sort-by")]
    assert main([*args, "--sort-by", "f1_samples"]) == 2
    assert "expected one of parameters, seconds" in capsys.readouterr().err
    names.write_text("one\ntwo")
    assert main([*args, "--label-names", str(names)]) == 2
    assert "a line for each of the 30 labels, got 2" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_before_any_fit(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    assert main(["compare", "--report", str(tmp_path / "file")]) == 2
    assert "expected a folder" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["compare", "--report", str(tmp_path / "folder")]) == 2
    captured = capsys.readouterr()
    assert "pip install matplotlib" in captured.err
    assert captured.out == ""
