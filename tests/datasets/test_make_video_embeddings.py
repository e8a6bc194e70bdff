import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from skmlclf.datasets import load_tfrecords, make_video_embeddings

# How often YouTube-8M's labels of these ranks occur, in parts of the videos, over the 31,100
# videos of 108 of its shards; and the part of all label occurrences that the top ranks have.
YT8M_FREQUENCY = {1: 0.203, 2: 0.139, 5: 0.0738, 10: 0.0405, 20: 0.0216, 50: 0.00878, 100: 0.00399}
YT8M_TOP = {10: 0.290, 20: 0.386, 50: 0.516, 100: 0.616, 200: 0.712, 500: 0.832, 1000: 0.908}
YT8M_LABELS_OF_A_VIDEO = [0.0, 0.2485, 0.2228, 0.1871, 0.1568, 0.0873, 0.0457, 0.0265]


@pytest.fixture(scope="module")
def many():
    """As many labels as YouTube-8M has, and rows enough for its rarer ones."""
    return make_video_embeddings(12_000, n_labels=3862, random_state=0)


@pytest.fixture(scope="module")
def default():
    return make_video_embeddings(random_state=0)


def frequencies(y):
    return np.asarray(y.mean(axis=0), dtype=np.float32).ravel()


def precision_at_20(scores, y):
    top = np.argpartition(-scores, 20, axis=1)[:, :20]
    return np.take_along_axis(y.toarray(), top, axis=1).mean()


def gain_over_frequency(X, y, model=None, n_train=800):
    """Return by how much a model's P@20 exceeds that of ranking labels by training frequency."""
    X_train, X_test, y_train, y_test = X[:n_train], X[n_train:], y[:n_train], y[n_train:]
    frequency = frequencies(y_train)
    model = model or Ridge(alpha=100.0)
    scores = frequency + model.fit(X_train, y_train.toarray() - frequency).predict(X_test)
    by_frequency = np.broadcast_to(frequency, scores.shape)
    return precision_at_20(scores, y_test) / precision_at_20(by_frequency, y_test)


def test_form_of_what_is_returned(default):
    X, y = default
    assert X.shape == (1000, 1152)
    assert X.dtype == np.float32
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    assert np.abs(X).max() <= 2
    assert isinstance(y, sp.csr_matrix)
    assert y.shape == (1000, 4800)
    assert y.dtype == np.int64
    assert set(y.data) == {1}
    assert y.has_canonical_format
    assert np.diff(y.indptr).min() == 1


def test_an_int_determines_the_data(default):
    X, y = make_video_embeddings(random_state=0)
    np.testing.assert_array_equal(X, default[0])
    assert (y != default[1]).nnz == 0
    X, y = make_video_embeddings(random_state=1)
    assert (default[0] != X).mean() > 0.9
    assert (y != default[1]).nnz > 1000


def test_a_random_state_moves_on():
    random_state = np.random.RandomState(3)
    first, second = (make_video_embeddings(5, random_state=random_state)[0] for _ in range(2))
    assert (first != second).any()
    again, _ = make_video_embeddings(5, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("random_state", [None, 0, np.random.RandomState(0)])
def test_the_global_generator_is_left_alone(random_state):
    state = np.random.get_state()  # noqa: NPY002
    make_video_embeddings(5, n_labels=50, random_state=random_state)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(state[1], after[1])
    assert state[2:] == after[2:]


def test_none_gives_other_data_each_time_even_after_a_global_seed():
    data = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        data.append(make_video_embeddings(5, n_labels=50)[0])
    assert (data[0] != data[1]).any()


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 700])
def test_more_rows_leave_the_first_ones_as_they_are(default, n_samples):
    X, y = make_video_embeddings(n_samples, random_state=0)
    np.testing.assert_array_equal(X, default[0][:n_samples])
    assert (y != default[1][:n_samples]).nnz == 0


@pytest.mark.parametrize("mean", [1.0, 1.5, 3.0, 6.0])
def test_labels_per_sample_is_the_mean(mean):
    _, y = make_video_embeddings(
        5000, n_labels=2000, n_video=1, n_audio=0, labels_per_sample=mean, random_state=0
    )
    # A negative binomial of shape 2 and mean m has the variance m + m^2 / 2.
    error = np.sqrt((mean - 1 + (mean - 1) ** 2 / 2) / 5000)
    counts = np.diff(y.indptr)
    assert counts.min() == 1
    assert abs(counts.mean() - mean) <= 4 * error


def test_labels_of_a_video_as_in_youtube8m(many):
    parts = np.bincount(np.diff(many[1].indptr))[:8] / 12_000
    np.testing.assert_allclose(parts, YT8M_LABELS_OF_A_VIDEO, atol=0.04)


