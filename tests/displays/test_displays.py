"""Every display on classifiers of this package, pipelines, and scikit-learn's own."""

import builtins

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlclf import BaseMLPClassifier
from skmlclf.displays import (
    ComparisonDisplay,
    HistoryDisplay,
    LabelConfusionDisplay,
    PrecisionAtKDisplay,
    ReliabilityDisplay,
)
from skmlclf.metrics import (
    expected_calibration_error,
    hamming_loss,
    label_confusion_matrix,
    precision_at_k_score,
    recall_at_k_score,
    samples_precision_recall_f1,
)

N_LABELS = 8


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    X, y = make_multilabel_classification(160, n_classes=N_LABELS, random_state=0)
    return X[:120], y[:120], X[120:], y[120:]


@pytest.fixture(scope="module")
def fitted(data):
    X, y, _, _ = data
    ours = BaseMLPClassifier(16, epochs=3, random_state=0)
    classifiers = {
        "ours": ours,
        "ours, sparse": BaseMLPClassifier(16, epochs=3, random_state=0),
        "pipeline": make_pipeline(StandardScaler(), BaseMLPClassifier(16, epochs=3)),
        "knn": KNeighborsClassifier(),
        "mlp": MLPClassifier((16,), solver="sgd", tol=0.1, random_state=0),
        "multi-output": MultiOutputClassifier(LogisticRegression()),
    }
    for name, classifier in classifiers.items():
        classifier.fit(X, sparse.csr_matrix(y) if "sparse" in name else y)
    return classifiers


@pytest.fixture(params=[False, True], ids=["unweighted", "weighted"])
def weight(request, data):
    return np.linspace(0, 2, len(data[2])) if request.param else None


KINDS = ["ours", "ours, sparse", "pipeline", "knn", "mlp", "multi-output"]


def scores_of(classifier, X):
    """Return probabilities of shape (n_samples, n_labels), however the classifier gives them."""
    p = classifier.predict_proba(X)
    return np.column_stack([q[:, 1] for q in p]) if isinstance(p, list) else np.asarray(p)


def dense(y):
    return y.toarray() if sparse.issparse(y) else y


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# Precision at k


@pytest.mark.parametrize("kind", KINDS)
def test_precision_at_k_draws_the_metrics(fitted, data, kind, weight):
    _, y_train, X, y = data
    display = PrecisionAtKDisplay.from_estimator(
        fitted[kind], X, y, k_max=5, y_train=y_train, sample_weight=weight
    )
    score = scores_of(fitted[kind], X)
    frequency = np.broadcast_to(y_train.mean(axis=0), y.shape)
    drawn = {name: line.get_ydata() for name, line in display.lines_.items()}
    for name, metric in (("precision", precision_at_k_score), ("recall", recall_at_k_score)):
        for k in range(1, 6):
            for prefix, s in (("", score), ("baseline_", frequency)):
                expected = metric(y, s, k=k, sample_weight=weight)
                assert drawn[prefix + name][k - 1] == pytest.approx(expected), (prefix, name, k)


def test_precision_at_k_draws_no_more_ks_than_labels(data):
    _, _, _, y = data
    display = PrecisionAtKDisplay.from_predictions(y, np.random.default_rng(0).random(y.shape))
    assert len(display.precision) == N_LABELS
    assert display.ax_.get_xticks().tolist() == list(range(1, N_LABELS + 1))


@pytest.mark.parametrize(
    ("k_max", "ticks"), [(1, [1]), (20, [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]), (45, [1, 5, 10])]
)
def test_ticks_start_at_one(k_max, ticks):
    display = PrecisionAtKDisplay(np.full(k_max, 0.5), np.full(k_max, 0.5)).plot()
    assert display.ax_.get_xticks().tolist()[: len(ticks)] == ticks


def test_precision_at_k_of_several_classifiers_on_one_axes(fitted, data):
    _, y_train, X, y = data
    first = PrecisionAtKDisplay.from_estimator(fitted["ours"], X, y, y_train=y_train, name="a")
    second = PrecisionAtKDisplay.from_estimator(
        fitted["knn"], X, y, y_train=y_train, name="b", ax=first.ax_
    )
    assert sum("frequency" in label for label in labels_of(first.ax_)) == 2
    assert second.ax_ is first.ax_
    assert second.figure_ is first.figure_
    colors = {d.lines_["precision"].get_color() for d in (first, second)}
    assert len(colors) == 2
    assert {"precision, a", "recall, a", "precision, b", "recall, b"} <= set(labels_of(first.ax_))


