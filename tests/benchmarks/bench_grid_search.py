"""A grid search over our estimator against the same grid over plain scikeras.

Twelve candidates and three folds at the main job's sizes. Run
``python tests/benchmarks/bench_grid_search.py``; ``--candidates`` makes it shorter.
"""

import argparse
import os
import warnings
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from results import record
from scikeras.wrappers import KerasClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, KFold

from skmlclf import BlockMLPClassifier
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import get_scorer, precision_at_k_score

EPOCHS, N_LABELS = 5, 4800
GRID = {"dropout": [0.1, 0.3, 0.5], "learning_rate": [3e-4, 1e-3, 3e-3, 1e-2]}


def block_model(meta, dropout, learning_rate):
    model = keras.Sequential([keras.Input((meta["n_features_in_"],))])
    for units in (1024, 512):
        model.add(keras.layers.Dense(units))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.ReLU())
        model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(N_LABELS, activation="sigmoid"))
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy")
    return model


def first(grid, n):
    return [
        {"dropout": [d], "learning_rate": [r]}
        for d in grid["dropout"]
        for r in grid["learning_rate"]
    ][:n]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=12)
    n = parser.parse_args().candidates
    X, y = make_video_embeddings(n_labels=N_LABELS, random_state=0)
    dense = y.toarray().astype(int)
    folds = KFold(3, shuffle=True, random_state=0)
    warnings.filterwarnings("ignore")

    def ours():
        clf = BlockMLPClassifier(epochs=EPOCHS, random_state=0)
        scorer = get_scorer("precision_at_20")
        return GridSearchCV(clf, first(GRID, n), scoring=scorer, cv=folds, refit=False).fit(X, y)

    def peer():
        clf = KerasClassifier(
            block_model, dropout=0.5, learning_rate=1e-3, epochs=EPOCHS, verbose=0, random_state=0
        )
        scorer = make_scorer(precision_at_k_score, response_method="predict_proba")
        return GridSearchCV(clf, first(GRID, n), scoring=scorer, cv=folds, refit=False).fit(
            X, dense
        )

    print(f"{n} candidates, 3 folds, {EPOCHS} epochs, {X.shape[0]:,} x {X.shape[1]:,} rows")
    for name, run in (("scikeras", peer), ("skmlclf", ours)):
        start = perf_counter()
        best = run().cv_results_["mean_test_score"].max()
        seconds = perf_counter() - start
        record(name, seconds, "s", peer=None if name == "scikeras" else "scikeras")
        print(f"    best P@20 {best:.4f}")


if __name__ == "__main__":
    main()
