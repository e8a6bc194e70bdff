"""Checkpoint: its settings, its folder, and what it refuses."""

import copy
import errno
import fcntl
import json
import os
import pickle

import cloudpickle
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmlclf import BaseMLPClassifier, NetworkClassifier, load
from skmlclf.callbacks import Checkpoint, EpochMetrics, EpochTable
from skmlclf.persistence import _file


def problem(n_rows=60, n_features=10, n_labels=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    return X, (X @ rng.standard_normal((n_features, n_labels)) > 2).astype(np.int64)


def make(folder, cls=BaseMLPClassifier, *, callbacks=(), every="epoch", **params):
    callbacks = [Checkpoint(folder, every=every), *callbacks]
    return cls(
        **{"hidden_units": 6, "epochs": 2, "random_state": 0, **params, "callbacks": callbacks}
    )


def linear(n_features, n_outputs, bias=True):
    inputs = keras.Input((n_features,))
    return keras.Model(inputs, keras.layers.Dense(n_outputs, use_bias=bias)(inputs))


def own(folder, **params):
    return NetworkClassifier(
        linear, epochs=2, random_state=0, callbacks=[Checkpoint(folder)], **params
    )


@pytest.mark.parametrize("every", ["epochs", 0, -1, 1.5, True, None, "3"])
def test_every_is_epoch_or_a_count(every, tmp_path):
    with pytest.raises(ValueError, match='every must be "epoch" or a positive int'):
        Checkpoint(tmp_path, every=every)


def test_it_is_settings_only(tmp_path):
    X, y = problem()
    clf = make(tmp_path, every=np.int64(3)).fit(X, y)
    (used,) = clf.callbacks
    copies = [copy.deepcopy(used), pickle.loads(pickle.dumps(used)), clone(clf).callbacks[0]]
    copies += [cloudpickle.loads(cloudpickle.dumps(clf)).callbacks[0]]
    for each in copies:
        assert (each.folder, each.every) == (tmp_path, 3)
    assert len(pickle.dumps(used)) < 500


def test_the_folder_holds_one_file(tmp_path):
    X, y = problem()
    folder = tmp_path / "new" / "one"
    make(str(folder)).fit(X, y)
    assert [p.name for p in folder.iterdir()] == ["checkpoint.safetensors"]
    with pytest.raises(ValueError, match="cannot be loaded"):
        load(folder / "checkpoint.safetensors")


def test_a_finished_fit_is_returned_at_once(tmp_path, capsys):
    X, y = problem()
    first = make(tmp_path, verbose=1).fit(X, y)
    assert capsys.readouterr().out
    before = (tmp_path / "checkpoint.safetensors").stat()
    again = make(tmp_path, verbose=1, every=2, callbacks=[EpochTable()]).fit(X, y)
    assert not capsys.readouterr().out
    assert (tmp_path / "checkpoint.safetensors").stat() == before
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert (again.history_, again.n_iter_, again.best_epoch_) == (first.history_, 2, 1)


# What is changed, and what the error says of it.
PARAMETERS = [
    ({"epochs": 7}, "epochs was 2, is 7"),
    (
        {"learning_rate": 0.1, "batch_size": 8},
        "batch_size was 'auto', is 8; learning_rate was 0.002, is 0.1",
    ),
    ({"hidden_units": (6, 6)}, r"hidden_units was 6, is \[6, 6\]"),
    ({"optimizer": "sgd"}, "optimizer was 'adam', is 'sgd'"),
    ({"optimizer": keras.optimizers.Adam(0.1)}, "optimizer was 'adam', is Adam"),
    ({"class_weight": {0: 2.0}}, "class_weight was None, is not there; class_weight.0 was not"),
    ({"class_weight": np.ones(5)}, "class_weight was None, is float64 of shape"),
    ({"random_state": 1}, "random_state was 0, is 1"),
    ({"random_state": None}, "random_state was 0, is None"),
    ({"distribute": "mirrored"}, "distribute was None, is 'mirrored'"),
    ({"early_stopping": True}, "early_stopping was False, is True"),
    ({"scoring": lambda clf, X, y: 0.0}, "scoring was 'loss', is <lambda>"),
    ({"label_names": list("abcde")}, r"label_names was None, is \['a', 'b', 'c', 'd', 'e'\]"),
    ({"callbacks": [EpochMetrics()]}, r"callbacks\[1\] was not there, is EpochMetrics"),
    ({"callbacks": [keras.callbacks.TerminateOnNaN]}, "is TerminateOnNaN"),
    ({"cls": NetworkClassifier, "build_network": linear}, "the classifier was BaseMLP"),
]


@pytest.mark.parametrize(("params", "message"), PARAMETERS, ids=[m for _, m in PARAMETERS])
def test_other_parameters_are_refused_by_name(params, message, tmp_path):
    X, y = problem()
    make(tmp_path).fit(X, y)
    changed = make(tmp_path, **params)
    before = vars(changed).copy()
    with pytest.raises(ValueError, match=f"is of another fit: .*{message}"):
        changed.fit(X, y)
    assert vars(changed) == before


def test_an_optimizer_object_is_compared_by_its_settings(tmp_path):
    X, y = problem()
    make(tmp_path, optimizer=keras.optimizers.SGD(0.1, momentum=0.9)).fit(X, y)
    make(tmp_path, optimizer=keras.optimizers.SGD(0.1, momentum=0.9)).fit(X, y)
    with pytest.raises(ValueError, match=r"fit: optimizer.momentum was 0.9, is 0.8\. Restore"):
        make(tmp_path, optimizer=keras.optimizers.SGD(0.1, momentum=0.8)).fit(X, y)


def test_a_function_that_builds_other_layers_is_refused(tmp_path, monkeypatch):
    X, y = problem()
    own(tmp_path).fit(X, y)
    own(tmp_path).fit(X, y)
    with pytest.raises(ValueError, match="network__bias was not there, is True"):
        own(tmp_path, network__bias=True).fit(X, y)
    monkeypatch.setattr(linear, "__defaults__", (False,))
    with pytest.raises(ValueError, match="the network: other values in FunctionNetwork"):
        own(tmp_path).fit(X, y)


def test_rows_of_a_callback_are_compared(tmp_path):
    X, y = problem()

    def watched(rows):
        watch = EpochMetrics(["map"], X_val=rows, y_val=y, name="test", verbose=False)
        return make(tmp_path, callbacks=[watch])

    watched(X + 1).fit(X, y)
    watched(X + 1).fit(X, y)
    with pytest.raises(ValueError, match="X_test: other values in float32"):
        watched(X + 2).fit(X, y)


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


DATA = [
    (lambda X, y: {"X": changed(X, (7, 3), 9)}, "X: other values in float32 of shape"),
    (lambda X, y: {"X": X.astype(np.float64)}, "X was float32 of shape .*, is float64 of shape"),
    (lambda X, y: {"X": X[:50], "y": y[:50]}, r"X was float32 of shape \(60, 10\), is .*\(50, 10"),
    (lambda X, y: {"X": X[::-1]}, "X: other values"),
    (lambda X, y: {"y": changed(y, (5, 2), 1 - y[5, 2])}, "y: other values in 60 rows of 5 labels"),
    (lambda X, y: {"y": y[:, :4]}, "y was 60 rows of 5 labels, is 60 rows of 4 labels"),
    (lambda X, y: {"y": changed(y.astype(float), (5, 2), np.nan)}, "y: other values"),
    (lambda X, y: {"sample_weight": np.ones(60)}, "sample_weight was not there, is weights of 60"),
    (lambda X, y: {"X_val": X + 1, "y_val": y}, "X_val was not there, is float32 of shape"),
]


@pytest.mark.parametrize(("change", "message"), DATA, ids=[m for _, m in DATA])
def test_other_data_are_refused_by_name(change, message, tmp_path):
    X, y = problem()
    make(tmp_path).fit(X, y)
    clf = make(tmp_path)
    with pytest.raises(ValueError, match=f"is of another fit: .*{message}"):
        clf.fit(**{"X": X, "y": y, **change(X, y)})
    assert not hasattr(clf, "model_")


def test_a_pandas_table_is_told_from_one_with_other_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = problem()
    make(tmp_path).fit(pandas.DataFrame(X, columns=list("abcdefghij")), y)
    with pytest.raises(ValueError, match="the feature names: other values in 10 names"):
        make(tmp_path).fit(pandas.DataFrame(X, columns=list("ABCDEFGHIJ")), y)


def test_rows_past_64_mb_are_compared_in_part(tmp_path, monkeypatch):
    from skmlclf.classifiers import _description

    monkeypatch.setattr(_description, "_MAX_BYTES", 10 * 40)
    X, y = problem()
    make(tmp_path).fit(X, y)
    make(tmp_path).fit(changed(X, (1, 0), 9), y)
    with pytest.raises(ValueError, match="X: other values"):
        make(tmp_path).fit(changed(X, (-1, 0), 9), y)


def test_partial_fit_is_refused(tmp_path):
    X, y = problem()
    with pytest.raises(ValueError, match=r"partial_fit .* call save\(path, with_optimizer=True\)"):
        make(tmp_path).partial_fit(X, y)
    assert not list(tmp_path.iterdir())


def test_two_checkpoints_are_refused(tmp_path):
    X, y = problem()
    with pytest.raises(ValueError, match="more than one Checkpoint"):
        make(tmp_path, callbacks=[Checkpoint(tmp_path / "b")]).fit(X, y)


def test_the_fit_of_a_keras_model_is_refused(tmp_path):
    X, y = problem()
    model = linear(10, 5)
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="BackupAndRestore"):
        model.fit(X, y, callbacks=[Checkpoint(tmp_path)], verbose=0)


