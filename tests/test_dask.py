"""Searches and predictions on the worker processes of a Dask cluster."""

import contextlib
import pickle
import re
import runpy
import shutil
import sys
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, ModalitySelector, NetworkClassifier
from skmlclf.callbacks import EpochMetrics
from skmlclf.cli import main
from skmlclf.datasets import (
    NpyRowStore,
    VideoRecords,
    concatenate_rows,
    make_video_embeddings,
    write_tfrecords,
)
from skmlclf.metrics import get_scorer
from skmlclf.prediction import predict_files

distributed = pytest.importorskip("distributed")

N_LABELS = 20
SCORER = get_scorer("gap_at_20")


@pytest.fixture(scope="module")
def other_client():
    """A client, not the current one, of two worker processes of one thread each."""
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=None
    )
    try:
        with distributed.Client(cluster, set_as_default=False) as client:
            yield client
    finally:
        # On a busy machine, processes with TensorFlow need longer to end than Dask waits.
        with contextlib.suppress(TimeoutError):
            cluster.close()


@pytest.fixture
def client(other_client):
    with other_client.as_current():
        yield other_client


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    X, y = make_video_embeddings(120, n_labels=N_LABELS, random_state=0)
    write_tfrecords(folder / "v.tfrecord", X, y, shards=6)
    np.save(folder / "features.npy", X)
    make_base().fit(X, y).save(folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def records(folder):
    return VideoRecords(f"{folder}/v-*", n_labels=N_LABELS)


def programs_of_workers(client, network):
    """Return the kinds of programs that each worker has compiled for networks of a type."""

    def kinds():
        from skmlclf.training import _programs

        return [key[0] for key in _programs._programs if type(key[1]).__name__ == network]

    # A function inside another one is sent as its code: workers cannot import this module.
    return client.run(kinds).values()


def threads_of_workers(client):
    def threads():
        import tensorflow as tf

        return tf.config.threading.get_intra_op_parallelism_threads()

    return client.run(threads).values()


def test_a_fitted_classifier_takes_its_share_of_the_cores_when_it_arrives(client, folder):
    # An optimizer object makes the first variable of a process, which starts TensorFlow's threads.
    X, y = make_video_embeddings(30, n_labels=5, random_state=0)
    clf = make_base().set_params(optimizer=keras.optimizers.AdamW(1e-2)).fit(X, y)
    sent = pickle.dumps(clf)
    client.run(lambda sent: pickle.loads(sent) and None, sent)
    assert set(threads_of_workers(client)) == {1}


def make_base():
    # The one structure of this module, which every process compiles once.
    return BaseMLPClassifier(4, epochs=1, random_state=0)


def make_network():
    def small(n_features, n_outputs, units=4):
        layers = [keras.Input((n_features,)), keras.layers.Dense(units, "relu")]
        return keras.Sequential([*layers, keras.layers.Dense(n_outputs)])

    return make_pipeline(NetworkClassifier(small, epochs=1, random_state=0))


def make_watched():
    clf = make_base().set_params(early_stopping=True, callbacks=[EpochMetrics(["hit_at_1"])])
    return make_pipeline(ModalitySelector("all"), StandardScaler(), clf)


@pytest.mark.parametrize(
    ("make", "network"), [(make_network, "FunctionNetwork"), (make_watched, "MLPNetwork")]
)
def test_a_grid_search_equals_that_of_one_process(client, records, make, network):
    X, y = np.asarray(records.features), records.labels
    estimator = make()
    grid = {f"{estimator.steps[-1][0]}__learning_rate": [1e-3, 1e-2, 3e-2]}
    search = GridSearchCV(estimator, grid, scoring=SCORER, cv=2, error_score="raise")
    with joblib.parallel_config("dask"):
        together = search.fit(X, y).cv_results_
        probabilities = search.predict_proba(X)
    alone = search.fit(X, y).cv_results_
    for name in (n for n in alone if n.startswith("split")):
        np.testing.assert_array_equal(together[name], alone[name])
    assert len(set(alone["mean_test_score"])) > 1
    np.testing.assert_array_equal(probabilities, search.predict_proba(X))
    for kinds in programs_of_workers(client, network):
        assert kinds.count("step") == kinds.count("best") == 1
    assert set(threads_of_workers(client)) == {1}


@pytest.mark.parametrize("kind", ["records", "npy", "concatenated"])
def test_rows_on_disk_travel_as_paths(client, folder, records, kind):
    npy = NpyRowStore(folder / "features.npy")
    X = {
        "records": records.features,
        "npy": npy,
        "concatenated": concatenate_rows([npy[:40], records.features[40:]]),
    }[kind]
    y = records.labels.toarray()
    assert len(pickle.dumps(X)) < X.nbytes / 200

    def scores():
        done = cross_validate(
            make_base(), X, y, cv=2, scoring=SCORER, return_estimator=True, error_score="raise"
        )
        return done["test_score"], *(each.predict_proba(npy) for each in done["estimator"])

    with joblib.parallel_config("dask"):
        together = scores()
    for one, other in zip(together, scores(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_handle_does_not_depend_on_the_working_directory(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    stores = NpyRowStore("features.npy"), VideoRecords("v-*", labels_feature=None).features
    monkeypatch.chdir(tmp_path)
    for store in stores:
        assert np.asarray(pickle.loads(pickle.dumps(store))).shape == (120, 1152)


def test_what_a_store_knows_of_its_rows_is_sent_once(records):
    # Dask sends what is larger than 1,000 bytes to each worker once, and not with each task.
    assert sys.getsizeof(records.features) > 1000
    assert sys.getsizeof(records.features[::2]) > 1000


@pytest.mark.parametrize("search", ["random", "halving"])
def test_other_searches_equal_those_of_one_process(client, records, search):
    grid = {"learning_rate": [1e-3, 1e-2, 3e-2]}
    common = {"scoring": SCORER, "cv": 2, "random_state": 0, "error_score": "raise"}
    if search == "random":
        tuned = RandomizedSearchCV(make_base(), grid, n_iter=2, **common)
    else:
        tuned = HalvingGridSearchCV(make_base(), grid, resource="epochs", max_resources=3, **common)
    with joblib.parallel_config("dask"):
        together = tuned.fit(records.features, records.labels).cv_results_
    alone = tuned.fit(records.features, records.labels).cv_results_
    np.testing.assert_array_equal(together["mean_test_score"], alone["mean_test_score"])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_a_cluster_writes_what_one_process_writes(other_client, folder, tmp_path, capsys):
    model, data = folder / "model.safetensors", f"{folder}/v-*"
    predict_files(model, data, tmp_path / "alone", k=3)
    written = predict_files(model, data, tmp_path / "together", k=3, scheduler=other_client)
    assert len(written) == 6
    assert contents(tmp_path / "together") == contents(tmp_path / "alone")
    (tmp_path / "together" / "v-00003-of-00006.tfrecord.csv").unlink()
    args = ["predict", "--model", str(model), "--data", data, "--top", "3"]
    where = ["--out-dir", f"{tmp_path}/together", "--scheduler", other_client.scheduler.address]
    assert main([*args, *where]) == 0
    assert capsys.readouterr().out == f"written: {tmp_path}/together (1 new files)\n"
    assert contents(tmp_path / "together") == contents(tmp_path / "alone")


def test_a_damaged_file_is_named_and_the_others_are_predicted(client, folder, tmp_path):
    for path in folder.glob("v-*"):
        shutil.copy(path, tmp_path)
    damaged = tmp_path / "v-00002-of-00006.tfrecord"
    damaged.write_bytes(damaged.read_bytes()[:-5])
    with pytest.raises(ExceptionGroup, match="1 of 6 files") as raised:
        predict_files(
            folder / "model.safetensors", f"{tmp_path}/v-*", tmp_path / "out", scheduler=client
        )
    (error,) = raised.value.exceptions
    assert str(error).startswith(f"{damaged}: ValueError: ")
    assert len(contents(tmp_path / "out")) == 5


ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "distributed"


def test_the_guide_runs(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dask.distributed.Client", lambda address: client)
    text = (ROOT / "docs" / "cluster.md").read_text()
    namespace = {"__name__": "document"}
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(compile(code, "docs/cluster.md", "exec"), namespace)
    assert len(namespace["written"]) == 4


def test_the_example_of_a_search_runs(client):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    example = runpy.run_path(str(EXAMPLES / "plot_search_on_dask.py"))
    search = example["search_on"](client)
    assert len(search.cv_results_["params"]) == 4
    example["draw"](search.cv_results_)
    assert pyplot.get_fignums()
    pyplot.close("all")


def test_the_example_of_predictions_runs(client, tmp_path, capsys):
    runpy.run_path(str(EXAMPLES / "predict_on_dask.py"))["predict_on"](client, tmp_path)
    printed = capsys.readouterr().out
    assert "written for 2 files:\n  videos-00000-of-00004.tfrecord.csv" in printed
    assert "written for 4 files:\n  videos-00002-of-00004.tfrecord.csv" in printed
    assert "VideoId,LabelConfidencePairs" in printed
