"""The splitters by law: sizes, shares, rare labels, determinism, scikit-learn's conventions."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.metadata_routing import get_routing_for_object

from skmlclf.datasets import make_video_embeddings
from skmlclf.model_selection import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from skmlclf.model_selection._division import _Division, divide_rows


@pytest.fixture(scope="module")
def y():
    return make_video_embeddings(1500, n_labels=400, n_video=1, n_audio=1, random_state=0)[1]


def split_all(cv, y):
    return list(cv.split(np.zeros(y.shape[0]), y))


def label_counts(y, rows):
    return np.asarray(y[rows].sum(axis=0, dtype=np.int64)).ravel()


def one_hot(classes):
    return sp.csr_matrix(np.eye(classes.max() + 1, dtype=np.uint8)[classes])


@st.composite
def label_matrices(draw):
    n_samples, n_labels = draw(st.integers(6, 60)), draw(st.integers(1, 12))
    seed, density = draw(st.integers(0, 2**16)), draw(st.sampled_from([0.02, 0.1, 0.3, 0.7, 1.0]))
    rng = np.random.default_rng(seed)
    densities = density * rng.random(n_labels)
    return sp.csr_matrix((rng.random((n_samples, n_labels)) < densities).astype(np.uint8))


class TestLaws:
    @given(label_matrices(), st.integers(2, 6), st.sampled_from([None, 0, 1]))
    @settings(max_examples=60, deadline=None)
    def test_folds_are_a_partition_with_the_sizes_of_kfold(self, y, n_splits, seed):
        cv = MultilabelStratifiedKFold(n_splits, shuffle=seed is not None, random_state=seed)
        splits = split_all(cv, y)
        tests = np.concatenate([test for _, test in splits])
        np.testing.assert_array_equal(np.sort(tests), np.arange(y.shape[0]))
        for (train, test), (_, like) in zip(splits, KFold(n_splits).split(y), strict=True):
            assert len(test) == len(like)
            np.testing.assert_array_equal(
                np.sort(np.concatenate([train, test])), np.arange(y.shape[0])
            )

    @given(label_matrices(), st.sampled_from([(0.3, None), (0.25, 0.5), (3, 2), (None, 0.4)]))
    @settings(max_examples=60, deadline=None)
    def test_shuffle_splits_have_the_sizes_of_shufflesplit(self, y, sizes):
        params = {"test_size": sizes[0], "train_size": sizes[1], "random_state": 0}
        cv = MultilabelStratifiedShuffleSplit(2, **params)
        like = ShuffleSplit(2, **params).split(y)
        for (train, test), (like_train, like_test) in zip(split_all(cv, y), like, strict=True):
            assert (len(train), len(test)) == (len(like_train), len(like_test))
            assert len(np.unique(np.concatenate([train, test]))) == len(train) + len(test)

    @given(st.integers(0, 2**16), st.integers(2, 8), st.integers(2, 6), st.booleans())
    @settings(max_examples=60, deadline=None)
    def test_one_label_per_row_agrees_with_stratifiedkfold(self, seed, n_classes, k, shuffle):
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.ones(n_classes))
        classes = np.concatenate(
            [np.arange(n_classes).repeat(k), rng.choice(n_classes, 90, p=weights)]
        )
        rng.shuffle(classes)
        y = one_hot(classes)
        params = {"shuffle": shuffle, "random_state": 0 if shuffle else None}
        ours = split_all(MultilabelStratifiedKFold(k, **params), y)
        theirs = StratifiedKFold(k, **params).split(classes, classes)
        for (_, test), (_, like) in zip(ours, theirs, strict=True):
            difference = label_counts(y, test) - label_counts(y, like)
            assert np.abs(difference).max() <= 1

    @given(st.integers(0, 2**16), st.integers(2, 8), st.sampled_from([0.1, 0.3, 0.4, 0.5, 0.8]))
    @settings(max_examples=60, deadline=None)
    def test_one_label_per_row_keeps_shares_to_one_row(self, seed, n_classes, test_size):
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.ones(n_classes))
        # Ten of each, so that each is on both sides by its share.
        classes = np.concatenate(
            [np.arange(n_classes).repeat(10), rng.choice(n_classes, 90, p=weights)]
        )
        y = one_hot(rng.permutation(classes))
        cv = MultilabelStratifiedShuffleSplit(2, test_size=test_size, random_state=seed)
        for _, test in split_all(cv, y):
            wanted = label_counts(y, slice(None)) * len(test) / y.shape[0]
            assert np.abs(label_counts(y, test) - wanted).max() < 1 + 1e-9

    def test_many_small_classes_do_not_all_round_the_same_way(self):
        # A share of 1.2 of 3 would be 1 for each class, and 40 instead of 48 rows in all.
        y = one_hot(np.arange(40).repeat(3))
        for _, test in split_all(
            MultilabelStratifiedShuffleSplit(3, test_size=0.4, random_state=0), y
        ):
            assert len(test) == 48
            assert set(label_counts(y, test)) == {1, 2}

    @pytest.mark.parametrize("test_size", [0.2, 0.5, 0.8])
    def test_rare_labels_are_on_both_sides(self, y, test_size):
        twice = label_counts(y, slice(None)) >= 2
        assert twice.sum() > 250
        cv = MultilabelStratifiedShuffleSplit(2, test_size=test_size, random_state=0)
        for train, test in split_all(cv, y):
            assert label_counts(y, train)[twice].min() >= 1
            assert label_counts(y, test)[twice].min() >= 1

    @pytest.mark.parametrize("n_splits", [2, 5, 10])
    @pytest.mark.parametrize("seed", [None, 0, 1])
    def test_labels_are_in_every_fold(self, y, n_splits, seed):
        total = label_counts(y, slice(None))
        cv = MultilabelStratifiedKFold(n_splits, shuffle=seed is not None, random_state=seed)
        for train, test in split_all(cv, y):
            assert label_counts(y, test)[total >= n_splits].min() >= 1
            assert label_counts(y, train)[total >= 2].min() >= 1

    @given(label_matrices(), st.integers(0, 3))
    @settings(max_examples=60, deadline=None)
    def test_labels_without_overlap_are_on_both_sides(self, y, seed):
        # One label per row: then nothing but the sizes can keep a label from both sides.
        y = y.toarray() & (np.cumsum(y.toarray(), axis=1) == 1)
        total = y.sum(axis=0)
        cv = MultilabelStratifiedShuffleSplit(1, test_size=0.5, random_state=seed)
        ((train, test),) = split_all(cv, y)
        if (total > 0).sum() + 1 <= len(test):
            assert (y[train].sum(axis=0)[total >= 2] >= 1).all()
            assert (y[test].sum(axis=0)[total >= 2] >= 1).all()

    def test_a_train_set_that_leaves_rows_out_has_the_labels_too(self, y):
        twice = label_counts(y, slice(None)) >= 2
        cv = MultilabelStratifiedShuffleSplit(1, test_size=0.3, train_size=0.3, random_state=0)
        ((train, test),) = split_all(cv, y)
        assert label_counts(y, train)[twice].min() >= 1
        assert label_counts(y, test)[twice].min() >= 1

    def test_a_small_test_set_is_not_given_up_to_rare_labels(self):
        # 100 rare labels and a common one, 100 rows to test on: not all can be there.
        rare = np.arange(1, 101).repeat(2)
        y = one_hot(np.concatenate([rare, np.zeros(800, dtype=int)]))
        ((_, test),) = split_all(
            MultilabelStratifiedShuffleSplit(1, test_size=100, random_state=0), y
        )
        counts = label_counts(y, test)
        assert counts[0] >= 30
        assert (counts[1:] > 0).sum() >= 50

    def test_rows_without_labels_are_spread_evenly(self, y):
        y = sp.vstack([y, sp.csr_matrix((123, y.shape[1]), dtype=y.dtype)], format="csr")
        is_empty = np.diff(y.indptr) == 0
        for _, test in split_all(MultilabelStratifiedKFold(4), y):
            assert abs(is_empty[test].sum() - 123 / 4) <= 1.5
        cv = MultilabelStratifiedShuffleSplit(2, test_size=0.2, random_state=0)
        for _, test in split_all(cv, y):
            assert abs(is_empty[test].sum() - 123 / 5) <= 1.5

    def test_only_rows_without_labels(self):
        y = np.zeros((10, 3), dtype=int)
        assert [len(test) for _, test in split_all(MultilabelStratifiedKFold(3), y)] == [4, 3, 3]

    def test_labels_with_no_or_one_positive(self):
        y = np.zeros((20, 3), dtype=int)
        y[4, 1] = y[:10, 2] = 1
        splits = split_all(MultilabelStratifiedKFold(5), y)
        assert [y[test].sum(axis=0)[2] for _, test in splits] == [2] * 5
        assert sorted(y[test].sum(axis=0)[1] for _, test in splits) == [0, 0, 0, 0, 1]

    def test_shares_are_nearer_than_those_of_a_random_split(self, y):
        def deviation(cv):
            total = label_counts(y, slice(None))
            return np.mean(
                [
                    np.abs(label_counts(y, test) - total * len(test) / 1500)
                    for _, test in split_all(cv, y)
                ]
            )

        ours = deviation(MultilabelStratifiedKFold(5, shuffle=True, random_state=0))
        assert ours < 0.5 * deviation(KFold(5, shuffle=True, random_state=0))
        ours = deviation(MultilabelStratifiedShuffleSplit(3, test_size=0.2, random_state=0))
        assert ours < 0.5 * deviation(ShuffleSplit(3, test_size=0.2, random_state=0))

    def test_common_labels_keep_their_share_to_a_few_rows(self, y):
        total = label_counts(y, slice(None))
        common = total >= 50
        for _, test in split_all(MultilabelStratifiedKFold(5), y):
            assert np.abs(label_counts(y, test) - total / 5)[common].max() <= 3


class TestDeterminism:
    @pytest.mark.parametrize(
        "cv",
        [
            MultilabelStratifiedKFold(3),
            MultilabelStratifiedKFold(3, shuffle=True, random_state=3),
            MultilabelStratifiedShuffleSplit(3, random_state=3),
        ],
    )
    def test_the_same_whatever_holds_y(self, cv, y):
        expected = split_all(cv, y)
        shuffled = y.copy()  # indices of a row in reverse order, each pair stored twice, zeros
        rows = np.arange(y.shape[0]).repeat(np.diff(y.indptr))[::-1]
        pairs = (np.tile(rows, 2), np.tile(y.indices[::-1], 2))
        twice = sp.coo_matrix((np.ones(len(pairs[0]), dtype=int), pairs), shape=y.shape)
        shuffled = sp.csr_matrix(y.shape, dtype=int)
        order = np.argsort(rows, kind="stable")
        shuffled.indices, shuffled.indptr = y.indices[::-1][order].copy(), y.indptr.copy()
        shuffled.data = np.ones(y.nnz, dtype=int)
        assert not shuffled.has_sorted_indices
        others = [y, y.toarray(), y.toarray().astype(bool), y.toarray().astype(float), y.tocsc()]
        for other in [*others, y.tolil(), sp.csr_array(y), twice, shuffled]:
            for one, two in zip(expected, split_all(cv, other), strict=True):
                np.testing.assert_array_equal(one[0], two[0])
                np.testing.assert_array_equal(one[1], two[1])
        assert not shuffled.has_sorted_indices
        assert twice.nnz == 2 * y.nnz

    def test_random_state(self, y):
        def folds(seed):
            return [
                t
                for _, t in split_all(
                    MultilabelStratifiedKFold(3, shuffle=True, random_state=seed), y
                )
            ]

        assert not np.array_equal(folds(0)[0], folds(1)[0])
        rng = np.random.RandomState(0)
        assert not np.array_equal(folds(rng)[0], folds(rng)[0])
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        folds(0)
        after = np.random.get_state()[1]  # noqa: NPY002
        np.testing.assert_array_equal(after, before)
        ((first, _), (second, _)) = split_all(
            MultilabelStratifiedShuffleSplit(2, random_state=0), y
        )
        assert not np.array_equal(np.sort(first), np.sort(second))


class TestConventions:
    @pytest.mark.parametrize("n_splits", [1, 0, -1, 2.5, "3"])
    def test_wrong_number_of_folds(self, n_splits):
        assert_same_error(lambda: KFold(n_splits), lambda: MultilabelStratifiedKFold(n_splits))

    def test_other_wrong_parameters_of_kfold(self):
        assert_same_error(
            lambda: KFold(shuffle="yes"), lambda: MultilabelStratifiedKFold(shuffle="yes")
        )
        assert_same_error(
            lambda: KFold(random_state=0), lambda: MultilabelStratifiedKFold(random_state=0)
        )

    def test_more_folds_than_rows(self):
        y = np.eye(3, dtype=int)
        assert_same_error(
            lambda: next(KFold(4).split(y, y)),
            lambda: next(MultilabelStratifiedKFold(4).split(y, y)),
        )

    @pytest.mark.parametrize(
        "sizes",
        [
            (0, None),
            (1.0, None),
            (20, None),
            (None, -1),
            (0.6, 0.5),
            ("a", None),
            (0.99, None),
            (8, 8),
        ],
    )
    def test_wrong_sizes(self, sizes):
        y = np.ones((10, 2), dtype=int)
        params = {"test_size": sizes[0], "train_size": sizes[1]}
        assert_same_error(
            lambda: next(ShuffleSplit(**params).split(y, y)),
            lambda: next(MultilabelStratifiedShuffleSplit(**params).split(y, y)),
        )

    @pytest.mark.parametrize(
        "cv", [MultilabelStratifiedKFold(2), MultilabelStratifiedShuffleSplit(2)]
    )
    def test_wrong_labels(self, cv):
        X = np.zeros((4, 1))
        with pytest.raises(ValueError, match="only 0 and 1"):
            cv.split(X, np.full((4, 2), 2))
        with pytest.raises(ValueError, match=r"shape \(n_samples, n_labels\).*StratifiedKFold"):
            cv.split(X, np.array([0, 1, 0, 1]))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            next(cv.split(X, np.ones((5, 2), dtype=int)))
        with pytest.raises(TypeError, match="y"):
            cv.split(X)

    @pytest.mark.parametrize(
        ("cv", "like"),
        [
            (MultilabelStratifiedKFold(3, shuffle=True, random_state=0), StratifiedKFold),
            (MultilabelStratifiedShuffleSplit(2, test_size=0.5), StratifiedShuffleSplit),
        ],
    )
    def test_what_scikit_learn_expects_of_a_splitter(self, cv, like, y):
        peer = like(**{key: value for key, value in vars(cv).items() if not key.startswith("_")})
        assert repr(cv).split() == f"Multilabel{peer!r}".split()
        assert cv.get_n_splits() == cv.get_n_splits(y, y, None) == peer.get_n_splits()
        assert repr(clone(cv, safe=False)) == repr(cv)
        routing = get_routing_for_object(cv)
        assert routing.split.requests == get_routing_for_object(peer).split.requests
        with config_context(enable_metadata_routing=True):
            assert not hasattr(cv, "set_split_request")
        with pytest.warns(UserWarning, match=f"groups parameter is ignored by {type(cv).__name__}"):
            list(cv.split(y, y, groups=np.zeros(1500)))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            list(cv.split(y, y))

    def test_in_searches_and_validation(self):
        X, y = make_video_embeddings(120, n_labels=20, n_video=8, n_audio=4, random_state=0)
        cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
        clf = OneVsRestClassifier(GaussianNB())
        for labels in (y, y.toarray()):
            search = GridSearchCV(
                clf,
                {"estimator__var_smoothing": [1e-9, 1.0]},
                cv=cv,
                scoring="f1_micro",
                error_score="raise",
            )
            assert np.isfinite(search.fit(X, labels).cv_results_["mean_test_score"]).all()
        dense = y.toarray()
        scores = cross_validate(clf, X, dense, cv=cv, return_indices=True, error_score="raise")
        for (_, test), used in zip(cv.split(X, y), scores["indices"]["test"], strict=True):
            np.testing.assert_array_equal(test, used)
        assert cross_val_predict(clf, X, dense, cv=cv).shape == dense.shape


def assert_same_error(theirs, ours):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        theirs()
    with pytest.raises(expected.type) as got:
        ours()
    assert str(got.value) == str(expected.value).replace("KFold", "MultilabelStratifiedKFold")


class TestDivision:
    @given(label_matrices(), st.integers(0, 3))
    @settings(max_examples=60, deadline=None)
    def test_rows_that_are_left_out_do_not_keep_labels_from_both_sides(self, y, seed):
        # One label per row and room for all: each label with two rows is on both sides.
        y = y.toarray() & (np.cumsum(y.toarray(), axis=1) == 1)
        total = y.sum(axis=0)
        third = len(y) // 3
        cv = MultilabelStratifiedShuffleSplit(
            1, test_size=third, train_size=third, random_state=seed
        )
        ((train, test),) = split_all(cv, y)
        if (total > 0).sum() + 1 <= third:
            assert (y[train].sum(axis=0)[total >= 2] >= 1).all()
            assert (y[test].sum(axis=0)[total >= 2] >= 1).all()

    @given(label_matrices(), st.integers(2, 5), st.booleans())
    @settings(max_examples=60, deadline=None)
    def test_each_step_keeps_its_books(self, y, n_parts, last_is_required):
        n_samples = y.shape[0]
        sizes = np.bincount(np.arange(n_samples) % n_parts, minlength=n_parts)
        required = np.ones(n_parts, dtype=bool)
        required[-1] = last_is_required
        division = _Division(y, sizes, np.full(n_parts, 1 / n_parts), required)
        rows_with_labels = np.diff(y.indptr) > 0
        division.deal(np.random.RandomState(0))
        n_present = (division.counts > 0)[:, required].sum(axis=1)

        def check_books():
            for part in range(n_parts):
                rows = division.parts == part
                np.testing.assert_array_equal(division.counts[:, part], label_counts(y, rows))
            assert (division.parts[rows_with_labels] >= 0).all()
            return (division.counts > 0)[:, required].sum(axis=1), (
                (division.wanted - division.counts) ** 2
            ).sum()

        check_books()
        division.spread()
        spread, unevenness = check_books()
        assert spread.sum() >= n_present.sum()
        division.balance()
        balanced, less = check_books()
        assert (balanced >= spread).all()
        assert less <= unevenness + 1e-9

    def test_parts_of_a_label_are_those_of_the_papers_loop_over_rows(self):
        rng = np.random.default_rng(0)
        for _ in range(30):
            shares = rng.dirichlet(np.ones(3))
            room = rng.multinomial(60, shares)
            division = _Division(
                sp.csr_matrix(np.ones((60, 1))), room, shares, np.ones(3, dtype=bool)
            )
            division.counts[0] = rng.integers(0, 5, size=3)
            n_rows = int(rng.integers(1, 40))
            parts = division._parts_for(0, n_rows, room, np.arange(3))
            drift = np.clip(n_rows * (room / room.sum() - shares), -0.49, 0.49)
            lack, left, expected = division.wanted[0] + drift - division.counts[0], room.copy(), []
            for _ in range(n_rows):
                part = int(np.argmax(np.where(left > 0, lack, -np.inf)))
                lack[part] -= 1
                left[part] -= 1
                expected.append(part)
            np.testing.assert_array_equal(np.sort(parts), np.sort(expected))

    def test_the_first_rows_come_first_without_a_generator(self):
        y = one_hot(np.zeros(6, dtype=int))
        np.testing.assert_array_equal(divide_rows(y, [2, 2, 2], [1 / 3] * 3), [0, 1, 2, 0, 1, 2])
