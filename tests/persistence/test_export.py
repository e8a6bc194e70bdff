"""Exported networks return what the classifier returns."""

import importlib.util

import cases
import numpy as np
import pytest
import tensorflow as tf

from skmlclf import BaseMLPClassifier, DeepMLPClassifier
from skmlclf.datasets import load_tfrecords, make_video_embeddings


def run_onnx(path, X):
    ort = pytest.importorskip("onnxruntime")
    session = ort.InferenceSession(path)
    (features,) = session.get_inputs()
    return session.run(None, {features.name: X})[0]


def run_litert(path, X):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(model_path=str(path))
    (features,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(features["index"], X.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(features["index"], X)
    interpreter.invoke()
    return interpreter.get_tensor(output["index"])


def run_savedmodel(path, X):
    (output,) = tf.saved_model.load(path).signatures["serving_default"](tf.constant(X)).values()
    return output.numpy()


RUN = {"onnx": run_onnx, "litert": run_litert, "savedmodel": run_savedmodel}
FORMATS = pytest.mark.parametrize("format", RUN)


def export(clf, path, format, **kwargs):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
    clf.export(path, format=format, **kwargs)
    return path


@FORMATS
@pytest.mark.parametrize("name", cases.classifiers())
@pytest.mark.parametrize("target", ["csr_matrix", "multiclass"])
def test_every_classifier_is_exported(tmp_path, format, name, target):
    X, y = cases.targets()[target]
    clf = cases.classifiers()[name].fit(X, y)
    before = clf.predict_proba(X)
    path = export(clf, tmp_path / "m", format)
    np.testing.assert_allclose(RUN[format](path, X), before, rtol=1e-4, atol=1e-6)
    # Nothing else is written, and the classifier is as it was.
    assert [each.name for each in tmp_path.iterdir()] == ["m"]
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    clf.partial_fit(X, y)


@FORMATS
def test_two_classes_have_one_output(tmp_path, format):
    X, y = cases.targets()["binary"]
    clf = BaseMLPClassifier(8, epochs=1, random_state=0).fit(X, y)
    found = RUN[format](export(clf, tmp_path / "m", format), X)
    np.testing.assert_allclose(found, clf.predict_proba(X)[:, 1:], rtol=1e-4, atol=1e-6)


@pytest.mark.realdata
@FORMATS
def test_real_rows_get_the_same_probabilities(tmp_path, format, yt8m):
    X, y = yt8m
    clf = DeepMLPClassifier((64, 64), epochs=1, random_state=0).fit(X, y)
    found = RUN[format](export(clf, tmp_path / "m", format), X)
    expected = clf.predict_proba(X)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    best = np.argsort(-expected, axis=1)[:, 0]
    np.testing.assert_array_equal(np.argsort(-found, axis=1)[:, 0], best)


@pytest.fixture(scope="module")
def yt8m():
    """A thousand real rows."""
    import os
    from pathlib import Path

    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if not folder:
        pytest.skip("SKMLCLF_YT8M_DIR is not set")
    shard = sorted(Path(folder, "train").glob("*.tfrecord"))[0]
    records = load_tfrecords(shard)
    return np.ascontiguousarray(records.data[:1000]), records.target[:1000]


@FORMATS
def test_nothing_is_replaced_unless_told(tmp_path, format):
    X, y = make_video_embeddings(60, n_labels=9, random_state=0)
    clf = BaseMLPClassifier(4, epochs=1).fit(X, y)
    path = export(clf, tmp_path / "m", format)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        clf.export(path, format=format)
    export(clf.fit(X, y), path, format, overwrite=True)
    np.testing.assert_allclose(RUN[format](path, X), clf.predict_proba(X), rtol=1e-4, atol=1e-6)
    assert [each.name for each in tmp_path.iterdir()] == ["m"]


@FORMATS
def test_a_folder_that_is_no_export_is_never_replaced(tmp_path, format):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
    clf = BaseMLPClassifier(4, epochs=1).fit(*cases.targets()["binary"])
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "file").write_text("precious")
    with pytest.raises(FileExistsError, match=r"is no .* export"):
        clf.export(tmp_path / "home", format=format, overwrite=True)
    assert (tmp_path / "home" / "file").read_text() == "precious"


def test_formats_that_are_not_there(tmp_path, monkeypatch):
    clf = BaseMLPClassifier(4, epochs=1).fit(*cases.targets()["binary"])
    with pytest.raises(ValueError, match="format must be one of 'onnx', 'litert', 'savedmodel'"):
        clf.export(tmp_path / "m", format="pmml")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install skmlclf\[onnx\]"):
        clf.export(tmp_path / "m", format="onnx")
    assert not list(tmp_path.iterdir())
