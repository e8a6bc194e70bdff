import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from skmlclf.datasets import NpyRowStore, RowStore
from skmlclf.preprocessing import ModalitySelector

LAYOUT = {"video": 3, "audio": 2, "text": 1}


@pytest.fixture
def X():
    return np.arange(24, dtype=np.float32).reshape(4, 6)


@parametrize_with_checks([ModalitySelector()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_no_scikit_learn_check_is_missing():
    checks = list(estimator_checks_generator(ModalitySelector()))
    # Releases differ in the checks they have; those of 1.9 were counted.
    version = parse_version(sklearn.__version__)
    if parse_version("1.9") <= version < parse_version("1.10"):
        assert len(checks) == 47
    else:
        assert len(checks) >= 40
    tags = get_tags(ModalitySelector())
    assert not any([tags.no_validation, tags.non_deterministic, tags._skip_test])


def test_scikit_learn_checks_that_need_the_array_api():
    # SciPy reads this switch when it is imported, hence the new process.
    code = (
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from skmlclf.preprocessing import ModalitySelector\n"
        "results = check_estimator(ModalitySelector(), on_skip=None, on_fail='raise')\n"
        "print({result['status'] for result in results}, len(results))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("{'passed'}")


@pytest.mark.parametrize(
    ("modality", "columns"),
    [
        ("all", [0, 1, 2, 3, 4, 5]),
        ("video", [0, 1, 2]),
        ("audio", [3, 4]),
        ("text", [5]),
        (["video", "audio"], [0, 1, 2, 3, 4]),
        (["text", "video"], [5, 0, 1, 2]),
        (("audio",), [3, 4]),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, sp.csc_array, pd.DataFrame])
def test_keeps_the_groups_in_the_order_asked_for(X, modality, columns, container):
    selector = ModalitySelector(modality, layout=LAYOUT)
    selected = selector.fit_transform(container(X))
    if sp.issparse(selected):
        assert selected.format == container(X).format
        selected = selected.toarray()
    np.testing.assert_array_equal(selected, X[:, columns])
    np.testing.assert_array_equal(selector.columns_, columns)
    assert selector.n_features_in_ == 6


def test_default_layout_is_that_of_youtube8m():
    X = np.arange(2 * 1152.0).reshape(2, 1152)
    np.testing.assert_array_equal(ModalitySelector("video").fit_transform(X), X[:, :1024])
    np.testing.assert_array_equal(ModalitySelector("audio").fit_transform(X), X[:, 1024:])


@pytest.mark.parametrize("n_features", [1, 3, 1152])
def test_default_passes_any_number_of_columns(n_features):
    X = np.random.default_rng(0).normal(size=(5, n_features))
    np.testing.assert_array_equal(ModalitySelector().fit_transform(X), X)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, bool])
def test_keeps_the_dtype(X, dtype):
    selector = ModalitySelector("audio", layout=LAYOUT)
    assert selector.fit_transform(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("modality", ["all", "audio", ["video", "audio"]])
def test_neighbouring_columns_are_not_copied(X, modality):
    selected = ModalitySelector(modality, layout=LAYOUT).fit_transform(X)
    assert np.shares_memory(selected, X)


def test_reordered_columns_leave_the_input_alone(X):
    before = X.copy()
    selected = ModalitySelector(["audio", "video"], layout=LAYOUT).fit_transform(X)
    selected[:] = -1
    np.testing.assert_array_equal(X, before)


def test_other_sparse_formats_become_csr(X):
    selected = ModalitySelector("audio", layout=LAYOUT).fit_transform(sp.coo_array(X))
    assert selected.format == "csr"


def test_feature_names_are_those_of_the_selected_columns(X):
    selector = ModalitySelector(["text", "audio"], layout=LAYOUT)
    assert selector.fit(X).get_feature_names_out().tolist() == ["x5", "x3", "x4"]
    frame = pd.DataFrame(X, columns=list("abcdef"))
    assert selector.fit(frame).get_feature_names_out().tolist() == ["f", "d", "e"]
    assert selector.feature_names_in_.tolist() == list("abcdef")
    with pytest.raises(ValueError, match="input_features"):
        selector.get_feature_names_out(list("abcdeX"))


def test_set_output_gives_a_frame_with_names_and_index(X):
    frame = pd.DataFrame(X, columns=list("abcdef"), index=[9, 8, 7, 6])
    selector = ModalitySelector("audio", layout=LAYOUT).set_output(transform="pandas")
    selected = selector.fit_transform(frame)
    pd.testing.assert_frame_equal(selected, frame[["d", "e"]])


def test_one_row_and_reordered_frame_columns(X):
    frame = pd.DataFrame(X, columns=list("abcdef"))
    selector = ModalitySelector("audio", layout=LAYOUT).fit(frame)
    assert selector.transform(frame[:1]).shape == (1, 2)
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(frame[list("fedcba")])


def test_in_a_grid_search_over_modalities():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    y = (X[:, 3] > 0).astype(int)  # only the audio tells
    pipeline = Pipeline(
        [("select", ModalitySelector(layout=LAYOUT)), ("logistic", LogisticRegression())]
    )
    search = GridSearchCV(pipeline, {"select__modality": ["video", "audio", "text"]}, cv=3)
    assert search.fit(X, y).best_params_ == {"select__modality": "audio"}


def test_in_a_union_of_modalities(X):
    union = FeatureUnion(
        [
            ("video", make_pipeline(ModalitySelector("video", layout=LAYOUT), PCA(1))),
            ("audio", ModalitySelector("audio", layout=LAYOUT)),
        ]
    )
    features = union.fit_transform(X)
    assert features.shape == (4, 3)
    np.testing.assert_array_equal(features[:, 1:], X[:, 3:5])


def test_clone_and_pickle(X):
    selector = ModalitySelector(["audio"], layout=LAYOUT)
    copy = clone(selector)
    assert copy.get_params() == {"modality": ["audio"], "layout": LAYOUT}
    restored = pickle.loads(pickle.dumps(copy.fit(X)))
    np.testing.assert_array_equal(restored.transform(X), X[:, 3:5])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"modality": "video"}, r"Expected 1152 columns.*video 1024, audio 128.*with 6 columns"),
        ({"layout": {"video": 4, "audio": 3}}, r"Expected 7 columns.*with 6 columns"),
        ({"modality": "radar", "layout": LAYOUT}, r"\['video', 'audio', 'text'\].*'radar'"),
        ({"modality": ["video", "all"], "layout": LAYOUT}, "Received 'all'"),
        ({"modality": ["video", 3], "layout": LAYOUT}, "Received 3"),
        ({"modality": ["video", "video"], "layout": LAYOUT}, "more than once"),
        ({"modality": []}, "Received an empty list"),
        ({"layout": {}}, "Received an empty one"),
        ({"layout": {"all": 6}}, "the name 'all'"),
        ({"layout": {1: 6}}, "the name 1"),
        ({"layout": {"video": 0, "audio": 6}}, "width of group 'video'.*Received 0"),
        ({"layout": {"video": 6.0}}, "width of group 'video'.*Received 6.0"),
        ({"layout": {"video": True}}, "width of group 'video'.*Received True"),
        ({"modality": 3}, "The 'modality' parameter.*Got 3"),
        ({"layout": [3, 3]}, "The 'layout' parameter"),
    ],
)
def test_bad_parameters_are_refused_and_leave_no_trace(X, parameters, message):
    selector = ModalitySelector(**parameters)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        selector.fit(X)
    assert not any(name.endswith("_") for name in vars(selector))


