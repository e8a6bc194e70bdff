"""Pipelines and grid searches, in one process and in several, without a leak."""

import ctypes
import platform
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, ModalitySelector
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer
from skmlclf.training import _programs, clear_programs

GRID = {
    "blockmlpclassifier__dropout": [0.1, 0.5],
    "blockmlpclassifier__learning_rate": [1e-3, 1e-2],
}


@pytest.fixture(scope="module")
def data():
    return make_video_embeddings(120, n_labels=60, random_state=0)


def search(n_jobs):
    clf = BlockMLPClassifier((16, 8), epochs=2, random_state=0)
    pipe = make_pipeline(ModalitySelector("audio"), StandardScaler(), clf)
    return GridSearchCV(
        pipe, GRID, scoring=get_scorer("precision_at_5"), cv=3, n_jobs=n_jobs, error_score="raise"
    )


@pytest.mark.parametrize("sparse_y", [False, True])
def test_grid_search_over_a_pipeline(data, sparse_y):
    X, y = data
    y = y if sparse_y else y.toarray()
    alone, together = (search(n_jobs).fit(X, y) for n_jobs in (1, 2))
    scores = alone.cv_results_["mean_test_score"]
    np.testing.assert_allclose(together.cv_results_["mean_test_score"], scores, atol=1e-3)
    assert len(set(scores)) > 1
    labels, _ = alone.best_estimator_.named_steps["blockmlpclassifier"].predict_topk(
        alone.best_estimator_[:-1].transform(X), k=5
    )
    assert labels.shape == (120, 5)
    assert alone.predict(X).shape == y.shape


def test_a_grid_search_compiles_each_structure_once(data):
    X, y = data
    clear_programs()
    search(1).fit(X, y)
    kinds = [key[0] for key in _programs._programs]
    assert kinds.count("step") == 1
    assert kinds.count("best") == 1


def test_several_scorers_at_once(data):
    X, y = data
    names = ["precision_at_20", "recall_samples", "f1_samples", "hamming", "gap_at_20"]
    result = cross_validate(
        BaseMLPClassifier(16, epochs=1, random_state=0),
        X,
        y.toarray(),
        scoring={name: get_scorer(name) for name in names},
        cv=2,
        error_score="raise",
    )
    for name in names:
        assert np.isfinite(result[f"test_{name}"]).all()


def resident_bytes():
    # Freed memory that the allocator keeps for later says nothing of leaks.
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs Linux with glibc")
def test_fits_leave_no_memory_behind():
    X, y = make_video_embeddings(300, n_labels=2000, random_state=0)

    def fit(seed):
        clf = BlockMLPClassifier((1024, 512), dropout=0.1 + seed / 30, epochs=1, random_state=seed)
        return clf.fit(X, y).predict_topk(X)

    def peak(seeds):
        return max(resident_bytes() for seed in seeds if fit(seed))

    # Dropped models wait for the collector until four of this size are there: the memory in use
    # rises for as many fits and falls again, which ten fits do twice.
    before = peak(range(10))
    after = peak(range(10, 20))
    n_bytes = 4 * (1152 * 1024 + 1024 * 512 + 512 * 2000)
    # Less than half of the weights of each fit, to say nothing of its optimizer.
    assert after - before < 4 * n_bytes
