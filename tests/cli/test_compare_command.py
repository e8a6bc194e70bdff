"""``skmlclf compare``: what it prints, writes and refuses."""

import json

import numpy as np
import pytest

from skmlclf.cli import main
from skmlclf.comparison import default_architectures, feature_architectures


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


@pytest.mark.parametrize("study", ["architectures", "features"])
def test_the_precision_is_that_of_every_network(study, tmp_path, monkeypatch):
    monkeypatch.setattr("skmlclf.training._hardware.has_bfloat16", lambda: True)
    file = tmp_path / "results.json"
    args = ["compare", "--samples", "60", "--labels", "20", "--epochs", "1", "--study", study]
    name = {"architectures": "pca", "features": "video"}[study]
    assert main([*args, "--only", name, "--precision", "auto", "--json", str(file)]) == 0
    (result,) = json.loads(file.read_text())["results"]
    # What it is on this machine.
    assert result["params"]["mlp__precision"] == "'bfloat16'"
    made = {"architectures": default_architectures, "features": feature_architectures}[study]
    for estimator in made(precision="auto").values():
        params = estimator.get_params()
        assert {v for k, v in params.items() if k.split("__")[-1] == "precision"} == {"auto"}


def test_a_precision_that_the_machine_lacks_is_refused_first(capsys, monkeypatch):
    monkeypatch.setattr("skmlclf.training._hardware.has_bfloat16", lambda: False)
    assert main(["compare", "--precision", "bfloat16"]) == 2
    printed = capsys.readouterr()
    assert "--precision bfloat16: " in printed.err
    assert printed.out == ""


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
        assert "there can be 80 components at most" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--train", "nowhere/*"], "go together"),
        (["--train", "nowhere/*", "--validate", "nowhere/*"], "nowhere"),
        (["--json", "nowhere/results.json"], "no folder nowhere"),
        (["--json", "/"], "expected a file"),
        (["--json", "/dev/full"], "--json /dev/full: it cannot be written"),
        (["--report", "/dev/null/report"], "--report /dev/null/report: expected a folder"),
        (["--report", "/proc"], "--report /proc: it cannot be written"),
        (["--labels", "2"], "--labels 2: simulated samples have 3 labels on average"),
        (["--only", "best"], "expected some of base, pca, blocks, deep"),
        (["--metrics", "precision_at_x"], "--metrics: There is no metric 'precision_at_x'"),
        (["--metrics", "multilabel_confusion_matrix"], "--metrics: metrics must name at least one"),
    ],
)
def test_bad_input_is_told_in_a_line(args, message, capsys):
    assert main(["compare", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--epochs", "0", "at least 1"),
        ("--epochs", "x", "at least 1"),
        ("--samples", "2", "at least 5"),
        ("--labels", "0", "at least 1"),
        ("--seed", "-1", "between 0 and 4294967295"),
    ],
)
def test_bad_numbers_are_refused_by_name(option, value, wanted, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", f"{option}={value}"])
    assert f"argument {option}: must be a whole number, {wanted}" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--samples", "5", "--labels", "3"], ["--samples", "6"]])
def test_the_smallest_data_work(args, capsys):
    assert main(["compare", "--epochs", "1", "--only", "base", *args]) == 0


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
    assert "expected one of n_parameters, seconds" in capsys.readouterr().err
    names.write_text("one\ntwo")
    assert main([*args, "--label-names", str(names)]) == 2
    assert "one line for each of the 30 labels, got 2" in capsys.readouterr().err


SMALL = ["compare", "--samples", "60", "--labels", "30", "--epochs", "1"]


def architectures_with(monkeypatch, name, error):
    """Make the command's second architecture fail."""

    def make(**kwargs):
        made = default_architectures(**kwargs)

        class Failing(type(made["base"])):
            def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
                raise error

        return {"base": made["base"], name: Failing()}

    monkeypatch.setattr("skmlclf.comparison.default_architectures", make)


def test_an_architecture_that_fails_leaves_the_others(monkeypatch, tmp_path, capsys):
    architectures_with(monkeypatch, "broken", RuntimeError("out of order"))
    file = tmp_path / "results.json"
    assert main([*SMALL, "--json", str(file), "--report", str(tmp_path / "report")]) == 1
    captured = capsys.readouterr()
    assert "broken failed: RuntimeError: out of order" in captured.out
    assert "against base" not in captured.out
    base, broken = json.loads(file.read_text())["results"]
    assert base["error"] is None
    assert base["loss"] > 0
    assert broken["error"] == "RuntimeError: out of order"
    assert broken["loss"] is None
    assert "broken</b> failed" in (tmp_path / "report" / "index.html").read_text()


def test_an_interrupt_keeps_what_is_done(monkeypatch, tmp_path, capsys):
    architectures_with(monkeypatch, "slow", KeyboardInterrupt())
    file = tmp_path / "results.json"
    assert main([*SMALL, "--json", str(file)]) == 130
    captured = capsys.readouterr()
    assert "\nbase " in captured.out
    assert "interrupted" in captured.err
    assert [result["name"] for result in json.loads(file.read_text())["results"]] == ["base"]


@pytest.mark.parametrize("broken", ["json", "report"])
def test_an_output_that_fails_leaves_the_other(broken, monkeypatch, tmp_path, capsys):
    file, folder = tmp_path / "results.json", tmp_path / "report"
    # What takes the place of the output only after it was checked.
    target = file if broken == "json" else folder / "index.html"
    real = default_architectures

    def make(**kwargs):
        target.mkdir(parents=True, exist_ok=True)
        return real(**kwargs)

    monkeypatch.setattr("skmlclf.comparison.default_architectures", make)
    assert main([*SMALL, "--only", "base", "--json", str(file), "--report", str(folder)]) == 1
    captured = capsys.readouterr()
    assert f"--{broken} {tmp_path}" in captured.err
    assert "not written: [Errno 21] Is a directory" in captured.err
    assert "Traceback" not in captured.err
    assert file.is_file() == (broken == "report")
    assert ("report: " in captured.out) == (broken == "json")


# scikit-learn 1.7 counts the rows of an indicator as classes.
@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_scorers_of_scikit_learn_may_be_named(capsys):
    assert main([*SMALL, "--only", "base", "--metrics", "hit_at_1", "f1_micro"]) == 0
    header = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("architecture"))
    assert header.split()[-2:] == ["hit@1", "f1_micro"]
