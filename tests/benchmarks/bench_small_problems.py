"""Samples F1 and LRAP on small problems at the defaults: ours beside scikit-learn's.

Six simulated problems of 300 to 3,000 rows and 6 to 200 labels, and scikit-learn's own data sets
with several labels per row. Every number is the mean over random splits, 30% held out. "base,
tuned" has decisions tuned for samples F1 instead of those at one half. Run
``python tests/benchmarks/bench_small_problems.py``; ``--only`` and ``--problems`` pick some, and
``--precision`` says what ours compute in.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, label_ranking_average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skmlclf import (
    BaseMLPClassifier,
    BlockMLPClassifier,
    DeepMLPClassifier,
    LabelThresholdClassifier,
)
from skmlclf.datasets import make_video_embeddings

PEERS = ("MLPClassifier", "RandomForest")


def words(n_samples, n_features, n_classes, n_labels):
    return lambda seed: make_multilabel_classification(
        n_samples, n_features, n_classes=n_classes, n_labels=n_labels, random_state=seed
    )


def random_network(seed, n_samples=1500, n_features=20, n_labels=30):
    """Labels that a random network of 16 units gives Gaussian features, one in eight present."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    hidden = np.tanh(X @ rng.standard_normal((n_features, 16)) / 2)
    scores = hidden @ rng.standard_normal((16, n_labels))
    scores += 0.3 * scores.std() * rng.standard_normal(scores.shape)
    return X, (scores > np.quantile(scores, 0.875, axis=0)).astype(int)


def videos(n_samples, n_labels):
    def make(seed):
        X, y = make_video_embeddings(n_samples, n_labels=n_labels, random_state=seed)
        return X, y.toarray()

    return make


def one_hot(y):
    return (y[:, None] == np.unique(y)).astype(int)


def digits(seed):
    """Which digit, whether it is even, more than four, a prime, and drawn with a closed loop."""
    X, y = load_digits(return_X_y=True)
    more = [y % 2 == 0, y > 4, np.isin(y, [2, 3, 5, 7]), np.isin(y, [0, 6, 8, 9])]
    return X, np.column_stack([one_hot(y), *more]).astype(int)


def with_features_as_labels(load, columns):
    """Return a data set whose labels are its classes, and whether some features are large."""

    def make(seed):
        X, y = load(return_X_y=True)
        large = X[:, columns] > np.median(X[:, columns], axis=0)
        X = np.delete(X, columns, axis=1)
        return StandardScaler().fit_transform(X), np.hstack([one_hot(y), large]).astype(int)

    return make


PROBLEMS = {
    "words 300 x 20, 6 labels": words(300, 20, 6, 2),
    "words 1,000 x 100, 40 labels": words(1000, 100, 40, 4),
    "words 3,000 x 300, 100 labels": words(3000, 300, 100, 4),
    "random network 1,500 x 20, 30 labels": random_network,
    "videos 1,000 x 1,152, 50 labels": videos(1000, 50),
    "videos 3,000 x 1,152, 200 labels": videos(3000, 200),
    "digits 1,797 x 64, 14 labels": digits,
    "iris 150 x 3, 4 labels": with_features_as_labels(load_iris, [1]),
    "wine 178 x 10, 6 labels": with_features_as_labels(load_wine, [0, 5, 9]),
    "breast cancer 569 x 26, 6 labels": with_features_as_labels(load_breast_cancer, [1, 4, 9, 18]),
}


def classifiers(seed, precision="float32"):
    ours = {"precision": precision, "random_state": seed}
    return {
        "MLPClassifier": MLPClassifier(random_state=seed),
        "RandomForest": RandomForestClassifier(random_state=seed),
        "base": BaseMLPClassifier(**ours),
        "blocks": BlockMLPClassifier(**ours),
        "deep": DeepMLPClassifier(**ours),
        "base, tuned": LabelThresholdClassifier(
            BaseMLPClassifier(**ours), objective="samples_f1", random_state=seed
        ),
    }


def probabilities(clf, X):
    """Return one column per label; a forest returns one array per label instead."""
    answer = clf.predict_proba(X)
    if not isinstance(answer, list):
        return answer
    return np.column_stack(
        [
            1 - each[:, list(c).index(0)] if 0 in c else np.ones(len(each))
            for each, c in zip(answer, clf.classes_, strict=True)
        ]
    )


def measured(clf, problem, seed):
    X, y = problem(seed)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
    start = time.perf_counter()
    clf.fit(X, y)
    seconds = time.perf_counter() - start
    f1 = f1_score(y_test, clf.predict(X_test), average="samples", zero_division=0)
    lrap = label_ranking_average_precision_score(y_test, probabilities(clf, X_test))
    return f1, lrap, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=list(classifiers(0)))
    parser.add_argument("--problems", nargs="+", default=[""], help="parts of their names")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"Mean over {args.seeds} splits, standard deviation: samples F1, LRAP; seconds of a fit")
    for name, problem in PROBLEMS.items():
        if not any(part in name for part in args.problems):
            continue
        print(name, flush=True)
        for kind in args.only:
            results = [
                measured(classifiers(s, args.precision)[kind], problem, s)
                for s in range(args.seeds)
            ]
            (f1, lrap, seconds), spread = np.mean(results, axis=0), np.std(results, axis=0, ddof=1)
            print(
                f"    {kind:16}{f1:8.4f} ± {spread[0]:.4f}{lrap:8.4f} ± {spread[1]:.4f}"
                f"{seconds:8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