def test_precision_at_k_of_one_class_a_row():
    X, y = make_classification(120, n_classes=3, n_informative=5, random_state=0)
    names = np.array(["x", "y", "z"])[y]
    knn = KNeighborsClassifier().fit(X[:80], names[:80])
    display = PrecisionAtKDisplay.from_estimator(knn, X[80:], names[80:])
    assert len(display.precision) == 3
    # The first of three is right as often as the prediction is, and the third completes the row.
    assert display.precision[0] == pytest.approx(knn.score(X[80:], names[80:]), abs=0.1)
    assert display.recall[2] == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k_max": 0}, "k_max must be an int of at least 1, got 0"),
        ({"y_train": np.eye(8, dtype=int), "frequencies": np.ones(8)}, "not both"),
        ({"frequencies": np.ones(5)}, r"each of the 8 labels of y_true, .* shape \(5,\)"),
    ],
)
def test_precision_at_k_refuses(data, options, message):
    y = data[3]
    with pytest.raises(ValueError, match=message):
        PrecisionAtKDisplay.from_predictions(y, np.zeros(y.shape), **options)


# Label confusion


@pytest.mark.parametrize("kind", KINDS)
def test_label_confusion_draws_the_largest_entries(fitted, data, kind, weight):
    _, _, X, y = data
    display = LabelConfusionDisplay.from_estimator(
        fitted[kind], X, y, n_pairs=4, sample_weight=weight
    )
    matrix = dense(
        label_confusion_matrix(y, dense(fitted[kind].predict(X)), sample_weight=weight)
    ).copy()
    np.fill_diagonal(matrix, 0)
    largest = np.sort(matrix, axis=None)[::-1][:4]
    np.testing.assert_allclose(display.values_, largest[largest > 0])
    for (true, predicted), value in zip(display.pairs_, display.values_, strict=True):
        assert matrix[true, predicted] == pytest.approx(value)
    assert [bar.get_width() for bar in display.bars_] == pytest.approx(list(display.values_))


def test_label_confusion_names():
    true, predicted = [[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 1]]

    def shown(names):
        display = LabelConfusionDisplay.from_predictions(true, predicted, label_names=names)
        return [tick.get_text() for tick in display.ax_.get_yticklabels()]

    assert shown(None) == ["0 → 1", "1 → 2"]
    assert shown(["cat", "dog", "fox"]) == ["cat → dog", "dog → fox"]
    assert shown({1: "dog"}) == ["0 → dog", "dog → 2"]
    # Between marks, so that the true label stays on the left.
    assert shown({0: "כלב", 1: "dog"})[0] == "\u200eכלב\u200e → dog"
    assert shown(["$a$", "b" * 90, "c"]) == [
        r"\$a\$ → " + "b" * 31 + "…",
        "b" * 31 + "… → c",
    ]
    with pytest.raises(ValueError, match="each of the 3 labels, but holds 2 names"):
        shown(["cat", "dog"])


def test_label_confusion_writes_its_counts_with_the_same_decimals():
    confused = [[0, 3, 0], [0, 0, 1.5], [0, 0, 0]]
    written = [text.get_text() for text in LabelConfusionDisplay(confused).plot().ax_.texts]
    assert written == ["3.00", "1.50"]


def test_label_confusion_of_classes_goes_by_their_names():
    y = np.array(["cat", "dog", "cat", "dog"])
    knn = KNeighborsClassifier(1).fit([[0], [1], [0], [1]], y)
    display = LabelConfusionDisplay.from_estimator(knn, [[0], [1]], np.array(["dog", "dog"]))
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["dog → cat"]


def test_label_confusion_where_nothing_is_confused():
    display = LabelConfusionDisplay.from_predictions(np.eye(3, dtype=int), np.eye(3, dtype=int))
    assert display.pairs_ == []
    assert "no label was confused with another" in [t.get_text() for t in display.ax_.texts]


@pytest.mark.parametrize("n_pairs", [0, 1.5])
def test_label_confusion_refuses(n_pairs):
    with pytest.raises(ValueError, match="n_pairs must be an int of at least 1"):
        LabelConfusionDisplay.from_predictions([[1, 0]], [[0, 1]], n_pairs=n_pairs)