def test_a_refused_fit_leaves_the_earlier_one_as_it_was(X):
    selector = ModalitySelector("audio", layout=LAYOUT).fit(X)
    with pytest.raises(ValueError, match="with 5 columns"):
        selector.fit(X[:, :5])
    assert selector.n_features_in_ == 6
    np.testing.assert_array_equal(selector.transform(X), X[:, 3:5])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((4, 6), np.nan), "NaN"),
        (np.full((4, 6), np.inf), "infinity"),
        (np.zeros((4, 6, 1)), "dim 3"),
        (np.zeros(6), "1D array"),
        (np.empty((0, 6)), "0 sample"),
        (np.full((4, 6), "a"), "string|numeric|convert"),
    ],
)
def test_bad_input_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        ModalitySelector("audio", layout=LAYOUT).fit(bad)


def test_another_width_than_fitted_is_refused(X):
    selector = ModalitySelector("audio", layout=LAYOUT).fit(X)
    with pytest.raises(ValueError, match=r"5 features.*expecting 6"):
        selector.transform(X[:, :5])


class Unread(RowStore):
    """Refuses to be read."""

    shape = (1000, 6)

    def read(self, start, stop):
        raise AssertionError("it was read")


def test_rows_on_disk_are_not_read_but_viewed(X, tmp_path):
    names = ["text", "video"]
    selector = ModalitySelector(names, layout=LAYOUT).fit(Unread())
    lazy = selector.transform(Unread())
    assert isinstance(lazy, RowStore)
    assert lazy.shape == (1000, 4)
    np.save(tmp_path / "X.npy", X)
    store = NpyRowStore(tmp_path / "X.npy")
    for modality in ["all", "audio", names]:
        selector = ModalitySelector(modality, layout=LAYOUT)
        expected = selector.fit_transform(X)
        found = selector.fit_transform(store)
        assert isinstance(found, RowStore)
        np.testing.assert_array_equal(np.asarray(found), expected)
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(found))), expected)
    with pytest.raises(ValueError, match="5 features, but ModalitySelector is expecting 6"):
        selector.transform(store[:, :5])
    with pytest.raises(ValueError, match="Expected 6 columns"):
        ModalitySelector("audio", layout=LAYOUT).fit(store[:, :5])