def test_bad_input_makes_no_folder(tmp_path):
    X, y = problem()
    with pytest.raises(ValueError, match="NaN"):
        make(tmp_path / "new").fit(np.full_like(X, np.nan), y)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_for_one_fit_at_a_time(tmp_path):
    X, y = problem()
    lock = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    clf = make(tmp_path)
    with pytest.raises(RuntimeError, match="Another fit is writing checkpoints to"):
        clf.fit(X, y)
    assert not hasattr(clf, "model_")
    os.close(lock)
    clf.fit(X, y)


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch):
    def unsupported(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    X, y = problem()
    assert make(tmp_path).fit(X, y).n_iter_ == 2


def test_searches_need_a_folder_for_each_fit(tmp_path):
    X, y = problem()
    search = GridSearchCV(
        make(tmp_path), {"learning_rate": [0.1, 0.2]}, cv=2, error_score="raise", scoring="f1_micro"
    )
    with pytest.raises(ValueError, match="is of another fit"):
        search.fit(X, y)


class Steps(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        raise AssertionError("training has begun")


def test_a_folder_that_is_no_folder_is_found_before_the_first_step(tmp_path):
    X, y = problem()
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        clf = make(folder, callbacks=[Steps()])
        with pytest.raises(OSError, match=f"Checkpoints cannot be written to '{folder}'"):
            clf.fit(X, y)
        assert not hasattr(clf, "model_")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_found_before_the_first_step(tmp_path):
    X, y = problem()
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=r"cannot be written to .*Permission denied"):
        make(tmp_path, callbacks=[Steps()]).fit(X, y)


class FullDisk:
    """A disk that has room for some files."""

    def __init__(self, n_files):
        self.room = n_files
        self.write = _file.save_file

    def __call__(self, tensors, path, metadata=None):
        self.write(tensors, path, metadata)
        self.room -= 1
        if self.room < 0:
            os.truncate(path, 100)
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("n_files", range(4))
def test_a_full_disk_leaves_the_last_good_checkpoint(n_files, tmp_path, monkeypatch):
    X, y = problem()
    whole = make(tmp_path / "whole").fit(X, y)
    folder = tmp_path / "parts"
    clf = make(folder, callbacks=[] if n_files else [Steps()])
    with monkeypatch.context() as patch:
        patch.setattr(_file, "save_file", FullDisk(n_files))
        with pytest.raises(OSError, match=f"written to '{folder}': No space left") as caught:
            clf.fit(X, y)
    assert caught.value.errno == errno.ENOSPC
    assert [p.name for p in folder.iterdir()] == ["checkpoint.safetensors"][:n_files]
    # At the start, after two epochs, and at the end.
    assert getattr(clf, "n_iter_", None) == [None, 1, 2, 2][n_files]
    resumed = make(folder).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert resumed.history_ == whole.history_


def test_what_a_killed_write_has_left_is_cleared(tmp_path):
    X, y = problem()
    (tmp_path / ".checkpoint.safetensors.01234567.tmp").mkdir()
    (tmp_path / ".checkpoint.safetensors.01234567.tmp" / "file").write_bytes(b"half of")
    (tmp_path / "of the user's own.tmp").write_text("")
    make(tmp_path).fit(X, y)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["checkpoint.safetensors", "of the user's own.tmp"]


def test_a_damaged_file_is_refused(tmp_path):
    X, y = problem()
    make(tmp_path).fit(X, y)
    path = tmp_path / "checkpoint.safetensors"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    mutated = [content[:n] for n in (0, 5, 2000, len(content) - 1)]
    for _ in range(40):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        mutated.append(bytes(damaged))
    for each in mutated:
        path.write_bytes(each)
        clf = make(tmp_path)
        with pytest.raises(
            ValueError, match=r"cannot be resumed from: (?s:.*) Delete it to fit anew"
        ):
            clf.fit(X, y)
        assert not hasattr(clf, "model_")
    path.unlink()
    make(tmp_path).fit(X, y)


def test_a_file_that_says_something_else_is_refused(tmp_path):
    X, y = problem()
    make(tmp_path).fit(X, y)
    path = tmp_path / "checkpoint.safetensors"
    content, tensors = _file.read_file(path)
    state = content["checkpoint"]
    for broken in (
        {key: value for key, value in state.items() if key != "record"},
        {**state, "position": {**state["position"], "epoch": "2"}},
        {**state, "variables": state["variables"][1:]},
        {**state, "optimizer": {"$estimator": {}}},
        json.loads(json.dumps(state).replace('"loss": [', '"loss": [[], ')),
    ):
        _file.write_file(path, {**content, "checkpoint": broken}, tensors, overwrite=True)
        clf = make(tmp_path)
        with pytest.raises(ValueError, match="cannot be resumed from"):
            clf.fit(X, y)
        assert not hasattr(clf, "model_")
