"""
The scorers with scikit-learn's own classifiers
===============================================

Metrics and scorers of this package take any multi-label classifier with scores.
"""

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf.datasets import make_video_embeddings
from skmlclf.displays import ComparisonDisplay, PrecisionAtKDisplay
from skmlclf.metrics import get_scorer, get_scorer_names

X, y = make_video_embeddings(300, n_labels=20, n_video=24, n_audio=8, random_state=0)
y = y.toarray()  # scikit-learn's classifiers and `cross_validate` want a dense matrix

print(*get_scorer_names(), sep="\n")

# %%
# A scorer goes wherever scikit-learn takes ``scoring``:

scoring = {name: get_scorer(name) for name in ("precision_at_1", "gap_at_5")}
results = cross_validate(KNeighborsClassifier(10), X, y, cv=3, scoring=scoring)
print(results["test_precision_at_1"], results["test_gap_at_5"])

# %%
# Several classifiers, fitted and drawn:

X, y, X_test, y_test = X[:200], y[:200], X[200:], y[200:]
classifiers = {
    "neighbors": KNeighborsClassifier(10),
    "logistic": make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
    "mlp": make_pipeline(
        StandardScaler(), MLPClassifier(32, solver="lbfgs", max_iter=1000, random_state=0)
    ),
}
for classifier in classifiers.values():
    classifier.fit(X, y)
ComparisonDisplay.from_estimator(
    classifiers, X_test, y_test, metrics=["precision_at_1", "gap_at_5", "f1_samples"]
)

# %%
# Precision and recall for each number of labels:

PrecisionAtKDisplay.from_estimator(classifiers["logistic"], X_test, y_test, y_train=y)
plt.show()
