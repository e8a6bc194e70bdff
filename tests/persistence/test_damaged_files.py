"""Model files that are damaged or made to do harm: refused, or loaded as they were."""

import builtins
import collections
import os
import resource
import subprocess

import cases
import damage
import numpy as np
import pytest

import skmlclf

N_FILES = 320
# A file of the tests takes some kilobytes; TensorFlow's own buffers are the rest.
MEMORY_BYTES = 400 * 2**20
# What a valid value of decides what is predicted.
CHOICES = {"residual", "whiten", "set_output", "steps", "n_neighbors", "temperature"}


def originals():
    y = cases.label_matrix()
    return {
        "base": cases.classifiers()["base"].partial_fit(cases.features(), y),
        "network": cases.classifiers()["network"].fit(*cases.targets()["strings"]),
        "deep": cases.classifiers()["deep"].fit(*cases.targets()["frame"]),
        "feature_mlp": cases.pipelines()["feature_mlp"].fit(cases.features(), y),
        "blockwise": cases.pipelines()["blockwise"].fit(cases.features(), y),
        "tuned": cases.pipelines()["tuned"].fit(cases.features(), y),
        "blend": cases.pipelines()["blend"].fit(cases.features(), y),
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Bytes of some files, with what their estimators predict."""
    path = tmp_path_factory.mktemp("models") / "m"
    found = []
    for estimator in originals().values():
        skmlclf.save(estimator, path, with_optimizer=True, overwrite=True)
        rows = cases.rows_of(estimator)
        found.append((path.read_bytes(), rows, estimator.predict_proba(rows)))
    return found


@pytest.fixture
def no_code(monkeypatch):
    """Let nothing be run or imported that a file could ask for."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"a file ran code: {args}")

    for module, name in [(os, "system"), (subprocess, "Popen"), (builtins, "eval")]:
        monkeypatch.setattr(module, name, refuse)


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_damaged_files_are_refused_or_load_as_they_were(models, tmp_path, no_code):
    outcomes = collections.Counter()
    path = tmp_path / "m"
    before = peak_bytes()
    for seed in range(N_FILES):
        # Every damage meets every file.
        data, rows, expected = models[seed // len(damage.DAMAGES) % len(models)]
        kind, place, content = damage.damaged(data, seed)
        path.write_bytes(content)
        message = None
        try:
            loaded = skmlclf.load(path, custom_objects=cases.CUSTOM_OBJECTS)
            found = loaded.predict_proba(rows)
            loaded.predict(rows)
        except ValueError as error:
            message = str(error)
        if message is not None:
            # Steps that do not go together, and other names of features, show when rows come.
            assert str(path) in message or {"steps", "feature_names"} & set(place), (
                seed,
                kind,
                place,
                message,
            )
            assert len(message) < 2000, (seed, kind, place)
            outcomes["refused"] += 1
        elif np.array_equal(found, expected):
            outcomes["the same predictions"] += 1
        else:
            # Sealed again with another valid choice: the file of another model.
            assert set(place) & CHOICES, (seed, kind, place)
            outcomes["another model"] += 1
    print(dict(outcomes), f"{(peak_bytes() - before) / 2**20:.0f} MB more at the peak")
    assert outcomes["refused"] > 0.7 * N_FILES
    assert outcomes["another model"] < 0.03 * N_FILES
    assert peak_bytes() - before < MEMORY_BYTES


def test_other_files_are_refused(tmp_path):
    import pickle

    from safetensors.numpy import save_file

    path = tmp_path / "m"
    contents = [b"", b"\0" * 7, b"\0" * 999, pickle.dumps({}), b"PK\3\4" + b"\0" * 99, b"{}" * 50]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="m' cannot be loaded"):
            skmlclf.load(path)
    save_file({"x": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="a safetensors file that skmlclf did not write"):
        skmlclf.load(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        skmlclf.load(tmp_path)


def test_a_newer_file_says_what_to_do(models, tmp_path):
    data, *_ = models[0]
    document = damage.document_of(data)
    path = tmp_path / "m"
    path.write_bytes(damage.with_document(data, {**document, "format_version": 2, "new": 1}))
    with pytest.raises(ValueError, match=r"format version 2, .* up to 1: upgrade skmlclf"):
        skmlclf.load(path)


def test_any_flip_of_a_weight_is_noticed(models, tmp_path):
    data, *_ = models[0]
    path = tmp_path / "m"
    damaged = bytearray(data)
    damaged[-100] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match="does not fit its checksum"):
        skmlclf.load(path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("n_features",), 2**40),
        (("network", "hidden_units"), [2**40]),
        (("network", "hidden_units"), [16] * 10_000),
        (("network", "activation"), "skmlclf>VariableDropout"),
        (("targets", "dtype"), "<U1000000000"),
        (("generator", "pos"), 2**40),
        (("best_epoch",), 10**9),
    ],
    ids=str,
)
def test_numbers_are_compared_before_anything_is_built(models, tmp_path, place, value):
    data, *_ = models[0]
    document = damage.document_of(data)
    fields = document["model"]["$estimator"]["fitted"]
    for key in place[:-1]:
        fields = fields[key]
        fields = fields.get("$random_state", fields) if isinstance(fields, dict) else fields
    fields[place[-1]] = value
    path = tmp_path / "m"
    path.write_bytes(damage.with_document(data, document))
    before = peak_bytes()
    with pytest.raises(ValueError, match="cannot be loaded"):
        skmlclf.load(path)
    assert peak_bytes() - before < MEMORY_BYTES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("estimator", None),
        ("estimator", True),
        ("n_features", 5),
        ("weight", 1.5),
        ("temperature", -0.1),
        ("components", []),
        ("rows", None),
        ("label_indices", [0]),
    ],
    ids=str,
)
def test_a_blend_that_does_not_fit_itself_is_refused(models, tmp_path, name, value):
    data, *_ = models[-1]
    document = damage.document_of(data)
    document["model"]["$estimator"]["fitted"][name] = value
    path = tmp_path / "m"
    path.write_bytes(damage.with_document(data, document))
    with pytest.raises(ValueError, match="cannot be loaded"):
        skmlclf.load(path)
