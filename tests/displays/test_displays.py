import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from sklearn.datasets import make_multilabel_classification
from sklearn.neighbors import KNeighborsClassifier

from skmlclf.displays import PrecisionAtKDisplay
from skmlclf.metrics import precision_at_k_score


def test_precision_at_k_is_that_of_the_metric():
    X, y = make_multilabel_classification(n_classes=8, random_state=0)
    knn = KNeighborsClassifier().fit(X[:80], y[:80])
    score = np.column_stack([p[:, 1] for p in knn.predict_proba(X[80:])])
    display = PrecisionAtKDisplay.from_estimator(knn, X[80:], y[80:], k_max=3)
    for k in (1, 2, 3):
        assert display.precision[k - 1] == pytest.approx(precision_at_k_score(y[80:], score, k=k))