def test_label_frequencies_as_in_youtube8m(many):
    frequency = np.sort(frequencies(many[1]))[::-1]
    for rank, expected in YT8M_FREQUENCY.items():
        assert frequency[rank - 1] == pytest.approx(expected, rel=0.15), rank
    top = np.cumsum(frequency) / frequency.sum()
    for rank, expected in YT8M_TOP.items():
        assert top[rank - 1] == pytest.approx(expected, abs=0.03), rank


def test_the_tail_falls_ever_more_steeply(many):
    frequency = np.sort(frequencies(many[1]))[::-1]
    slopes = [
        np.log(frequency[b - 1] / frequency[a - 1]) / np.log(b / a)
        for a, b in [(1, 10), (10, 100), (100, 1000)]
    ]
    np.testing.assert_allclose(slopes, [-0.70, -1.01, -1.14], atol=0.15)


def test_labels_are_numbered_by_frequency(many):
    frequency = frequencies(many[1])
    groups = [frequency[a:b].mean() for a, b in [(0, 3), (3, 10), (10, 40), (40, 300), (300, 3862)]]
    assert groups == sorted(groups, reverse=True)
    assert frequency.argmax() == 0


def test_scales_of_the_features_as_in_youtube8m(many):
    X, _ = many
    video, audio = X[:, :1024], X[:, 1024:]
    for features, std, first, norm_spread in [
        (video, 0.461, 0.73, 0.39),
        (audio, 0.686, 0.88, 0.28),
    ]:
        assert abs(features.mean()) < 0.02
        assert features.std() == pytest.approx(std, rel=0.05)
        assert features[:, :8].std() == pytest.approx(first, rel=0.1)
        norms = np.log(np.linalg.norm(features, axis=1))
        assert norms.std() == pytest.approx(norm_spread, rel=0.15)
    norms = np.log([np.linalg.norm(video, axis=1), np.linalg.norm(audio, axis=1)])
    assert np.corrcoef(norms)[0, 1] == pytest.approx(0.36, abs=0.1)


@pytest.mark.parametrize("random_state", range(3))
def test_a_linear_model_learns_from_800_rows(random_state):
    X, y = make_video_embeddings(1800, random_state=random_state)
    assert gain_over_frequency(X, y) > 1.7
    assert gain_over_frequency(X, y, make_pipeline(PCA(256, random_state=0), Ridge(100))) > 1.65


def test_video_tells_more_than_audio_and_both_tell_most():
    X, y = make_video_embeddings(6000, random_state=0)
    both, video, audio = (
        gain_over_frequency(columns, y, n_train=5000) for columns in (X, X[:, :1024], X[:, 1024:])
    )
    assert both > video
    assert video > 1.1 * audio
    assert audio > 1.2


def test_gain_grows_with_signal():
    gains = []
    for signal in (0.0, 0.25, 0.5, 1.0):
        X, y = make_video_embeddings(1800, signal=signal, random_state=0)
        gains.append(gain_over_frequency(X, y, Ridge(alpha=1000.0)))
    assert gains == sorted(gains)
    assert gains[0] < 1 < gains[1]


def test_without_signal_features_are_independent_of_labels():
    X, y = make_video_embeddings(4000, n_labels=200, signal=0, random_state=0)
    # Correlations of independent columns are about normal, with variance 1 / n.
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    has = y[:, :20].toarray().astype(np.float32)
    has = (has - has.mean(axis=0)) / has.std(axis=0)
    correlations = z.T @ has / np.sqrt(len(X))
    assert correlations.std() == pytest.approx(1, abs=0.05)
    assert np.abs(correlations).max() < 6
    with_signal = make_video_embeddings(4000, n_labels=200, random_state=0)[0]
    z = (with_signal - with_signal.mean(axis=0)) / with_signal.std(axis=0)
    assert (z.T @ has / np.sqrt(len(X))).std() > 2


def test_without_signal_nothing_can_be_learnt():
    X, y = make_video_embeddings(3000, signal=0, random_state=0)
    assert gain_over_frequency(X, y, Ridge(alpha=1e5)) == pytest.approx(1, abs=0.05)


def test_signal_changes_neither_labels_nor_scales():
    X, y = make_video_embeddings(2000, random_state=0)
    X_noise, y_noise = make_video_embeddings(2000, signal=0, random_state=0)
    assert (y != y_noise).nnz == 0
    assert X_noise.std() == pytest.approx(X.std(), rel=0.03)


