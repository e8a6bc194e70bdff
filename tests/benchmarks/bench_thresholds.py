"""Decisions at one half, at one shared threshold, at plain per-label thresholds, and tuned ones.

Real rows from ``SKMLCLF_YT8M_DIR``: thresholds are tuned on out-of-fold scores of the training rows
and measured on ``validate``. ``--small`` adds problems of 6 to 200 labels, ``--tuning`` what the
tuning alone takes on simulated scores of 30,000 rows and 3,862 labels, and ``--no-real`` leaves the
real rows out. Run ``python tests/benchmarks/bench_thresholds.py --seeds 3 --small --tuning``.
"""

import argparse
import os
import time
import tracemalloc
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from results import record
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from skmlclf import BaseMLPClassifier, LabelThresholdClassifier
from skmlclf.datasets import load_tfrecords, make_video_embeddings
from skmlclf.metrics import expected_calibration_error, hamming_loss
from skmlclf.model_selection import MultilabelStratifiedKFold
from skmlclf.thresholds import (
    OBJECTIVES,
    best_of_kept,
    decide,
    f1_by_label,
    kept_scores,
    objective_value,
    tune_thresholds,
)

COLUMNS = ("samples", "micro", "macro", "rare", "hamming", "labels", "seconds", "MiB")


def plain(scores, y):
    """Tune each label by itself, as a loop over scikit-learn's curves would."""
    from sklearn.metrics import precision_recall_curve

    columns, thresholds = scores.tocsc(), np.full(y.shape[1], np.inf)
    truth = y.tocsc()
    for label in range(y.shape[1]):
        of_label = slice(columns.indptr[label], columns.indptr[label + 1])
        n_true = truth.indptr[label + 1] - truth.indptr[label]
        if n_true == 0 or of_label.stop == of_label.start:
            continue
        rows = columns.indices[of_label]
        true = np.isin(rows, truth.indices[truth.indptr[label] : truth.indptr[label + 1]])
        if not true.any():
            continue
        precision, recall, cuts = precision_recall_curve(true, columns.data[of_label])
        recall = recall * true.sum() / n_true
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        thresholds[label] = cuts[f1[:-1].argmax()]
    return thresholds


def shared(scores, y, objectives):
    """Tune one threshold for each objective by trying a hundred."""
    tried = np.geomspace(0.01, 0.9, 100)
    values = []
    for threshold in tried:
        decisions = decide(scores, np.full(y.shape[1], threshold))
        values.append([objective_value(y, decisions, objective) for objective in objectives])
    best = tried[np.argmax(values, axis=0)]
    return {o: np.full(y.shape[1], t) for o, t in zip(objectives, best, strict=True)}


def measured(y, decisions, rare):
    return {
        "samples": objective_value(y, decisions, "samples_f1"),
        "micro": objective_value(y, decisions, "micro_f1"),
        "macro": objective_value(y, decisions, "macro_f1"),
        "rare": f1_by_label(y, decisions)[rare].mean(),
        "hamming": hamming_loss(y, decisions),
        "labels": decisions.sum() / y.shape[0],
    }


