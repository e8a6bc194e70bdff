import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmlclf.datasets import NpyRowStore, RowStore
from skmlclf.preprocessing import BlockwiseTransformer, ModalitySelector

N_ROWS, N_COLUMNS = 95, 6
ARRAY = np.random.default_rng(0).standard_normal((N_ROWS, N_COLUMNS)).astype(np.float32) + 1
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, N_ROWS)
TRANSFORMERS = {
    "one pass": [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), IncrementalPCA(3)],
    "sample": [
        PCA(3, svd_solver="full"),
        QuantileTransformer(n_quantiles=20),
        make_pipeline(StandardScaler(), PCA(2, svd_solver="full")),
    ],
}
ALL = [each for some in TRANSFORMERS.values() for each in some]


class MaxOnly(TransformerMixin, BaseEstimator):
    """Has no more than it must."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.max(axis=1, keepdims=True)


@pytest.fixture
def store(tmp_path):
    np.save(tmp_path / "a.npy", ARRAY[:40])
    np.save(tmp_path / "b.npy", ARRAY[40:])
    return NpyRowStore(tmp_path / "*.npy")


@parametrize_with_checks(
    [
        BlockwiseTransformer(PCA(), block_rows=7),
        BlockwiseTransformer(IncrementalPCA(1), block_rows=7),
        BlockwiseTransformer(SelectKBest(k=1)),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("block_rows", [None, 10, 95, 200])
@pytest.mark.parametrize("transformer", ALL, ids=repr)
def test_rows_on_disk_give_what_the_array_gives(store, transformer, block_rows):
    ours = BlockwiseTransformer(transformer, block_rows=block_rows, random_state=0)
    lazy = clone(ours).fit(store).transform(store)
    expected = clone(ours).fit_transform(ARRAY)
    assert isinstance(lazy, RowStore)
    assert lazy.shape == expected.shape
    assert lazy.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(lazy), expected)
    for rows in [slice(3, 30), [90, 2, 2, 41], np.arange(N_ROWS) % 7 == 0, []]:
        np.testing.assert_allclose(np.asarray(lazy[rows]), expected[rows], rtol=1e-5, atol=1e-6)
    again = pickle.loads(pickle.dumps(lazy[10:]))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(lazy[10:]))


@pytest.mark.parametrize("transformer", TRANSFORMERS["one pass"][:3], ids=repr)
def test_all_rows_are_seen(transformer):
    ours = BlockwiseTransformer(transformer, block_rows=10).fit_transform(ARRAY)
    np.testing.assert_allclose(ours, transformer.fit_transform(ARRAY), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_rows", [95, 88, 80, 9])
def test_incremental_pca_is_fitted_as_on_its_own(store, n_rows):
    # Of 95 and 88 rows in blocks of 10, the last is added to that before it or not.
    for params, size in [({"batch_size": 10}, None), ({}, None), ({"batch_size": 10}, 10)]:
        expected = IncrementalPCA(6, **params).fit(ARRAY[:n_rows])
        ours = BlockwiseTransformer(IncrementalPCA(6, **params), block_rows=size)
        found = ours.fit(store[:n_rows]).transformer_
        np.testing.assert_array_equal(found.components_, expected.components_)
        np.testing.assert_array_equal(found.mean_, expected.mean_)
        assert found.n_samples_seen_ == n_rows


def test_blocks_are_large_enough_for_the_components(store):
    found = BlockwiseTransformer(IncrementalPCA(6), block_rows=2).fit(store).transformer_
    expected = IncrementalPCA(6, batch_size=6).fit(ARRAY)
    np.testing.assert_array_equal(found.components_, expected.components_)


def test_a_sample_is_drawn_from_a_seed(store):
    def fit(**params):
        ours = BlockwiseTransformer(PCA(2), n_sample_rows=20, **params)
        return ours.fit(store).transformer_.mean_

    rows = np.sort(np.random.RandomState(3).choice(N_ROWS, 20, replace=False))
    np.testing.assert_allclose(fit(random_state=3), ARRAY[rows].mean(axis=0), rtol=1e-5)
    assert (fit(random_state=3) == fit(random_state=3)).all()
    assert (fit(random_state=3) != fit(random_state=4)).all()


def test_weights_and_targets_follow_their_rows(store):
    ours = BlockwiseTransformer(StandardScaler(), block_rows=10)
    expected = StandardScaler().fit(ARRAY, sample_weight=WEIGHTS)
    ours.fit(store, sample_weight=WEIGHTS)
    np.testing.assert_allclose(ours.transformer_.mean_, expected.mean_)
    pipe = make_pipeline(ours, PCA(2))
    pipe.fit(ARRAY, blockwisetransformer__sample_weight=WEIGHTS)
    np.testing.assert_allclose(pipe[0].transformer_.mean_, expected.mean_)
    with pytest.raises(TypeError, match="sample_weight"):
        BlockwiseTransformer(PCA()).fit(store, sample_weight=WEIGHTS)

    y = (ARRAY[:, 4] > 1).astype(int)
    chosen = BlockwiseTransformer(SelectKBest(k=1), n_sample_rows=60, random_state=0).fit(store, y)
    np.testing.assert_array_equal(np.asarray(chosen.transform(store))[:, 0], ARRAY[:, 4])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        chosen.fit(store, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ours.fit(store, y[:-1])


def test_weights_are_routed(store):
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_partial_fit_request(sample_weight=True)
        pipe = make_pipeline(BlockwiseTransformer(scaler, block_rows=10))
        pipe.fit(store, sample_weight=WEIGHTS)
    expected = np.average(ARRAY, axis=0, weights=WEIGHTS)
    np.testing.assert_allclose(pipe[0].transformer_.mean_, expected, rtol=1e-6)


def test_a_frozen_transformer_is_not_fitted_again(store):
    scaler = StandardScaler().fit(ARRAY[:50])
    ours = BlockwiseTransformer(FrozenEstimator(scaler), block_rows=10).fit(store)
    assert scaler.n_samples_seen_ == 50
    np.testing.assert_array_equal(np.asarray(ours.transform(store)), scaler.transform(ARRAY))


def test_input_that_is_refused_changes_nothing(store):
    ours = BlockwiseTransformer(StandardScaler()).fit(store)
    before = pickle.dumps(ours)
    with pytest.raises(ValueError, match="infinity"):
        ours.fit(np.full((4, 3), np.inf))
    with pytest.raises(ValueError, match="at least one row"):
        ours.fit(store[:0])
    with pytest.raises(ValueError, match="block_rows"):
        clone(ours).set_params(block_rows=0).fit(store)
    assert pickle.dumps(ours) == before
    for X in (store[:, :4], ARRAY[:, :4]):
        with pytest.raises(ValueError, match="4 features, but BlockwiseTransformer is expecting 6"):
            ours.transform(X)


def test_back_and_forth(store):
    ours = BlockwiseTransformer(StandardScaler(), block_rows=10).fit(store)
    back = ours.inverse_transform(ours.transform(store))
    assert isinstance(back, RowStore)
    np.testing.assert_allclose(np.asarray(back), ARRAY, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ours.inverse_transform(ours.transform(ARRAY)), np.asarray(back))
    assert not hasattr(BlockwiseTransformer(MaxOnly()), "inverse_transform")
    assert not hasattr(BlockwiseTransformer(MaxOnly()), "get_feature_names_out")


@pytest.mark.parametrize("transformer", [MaxAbsScaler(), IncrementalPCA(3)], ids=repr)
def test_sparse_matrices(transformer):
    X = sparse.csr_array(np.where(ARRAY > 1, ARRAY, 0))
    ours = BlockwiseTransformer(transformer, block_rows=10)
    found, expected = (
        clone(ours).fit_transform(each) for each in (sparse.coo_array(X), X.toarray())
    )
    found = found.toarray() if sparse.issparse(found) else found
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(TypeError, match="dense data is required"):
        BlockwiseTransformer(MinMaxScaler()).fit(X)


def test_sparse_rows_of_rows_on_disk_are_refused(store):
    ours = BlockwiseTransformer(OneHotEncoder(handle_unknown="ignore")).fit(ARRAY)
    assert sparse.issparse(ours.transform(ARRAY))
    with pytest.raises(ValueError, match="sparse_output=False"):
        ours.transform(store)


def test_names():
    frame = pd.DataFrame(ARRAY, columns=list("abcdef"))
    ours = BlockwiseTransformer(StandardScaler(), block_rows=10).fit(frame)
    assert list(ours.feature_names_in_) == list("abcdef")
    assert list(ours.get_feature_names_out()) == list("abcdef")
    assert list(BlockwiseTransformer(PCA(2)).fit(frame).get_feature_names_out()) == ["pca0", "pca1"]
    out = ours.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == list("abcdef")
    with pytest.raises(ValueError, match="feature names"):
        ours.transform(frame[list("bacdef")])


def test_half_precision_is_computed_in_single(tmp_path):
    np.save(tmp_path / "half.npy", ARRAY.astype(np.float16))
    half = NpyRowStore(tmp_path / "half.npy")
    found = BlockwiseTransformer(StandardScaler(), block_rows=10).fit(half).transform(half)
    assert found.dtype == np.float32
    expected = StandardScaler().fit_transform(ARRAY.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)


def test_a_pipeline_of_views(store):
    pipe = make_pipeline(
        ModalitySelector("audio", layout={"video": 2, "audio": 4}),
        BlockwiseTransformer(StandardScaler(), block_rows=10),
        BlockwiseTransformer(IncrementalPCA(2), block_rows=20),
    )
    lazy = pipe.fit_transform(store)
    assert (
        repr(lazy) == "<transformed transformed rows of NpyRowStore: 95 rows, 2 columns, float32>"
    )
    np.testing.assert_allclose(
        np.asarray(lazy), clone(pipe).fit_transform(ARRAY), rtol=1e-5, atol=1e-6
    )


class Wide(RowStore):
    """Larger than what a test may hold."""

    shape = (400_000, 100)

    def read(self, start, stop):
        rows = np.ones((stop - start, 100), np.float32)
        rows[:, 0] = np.arange(start, stop)
        return rows


def test_memory_is_that_of_some_blocks():
    X = Wide()
    tracemalloc.start()
    try:
        lazy = BlockwiseTransformer(StandardScaler()).fit(X).transform(X)
        narrow = lazy[:, [0]]
        total = sum(float(block.sum()) for block in narrow.blocks())
        _, peak = tracemalloc.get_traced_memory()
        assert np.asarray(narrow).shape == (400_000, 1)
        _, later = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert abs(total) < 1
    assert X.nbytes == 160_000_000
    assert peak < 60_000_000
    assert later < 60_000_000