@pytest.mark.parametrize("n_topics", [1, 7, 40, 300])
@pytest.mark.parametrize("n_labels", [3, 20, 500])
def test_few_labels_and_few_or_many_topics(n_topics, n_labels):
    X, y = make_video_embeddings(
        600, n_labels=n_labels, n_topics=n_topics, n_video=6, n_audio=3, random_state=0
    )
    assert X.shape == (600, 9)
    counts = np.diff(y.indptr)
    assert counts.min() == 1
    assert counts.max() <= n_labels
    assert np.isfinite(X).all()
    # Features come from so few latent dimensions that they correlate, but none is constant.
    assert X.std(axis=0).min() > 0.3


def test_labels_of_a_video_are_distinct_even_where_it_has_nearly_all():
    _, y = make_video_embeddings(
        2000, n_labels=6, n_video=2, n_audio=0, labels_per_sample=6, random_state=0
    )
    counts = np.diff(y.indptr)
    assert counts.max() == 6
    assert set(y.data) == {1}


def test_one_label_a_video():
    _, y = make_video_embeddings(500, n_labels=30, labels_per_sample=1, random_state=0)
    assert set(np.diff(y.indptr)) == {1}


def test_few_labels_can_be_learnt_too():
    X, y = make_video_embeddings(1200, n_labels=60, n_video=64, n_audio=16, random_state=0)
    assert gain_over_frequency(X, y, Ridge(100.0)) > 1.15


def test_video_alone():
    X, _ = make_video_embeddings(300, n_audio=0, n_video=16, n_labels=50, random_state=0)
    assert X.shape == (300, 16)


def test_with_scikit_learns_splits_and_searches():
    X, y = make_video_embeddings(
        300, n_labels=12, n_video=20, n_audio=4, labels_per_sample=2, random_state=0
    )
    X_train, X_test, y_train, _ = train_test_split(X, y, random_state=0)
    assert y_train.format == "csr"
    search = GridSearchCV(
        OneVsRestClassifier(GaussianNB()),
        {"estimator__var_smoothing": [1e-9, 1e-2]},
        cv=KFold(3),
        error_score="raise",
    )
    assert search.fit(X_train, y_train).predict(X_test).shape == (75, 12)


def test_memory_stays_that_of_the_result():
    # 20,000 rows take 92 MB; 20,000 x 4,800 labels as a dense matrix of bytes would take another
    # 96 MB, and of doubles 768 MB.
    code = (
        "import resource\n"
        "from skmlclf.datasets import make_video_embeddings\n"
        "make_video_embeddings(300, random_state=0)\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "X, y = make_video_embeddings(20_000, random_state=0)\n"
        "print((peak() - before) * 1024 / X.nbytes)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 1.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "'n_samples'"),
        ({"n_samples": 2.5}, "'n_samples'"),
        ({"n_labels": 0}, "'n_labels'"),
        ({"n_video": 0}, "'n_video'"),
        ({"n_audio": -1}, "'n_audio'"),
        ({"n_topics": 0}, "'n_topics'"),
        ({"labels_per_sample": 0.5}, "'labels_per_sample'"),
        ({"labels_per_sample": np.nan}, "'labels_per_sample'"),
        ({"labels_per_sample": 5.5, "n_labels": 5}, "at most n_labels, which is 5. Received 5.5"),
        ({"signal": 1.1}, "'signal'"),
        ({"signal": -0.1}, "'signal'"),
        ({"random_state": "zero"}, "'random_state'"),
        ({"random_state": -1}, "'random_state'"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_video_embeddings(**parameters)


@pytest.mark.realdata
def test_frequencies_and_scales_of_the_real_videos():
    """The figures that this file holds the simulated data against are those of real videos."""
    folder = os.environ.get("SKMLCLF_YT8M_DIR")
    if not folder:
        pytest.skip("SKMLCLF_YT8M_DIR is not set: no YouTube-8M files to compare with")
    real = load_tfrecords(Path(folder) / "*" / "*.tfrecord")
    frequency = np.sort(frequencies(real.target))[::-1]
    top = np.cumsum(frequency) / frequency.sum()
    for rank, expected in YT8M_FREQUENCY.items():
        assert frequency[rank - 1] == pytest.approx(expected, rel=0.01)
    for rank, expected in YT8M_TOP.items():
        assert top[rank - 1] == pytest.approx(expected, abs=0.001)
    counts = np.bincount(np.diff(real.target.indptr))[:8] / len(real.data)
    np.testing.assert_allclose(counts, YT8M_LABELS_OF_A_VIDEO, atol=0.0001)
    assert real.data[:, :1024].std() == pytest.approx(0.461, abs=0.001)
    assert real.data[:, 1024:].std() == pytest.approx(0.686, abs=0.001)
