from sklearn.utils.estimator_checks import parametrize_with_checks

from skmlclf.preprocessing import ModalitySelector


@parametrize_with_checks([ModalitySelector()])
def test_sklearn_checks(estimator, check):
    check(estimator)
