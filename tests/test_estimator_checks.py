"""scikit-learn's own checks on every public estimator, found by itself."""

import inspect

import pytest
import sklearn
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

import skmlclf

CLASSES = [
    value
    for name in skmlclf.__all__
    if inspect.isclass(value := getattr(skmlclf, name)) and issubclass(value, BaseEstimator)
]
WEIGHTS_REASON = (
    "weighted and repeated rows are added up in another order, which single precision rounds"
    " otherwise than to 1e-7; with dropout or batch normalisation they are not even the same rows"
)


def expected_failures(estimator):
    if is_classifier(estimator):
        return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS_REASON}
    return {}


@parametrize_with_checks([c() for c in CLASSES], expected_failed_checks=expected_failures)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_all_estimators_are_found():
    assert {c.__name__ for c in CLASSES} >= {
        "BaseMLPClassifier",
        "BlockMLPClassifier",
        "DeepMLPClassifier",
        "ModalitySelector",
    }


@pytest.mark.skipif(
    parse_version(sklearn.__version__).release[:2] != (1, 9),
    reason="the number of checks is that of scikit-learn 1.9",
)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_no_check_vanishes(cls):
    n_checks = sum(1 for _ in estimator_checks_generator(cls(), legacy=True))
    assert n_checks == (67 if is_classifier(cls()) else {"ModalitySelector": 47}[cls.__name__])


@pytest.mark.parametrize(
    "cls", [c for c in CLASSES if is_classifier(c())], ids=lambda c: c.__name__
)
def test_no_tag_switches_checks_off(cls):
    tags = cls().__sklearn_tags__()
    assert not tags.classifier_tags.poor_score
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert tags.classifier_tags.multi_label