def test_label_confusion_takes_the_names_of_the_fit(data):
    X, y, X_val, y_val = data
    frame = pd.DataFrame(y, columns=[f"label {i}" for i in range(N_LABELS)])
    ours = BaseMLPClassifier(4, epochs=1, random_state=0).fit(X, frame)
    pipe = make_pipeline(ours)
    display = LabelConfusionDisplay.from_estimator(pipe, X_val, y_val, n_pairs=1)
    (drawn,) = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    true, predicted = display.pairs_[0]
    assert drawn == f"label {true} → label {predicted}"


# Reliability


@pytest.mark.parametrize("kind", KINDS)
def test_reliability_draws_the_bins(fitted, data, kind, weight):
    _, _, X, y = data
    display = ReliabilityDisplay.from_estimator(
        fitted[kind], X, y, k=4, n_bins=5, sample_weight=weight
    )
    scores = scores_of(fitted[kind], X).astype(float)
    error = expected_calibration_error(y, scores, k=4, n_bins=5, sample_weight=weight)
    assert display.expected_calibration_error_ == pytest.approx(error, abs=1e-6)
    total = 4 * (len(y) if weight is None else weight.sum())
    assert display.weight.sum() == pytest.approx(total)
    x, share = display.line_.get_data()
    filled = display.weight > 0
    np.testing.assert_array_equal(x, display.probability[filled])
    np.testing.assert_array_equal(share, display.share[filled])
    assert len(display.points_.get_offsets()) == filled.sum()


def test_reliability_of_several_classifiers_on_one_axes(fitted, data):
    _, _, X, y = data
    first = ReliabilityDisplay.from_estimator(fitted["ours"], X, y, name="a")
    second = ReliabilityDisplay.from_estimator(fitted["knn"], X, y, name="b", ax=first.ax_)
    assert first.line_.get_color() != second.line_.get_color()
    assert [label[:2] for label in labels_of(first.ax_)] == ["a,", "b,"]
    # The diagonal is drawn once.
    assert len(first.ax_.lines) == 3


def test_reliability_refuses(fitted, data):
    _, _, X, y = data
    with pytest.raises(ValueError, match="k must be an int of at least 1, got 0"):
        ReliabilityDisplay.from_estimator(fitted["knn"], X, y, k=0)
    with pytest.raises(ValueError, match="y_score must hold probabilities"):
        ReliabilityDisplay.from_predictions(y, 3 * scores_of(fitted["knn"], X))


# Comparison


def test_comparison_draws_the_metrics(fitted, data, weight):
    _, _, X, y = data
    display = ComparisonDisplay.from_estimator(
        fitted, X, y, metrics=["precision_at_2", "f1_samples", "hamming"], sample_weight=weight
    )
    for place, classifier in enumerate(fitted.values()):
        y_pred = dense(classifier.predict(X))
        expected = {
            "precision_at_2": precision_at_k_score(
                y, scores_of(classifier, X), k=2, sample_weight=weight
            ),
            "f1_samples": samples_precision_recall_f1(y, y_pred, sample_weight=weight).f1,
            "hamming": hamming_loss(y, y_pred, sample_weight=weight),
        }
        for metric, value in expected.items():
            assert display.bars_[metric][place].get_width() == pytest.approx(value)
    drawn = [bar.get_width() for bar in display.bars_["hamming"]]
    assert display.best_["hamming"] == [
        n for n, v in zip(fitted, drawn, strict=True) if v == min(drawn)
    ]


def test_comparison_writes_a_panel_with_the_same_decimals():
    display = ComparisonDisplay.from_results(
        {
            "a": {"hamming": 0.0012, "parameters": 5_139_222, "seconds": 118.53},
            "b": {"hamming": 0.0009, "parameters": 18_675_734, "seconds": 9.0},
            "c": {"hamming": np.nan, "seconds": None},
        }
    )
    written = {
        metric: [text.get_text() for text in ax.texts]
        for metric, ax in zip(display.bars_, display.ax_, strict=True)
    }
    assert written["hamming"] == ["0.001200", "0.000900", " –"]
    assert written["parameters"] == ["5,139,222", "18,675,734", " –"]
    assert written["seconds"] == ["118.5", "9.0", " –"]
    assert display.best_ == {"hamming": ["b"], "parameters": ["a"], "seconds": ["b"]}