def tuned(function, *args):
    """Return what a function tunes, with its seconds and the peak of what it allocates."""
    start = time.perf_counter()
    function(*args)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    thresholds = function(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return thresholds, {"seconds": seconds, "MiB": peak / 2**20}


def out_of_fold(classifier, X, y, n_folds):
    parts, rows = [], []
    for train, test in MultilabelStratifiedKFold(n_folds).split(X, y):
        fitted = classifier().fit(X[train], y[train])
        parts.append(kept_scores(fitted, X[test], y.shape[1]))
        rows.append(test)
    return sparse.vstack(parts, format="csr"), y[np.concatenate(rows)]


def youtube8m(seed, n_folds):
    folder = Path(os.environ["SKMLCLF_YT8M_DIR"])
    train, held_out = (load_tfrecords(str(folder / part / "*")) for part in ("train", "validate"))
    y, y_val = (sparse.csr_matrix(part.target).astype(np.uint8) for part in (train, held_out))

    def classifier():
        return BaseMLPClassifier(random_state=seed)

    scores, truth = out_of_fold(classifier, train.data, y, n_folds)
    fitted = classifier().fit(train.data, y)
    val = kept_scores(fitted, held_out.data, y.shape[1])
    kept = f"{scores.nnz / len(truth.indptr):.1f} scores kept per row of {scores.shape[0]:,}"
    error = expected_calibration_error(y_val, best_of_kept(val, 20), k=20)
    print(f"seed {seed}: {kept}; expected calibration error at 20 {error:.4f}")
    occurs = np.bincount(y_val.indices, minlength=y.shape[1]) > 0
    rare = occurs & (np.bincount(y.indices, minlength=y.shape[1]) < 10)
    half = np.full(y.shape[1], 0.5)
    rows = {"one half": measured(y_val, decide(val, half), rare)}
    for objective, thresholds in shared(scores, truth, OBJECTIVES[:-1]).items():
        rows[f"one shared, {objective}"] = measured(y_val, decide(val, thresholds), rare)
    thresholds, cost = tuned(plain, scores, truth)
    rows["plain per label"] = measured(y_val, decide(val, thresholds), rare) | cost
    for objective in OBJECTIVES:
        for method in ("per_label", "pooled"):
            if method == "per_label" and objective in ("samples_f1", "cardinality"):
                continue
            # Every row of YouTube-8M has a label.
            tune = partial(tune_thresholds, method=method, nonempty=True)
            found, cost = tuned(tune, scores, truth, objective)
            name = f"{objective}, {method}" if method == "per_label" else objective
            rows[name] = measured(y_val, found.decide(val), rare) | cost
    found = tune_thresholds(scores, truth, nonempty=True)
    with_one = found.decide(val, min_labels=1)
    rows["micro_macro_f1, at least one"] = measured(y_val, with_one, rare)
    return rows


def tuning_alone(n_samples=30_000, n_labels=3_862, n_kept=90, labels_per_row=3.4):
    """Print what each objective takes on simulated scores, at most ``n_kept`` in each row."""
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, n_labels + 1)
    chosen = rng.choice(n_labels, (n_samples, n_kept), p=frequency / frequency.sum())
    rows = np.repeat(np.arange(n_samples), n_kept)
    scores = sparse.csr_matrix(
        (rng.beta(0.1, 1.5, rows.shape).astype(np.float32), (rows, chosen.ravel())),
        shape=(n_samples, n_labels),
    )
    scores.data.clip(1e-6, 0.999, out=scores.data)
    true = rng.random(scores.nnz) < scores.data * (labels_per_row * n_samples / scores.data.sum())
    y = scores.astype(np.uint8)
    y.data = true.astype(np.uint8)
    y.eliminate_zeros()
    kept = f"{scores.nnz / n_samples:.0f} scores and {y.nnz / n_samples:.1f} labels per row"
    print(f"\ntuning alone, {n_samples:,} x {n_labels:,}, {kept}")
    for objective in OBJECTIVES:
        for method in ("per_label", "pooled"):
            tune = partial(tune_thresholds, method=method, nonempty=True)
            _, cost = tuned(tune, scores, y, objective)
            record(f"{objective}, {method}", cost["seconds"], "s")
            record(f"{objective}, {method}, memory", cost["MiB"], "MiB")


def small_problems(seed):
    """Yield problems with linear models and networks."""
    for n_labels in (6, 20, 60, 200):
        X, y = make_multilabel_classification(
            1500, n_features=40, n_classes=n_labels, n_labels=3, random_state=seed
        )
        linear = OneVsRestClassifier(LogisticRegression(max_iter=300))
        yield f"linear, {n_labels} labels", linear, X, sparse.csr_matrix(y)
    for n_labels in (30, 100, 200):
        X, y = make_video_embeddings(1500, n_labels=n_labels, random_state=seed)
        mlp = BaseMLPClassifier(64, epochs=10, random_state=seed)
        yield f"network, {n_labels} labels", mlp, X, sparse.csr_matrix(y)


def show(title, tables):
    """Print the mean over the seeds."""
    print(f"\n{title:34}" + "".join(f"{column:>10}" for column in COLUMNS))
    for name in tables[0]:
        values = [
            np.mean([table[name].get(column, np.nan) for table in tables]) for column in COLUMNS
        ]
        cells = [
            f"{value:10.5f}" if column == "hamming" else f"{value:10.4f}"
            for column, value in zip(COLUMNS, values, strict=True)
        ]
        print(f"{name:34}" + "".join(cells).replace("nan", "  -"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--no-real", action="store_true")
    args = parser.parse_args()
    seeds = range(args.seeds)
    if args.tuning:
        tuning_alone()
    if not args.no_real:
        show("YouTube-8M, validate", [youtube8m(seed, args.folds) for seed in seeds])
    if not args.small:
        return
    problems = {}
    for seed in seeds:
        for name, classifier, X, y in small_problems(seed):
            rare = np.zeros(y.shape[1], bool)
            rows = {}
            for objective in OBJECTIVES:
                model = LabelThresholdClassifier(classifier, objective=objective, cv=3)
                model.fit(X[:1000], y[:1000])
                half = model.estimator_.predict(X[1000:])
                rows["one half"] = measured(y[1000:], sparse.csr_matrix(half), rare)
                rows[objective] = measured(y[1000:], model.predict(X[1000:]), rare)
            problems.setdefault(name, []).append(rows)
    for name, tables in problems.items():
        show(name, tables)


if __name__ == "__main__":
    main()
