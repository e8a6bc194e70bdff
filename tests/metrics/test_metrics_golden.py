"""Values computed by outside implementations on 500 videos and 400 labels."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from skmlclf import metrics

pytestmark = pytest.mark.golden

TOLERANCE = 1e-9
AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
    "hit": metrics.hit_at_k_score,
    "gap": metrics.global_average_precision_score,
}
PROPENSITY_SCORED = {
    "psprecision": metrics.propensity_scored_precision_at_k_score,
    "psndcg": metrics.propensity_scored_ndcg_at_k_score,
}


@pytest.fixture(scope="module")
def golden():
    folder = os.environ.get("SKMLCLF_GOLDEN_DIR")
    if not folder:
        pytest.skip("SKMLCLF_GOLDEN_DIR is not set: it points to the independent metric values")
    values = json.loads((Path(folder) / "golden.json").read_text())
    values["arrays"] = dict(np.load(Path(folder) / "yt8m_golden_500x400.npz"))
    return values


@pytest.fixture(scope="module")
def y_true(golden):
    a = golden["arrays"]
    ones = np.ones(len(a["labels_indices"]))
    return sp.csr_array((ones, a["labels_indices"], a["labels_indptr"]), shape=tuple(a["shape"]))


@pytest.fixture
def values(golden):
    """The golden values of the scores that are all different."""
    return {name: entry["value"] for name, entry in golden["distinct"].items()}


@pytest.fixture
def scores(golden):
    return golden["arrays"]["scores_distinct"]


@pytest.fixture
def tied_scores(golden):
    return golden["arrays"]["scores_ties"]


def names_at_k(values, families, suffix=""):
    """Entries such as ``gap@20`` as (name, family, k)."""
    for name in values:
        family, at, rest = name.partition("@")
        if family in families and at and rest.removesuffix(suffix).isdigit():
            if suffix and not rest.endswith(suffix):
                continue
            yield name, family, int(rest.removesuffix(suffix))


def as_pair(y_score):
    order = np.argsort(-y_score, axis=1, kind="stable")
    return order, np.take_along_axis(y_score, order, axis=1)


@pytest.mark.parametrize("form", ["dense", "logits", "float64", "pair"])
def test_at_k(values, scores, y_true, form):
    y_score = {
        "dense": scores,
        "float64": scores.astype(np.float64),
        # Exact in double precision as far as the order goes, ties and zeros included.
        "logits": _logits(scores),
        "pair": as_pair(scores),
    }[form]
    checked = 0
    for name, family, k in names_at_k(values, AT_K):
        assert AT_K[family](y_true, y_score, k=k) == pytest.approx(values[name], abs=TOLERANCE), (
            name
        )
        checked += 1
    assert checked >= 30


def _logits(probabilities):
    p = probabilities.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-p)


@pytest.mark.parametrize("backwards", [False, True])
def test_equal_scores_count_as_in_the_mean_over_all_orders(golden, tied_scores, y_true, backwards):
    y_score = tied_scores
    if backwards:
        y_true, y_score = y_true[::-1, ::-1], tied_scores[::-1, ::-1]
    accumulator = metrics.RankingAccumulator(400, k=20)
    for start in range(0, 500, 77):
        rows = slice(start, start + 77)
        accumulator.update(y_true[rows], y_score[rows])
    expected = golden["ties_expected"]
    checked = 0
    for name, family, k in names_at_k(expected, AT_K):
        value = AT_K[family](y_true, y_score, k=k)
        assert value == pytest.approx(expected[name], abs=TOLERANCE), name
        if k <= 20:
            value = accumulator.compute(f"{family}_at_{k}")
            assert value == pytest.approx(expected[name], abs=TOLERANCE), name
        checked += 1
    assert checked == len(expected) == 24


def test_equal_scores_are_one_threshold_of_average_precision(golden, tied_scores, y_true):
    values = {name: entry["value"] for name, entry in golden["ties_order_free"].items()}
    by_label = metrics.mean_average_precision_score(y_true, tied_scores, average=None)
    expected = golden["ties_arrays"]["map|top_k=None|grouped ties|per class"]["value"]
    np.testing.assert_allclose(
        by_label, np.array(expected, dtype=np.float64), rtol=0, atol=TOLERANCE, equal_nan=True
    )
    value = metrics.mean_average_precision_score(y_true, tied_scores)
    assert value == pytest.approx(values["map|top_k=None|grouped ties"], abs=TOLERANCE)
    value = metrics.global_average_precision_score(y_true, tied_scores, k=400)
    assert value == pytest.approx(values["gap@400|grouped ties"], abs=TOLERANCE)
    for name, _, k in names_at_k(values, {"ndcg"}, "|tie-averaged"):
        value = metrics.ndcg_at_k_score(y_true, tied_scores, k=k)
        assert value == pytest.approx(values[name], abs=TOLERANCE), name


def test_labelled_rows_only_is_weight_zero_for_the_others(values, scores, y_true):
    labelled = np.diff(y_true.indptr) > 0
    suffix = "|labelled rows only"
    checked = 0
    for name, family, k in names_at_k(values, {"recall", "ndcg"}, suffix):
        value = AT_K[family](y_true, scores, k=k, sample_weight=labelled)
        assert value == pytest.approx(values[name], abs=TOLERANCE), name
        checked += 1
    value = metrics.precision_at_equal_recall_score(y_true, scores, sample_weight=labelled)
    assert value == pytest.approx(values["perr" + suffix], abs=TOLERANCE)
    assert checked >= 14


def test_perr(golden, values, scores, y_true):
    perr = metrics.precision_at_equal_recall_score
    assert perr(y_true, scores) == pytest.approx(values["perr"], abs=TOLERANCE)
    assert perr(y_true, _logits(scores)) == pytest.approx(values["perr"], abs=TOLERANCE)
    assert perr(y_true, as_pair(scores)) == pytest.approx(values["perr"], abs=TOLERANCE)
    # Zero probabilities count where the scores are declared to be logits.
    expected = values["perr|scores<=0 count"]
    assert perr(y_true, scores, logits=True) == pytest.approx(expected, abs=TOLERANCE)
    # What the official code makes of logits, which only an explicit wish should get.
    official = golden["distinct"]["perr|logits instead of probabilities"]["value"]
    logits = _logits(golden["arrays"]["scores_distinct"])
    assert perr(y_true, logits, logits=False) == pytest.approx(official, abs=TOLERANCE)
    assert perr(y_true, logits) != pytest.approx(official, abs=1e-3)


def test_mean_average_precision(golden, values, scores, y_true):
    mean_average_precision = metrics.mean_average_precision_score
    for y_score in (scores, as_pair(scores)):
        for k in (20, None):
            value = mean_average_precision(y_true, y_score, k=k)
            assert value == pytest.approx(values[f"map|top_k={k}"], abs=TOLERANCE)
    by_label = mean_average_precision(y_true, scores, average=None)
    # As scikit-learn, which groups ties; there are none here.
    name = "map|top_k=None|grouped ties|empty classes as 0"
    assert np.nan_to_num(by_label).mean() == pytest.approx(values[name], abs=TOLERANCE)
    labelled = np.isfinite(by_label)
    assert labelled.sum() == golden["distinct"]["EvaluationMetrics batch=500"]["value"]["n_aps"]


def test_average_precision_of_each_label(golden, y_true):
    scores = golden["arrays"]["scores_distinct"]
    for k in (20, None):
        values = metrics.mean_average_precision_score(y_true, scores, k=k, average=None)
        expected = golden["distinct_arrays"][f"map|top_k={k}|per class"]["value"]
        expected = np.array(expected, dtype=np.float64)  # None for labels without positives
        np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE, equal_nan=True)


def test_propensities(golden, y_true):
    expected = golden["propensity"]["inv_propensity of the 500"]["value"]
    weights = metrics.inverse_propensity(y_true)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("variant", ["", "|propensities of the 500"])
def test_propensity_scored(golden, values, scores, y_true, variant):
    source = "inv_propensity of the 500" if variant else "inv_propensity N=57975"
    weights = np.array(golden["propensity"][source]["value"])
    checked = 0
    for name, family, k in names_at_k(values, PROPENSITY_SCORED, variant):
        for y_score in (scores, as_pair(scores)):
            value = PROPENSITY_SCORED[family](y_true, y_score, weights, k=k)
            assert value == pytest.approx(values[name], abs=TOLERANCE), name
        checked += 1
    assert checked >= 10


@pytest.fixture(params=["distinct", "ties"])
def decision_case(request, golden):
    """Golden values of decisions, those decisions by name, and the arrays."""
    scores = golden["arrays"][f"scores_{request.param}"]
    best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    top5 = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(top5, best, True, axis=1)
    decisions = {"thr>=0.5": scores >= 0.5, "thr>0.5": scores > 0.5, "top5": top5}
    sections = {
        "distinct": ["distinct"],
        "ties": ["ties_order_free", "ties_decisions_top5_index_rule"],
    }[request.param]
    values = {
        name: entry["value"] for section in sections for name, entry in golden[section].items()
    }
    return values, decisions, golden[f"{request.param}_arrays"]


def test_samples_precision_recall_f1(decision_case, y_true):
    values, decisions, _ = decision_case
    checked = 0
    for name, expected in values.items():
        which, _, rest = name.partition(" samples|")
        if which not in ("precision", "recall", "f1") or not rest:
            continue
        decision, _, zero_division = rest.partition("|zero_division=")
        result = metrics.samples_precision_recall_f1(
            y_true, decisions[decision], zero_division=float(zero_division)
        )
        assert getattr(result, which) == pytest.approx(expected, abs=TOLERANCE), name
        checked += 1
    assert checked >= 21


def test_hamming(decision_case, y_true):
    values, decisions, _ = decision_case
    for decision, y_pred in decisions.items():
        value = metrics.hamming_loss(y_true, y_pred)
        assert value == pytest.approx(values[f"hamming|{decision}"], abs=TOLERANCE)


@pytest.mark.parametrize("samplewise", [False, True])
def test_multilabel_confusion_matrix(decision_case, y_true, samplewise):
    _, decisions, arrays = decision_case
    for decision, y_pred in decisions.items():
        matrix = metrics.multilabel_confusion_matrix(y_true, y_pred, samplewise=samplewise)
        expected = arrays[f"mcm{' samplewise' if samplewise else ''}|{decision}"]["value"]
        np.testing.assert_array_equal(matrix.reshape(-1, 4), expected)


TINY_SOURCES = ("own_reference", "sklearn", "official", "napkinxc")


@pytest.mark.parametrize(
    "case",
    ["tiny", "tiny_class3_empty", "tiny_no_labels", "tiny_all_tied", "tiny_zero_scores"],
)
def test_tiny(golden, case):
    fixture = golden["tiny"][case]
    y_true, y_score = np.array(fixture["labels"]), np.float32(fixture["scores_float32"])
    y_pred = y_score >= 0.5
    has_ties = case in ("tiny_all_tied", "tiny_zero_scores")
    checked = 0
    for name, by_source in fixture["by_source"].items():
        expected = _tiny_reference(by_source)
        family, _, rest = name.partition("@")
        if has_ties and "samples|" not in name and name != "hamming|thr>=0.5":
            # Other values follow the order of columns that their source gives to ties.
            by_source = fixture["by_source"].get(f"{name}|grouped ties", by_source)
            if "sklearn" not in by_source and name != "map|top_k=None":
                continue
            expected = _tiny_reference(by_source, ("sklearn", "own_reference"))
        if family in AT_K and rest.isdigit():
            value = AT_K[family](y_true, y_score, k=int(rest))
        elif name == "perr":
            value = metrics.precision_at_equal_recall_score(y_true, y_score)
        elif name.startswith("map|top_k=") and name.count("|") == 1:
            k = name.removeprefix("map|top_k=")
            k = None if k == "None" else int(k)
            value = metrics.mean_average_precision_score(y_true, y_score, k=k)
        elif " samples|thr>=0.5|zero_division=" in name and not name.startswith("jaccard"):
            zero_division = float(name.rpartition("=")[2])
            result = metrics.samples_precision_recall_f1(
                y_true, y_pred, zero_division=zero_division
            )
            value = getattr(result, name.split()[0], None)
        elif name == "hamming|thr>=0.5":
            value = metrics.hamming_loss(y_true, y_pred)
        else:
            continue
        if case == "tiny_no_labels" and family == "gap":
            expected = 0.0
        if value is not None:
            assert value == pytest.approx(expected, abs=TOLERANCE, nan_ok=True), name
            checked += 1
    assert checked >= (16 if has_ties else 25)


def _tiny_reference(by_source, sources=TINY_SOURCES):
    """The plain-Python value, or else another source's."""
    for source in sources:
        value = by_source.get(source)
        if isinstance(value, (int, float)):
            return value
        if value == "nan":
            return math.nan
    return math.nan