def test_comparison_refuses():
    with pytest.raises(ValueError, match="results hold no values"):
        ComparisonDisplay.from_results({"a": {}})
    with pytest.raises(ValueError, match="must be some of"):
        ComparisonDisplay.from_results({"a": {"loss": 1.0}}, metrics="f1_samples")
    with pytest.raises(ValueError, match="at least one estimator"):
        ComparisonDisplay.from_estimator({}, [[0]], [[0, 1]])


# History


def test_history_draws_what_the_fit_recorded(fitted):
    display = HistoryDisplay.from_estimator({n: fitted[n] for n in ("ours", "pipeline", "mlp")})
    for name, history in (
        ("ours", fitted["ours"].history_["loss"]),
        ("pipeline", fitted["pipeline"][-1].history_["loss"]),
        ("mlp", fitted["mlp"].loss_curve_),
    ):
        line = display.lines_[name, "loss"]
        np.testing.assert_array_equal(line.get_ydata(), history)
        assert line.get_xdata().tolist() == list(range(1, len(history) + 1))
    assert {"ours", "pipeline", "mlp", "training rows"} == set(labels_of(display.ax_[-1]))


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_history_of_a_study_has_a_colour_for_each_fit(style):
    with plt.style.context(style):
        display = HistoryDisplay.from_history({f"pca-{i}": {"loss": [2, 1]} for i in range(7)})
    assert len({line.get_color() for line in display.lines_.values()}) == 7


def test_history_fills_its_rows_evenly():
    history = {name: [0.1, 0.2] for name in ("loss", "a", "b", "c")}
    display = HistoryDisplay.from_history(history)
    assert display.ax_[0].get_subplotspec().get_gridspec().get_geometry() == (2, 2)


def test_history_refuses(fitted, data):
    with pytest.raises(NotFittedError, match="KNeighborsClassifier has neither"):
        HistoryDisplay.from_estimator(fitted["knn"])
    with pytest.raises(ValueError, match="no epoch to draw"):
        HistoryDisplay.from_history({})
    with pytest.raises(ValueError, match="must be some of"):
        HistoryDisplay.from_estimator(fitted["ours"], metrics="f1_samples")


# All of them


def drawings():
    return {
        "HistoryDisplay": lambda ax=None: HistoryDisplay.from_history({"loss": [2, 1]}, ax=ax),
        "PrecisionAtKDisplay": lambda ax=None: PrecisionAtKDisplay([0.5], [0.5]).plot(ax),
        "ReliabilityDisplay": lambda ax=None: ReliabilityDisplay(
            *np.array([[0.2, 0.8], [0.1, 0.9], [5, 1]])
        ).plot(ax),
        "LabelConfusionDisplay": lambda ax=None: LabelConfusionDisplay([[1, 2], [0, 1]]).plot(ax),
        "ComparisonDisplay": lambda ax=None: ComparisonDisplay.from_results(
            {"a": {"loss": 1.0}}, ax=ax
        ),
    }


@pytest.mark.parametrize("name", drawings())
def test_a_given_axes_is_drawn_on(name):
    figure, ax = plt.subplots()
    display = drawings()[name](ax)
    assert np.ravel(display.ax_)[0] is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", ["HistoryDisplay", "ComparisonDisplay"])
def test_too_few_axes_are_refused(name):
    _, ax = plt.subplots(1, 2)
    with pytest.raises(ValueError, match=f"{name} draws 1 panels .* ax holds 2"):
        drawings()[name](ax)


def drawn_colors(ax):
    lines = [line.get_color() for line in ax.lines]
    return lines + [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]


@pytest.mark.parametrize("name", drawings())
def test_colours_stand_out_from_a_dark_ground(name):
    with plt.style.context("dark_background"):
        ax = np.ravel(drawings()[name]().ax_)[0]
    # The contrast that web pages ask of graphical objects, against black.
    for color in drawn_colors(ax):
        rgb = np.array(matplotlib.colors.to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        assert (linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05 > 5


@pytest.mark.parametrize("name", drawings())
def test_without_matplotlib_the_error_says_how_to_get_it(name, monkeypatch):
    found = builtins.__import__

    def missing(module, *args, **kwargs):
        if module.startswith("matplotlib"):
            raise ImportError(module)
        return found(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=f"{name} draws with matplotlib, .*pip install"):
        drawings()[name]()
