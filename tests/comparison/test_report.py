"""The report: what it says, that it stands alone, and that a browser can use it."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmlclf import BaseMLPClassifier, BlockMLPClassifier, make_feature_mlp
from skmlclf.comparison import compare
from skmlclf.datasets import make_video_embeddings
from skmlclf.metrics import hamming_loss, precision_at_k_score, samples_precision_recall_f1


@pytest.fixture(scope="module")
def comparison():
    X, y = make_video_embeddings(200, n_labels=60, random_state=0)
    options = {"epochs": 3, "random_state": 0}
    estimators = {
        "base": BaseMLPClassifier(16, learning_rate=1e-2, **options),
        "9": BlockMLPClassifier((16, 8), learning_rate=1e-2, **options),
        "audio <b>": make_feature_mlp("audio", 5, hidden_units=8, **options),
    }
    return compare(estimators, X[:150], y[:150], X[150:], y[150:], verbose=False)


@pytest.fixture(scope="module")
def folder(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    names = [f"label {i}" for i in range(60)]
    page = comparison.report(
        folder / "new", base="base", label_names=names, command="skmlclf compare"
    )
    assert page == folder / "new" / "index.html"
    return folder / "new"


def csr(arrays, name):
    indices, indptr = arrays[f"{name}/indices"], arrays[f"{name}/indptr"]
    return sparse.csr_matrix(
        (np.ones(len(indices)), indices, indptr), shape=tuple(arrays[f"{name}/shape"])
    )


def test_metrics_follow_from_the_saved_predictions(folder):
    results = json.loads((folder / "results.json").read_text())
    with np.load(folder / "predictions.npz") as arrays:
        y_val = csr(arrays, "y_val")
        for result in results["results"]:
            name = result["name"]
            y_pred = csr(arrays, f"{name}/y_pred")
            topk = arrays[f"{name}/labels"], arrays[f"{name}/scores"]
            assert result["precision_at_20"] == precision_at_k_score(y_val, topk)
            assert result["hamming"] == hamming_loss(y_val, y_pred)
            assert result["f1_samples"] == samples_precision_recall_f1(y_val, y_pred).f1
            assert result["history"]["val_loss"][-1] == result["loss"]
            step = "mlp__" if name.startswith("audio") else ""
            assert result["params"][f"{step}epochs"] == "3"


def test_keys_are_identifiers(folder):
    def keys(node):
        if isinstance(node, list):
            return {key for each in node for key in keys(each)}
        if isinstance(node, dict):
            return {key for key in node if key != "params"} | {
                key for name, each in node.items() if name != "versions" for key in keys(each)
            }
        return set()

    results = json.loads((folder / "results.json").read_text())
    assert {key for key in keys(results) if not re.fullmatch("[a-z0-9_]+", key)} == set()
    assert results["data"] == {
        "n_train_samples": 150,
        "n_val_samples": 50,
        "n_features": 1152,
        "n_labels": 60,
        "labels_per_train_sample": pytest.approx(3, abs=0.5),
    }


def test_the_page_stands_alone_and_tells_all(folder):
    page = (folder / "index.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "audio &lt;b&gt;" in page
    assert "audio <b>" not in page
    assert page.count("<figure>") == 5
    for word in ("150", "1,152", "skmlclf compare", "scikit-learn", "learning_rate = 0.01"):
        assert word in page


def test_the_table_is_sorted_by_the_first_metric(folder):
    page = (folder / "index.html").read_text()
    names = re.findall(r'<tr><td data-value="([^"]+)"', page)
    results = json.loads((folder / "results.json").read_text())["results"]
    best_first = sorted(results, key=lambda r: -r["precision_at_20"])
    assert names[0].replace("&lt;", "<").replace("&gt;", ">") == best_first[0]["name"]


def test_differences_stand_on_the_page(folder):
    page = (folder / "index.html").read_text()
    results = json.loads((folder / "results.json").read_text())["results"]
    base, blocks, audio = (result["precision_at_20"] for result in results)
    table = re.search(r'<table id="differences">.*?</table>', page)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table)[1:]
    for row, name, value in zip(rows, ["9", "audio &lt;b&gt;"], [blocks, audio], strict=True):
        cells = re.findall(r"<td>(.*?)</td>", row)
        assert cells[0] == name
        assert cells[5] == f"{value / base - 1:+.1%}"


def test_tuned_decisions_stand_beside_those_predicted(folder):
    page = (folder / "index.html").read_text()
    results = json.loads((folder / "results.json").read_text())["results"]
    table = re.search(r'<table id="decisions">.*?</table>', page)[0]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    assert [row[0] for row in rows[:2]] == ["base, as predicted", "base, tuned"]
    with np.load(folder / "predictions.npz") as arrays:
        y_val = csr(arrays, "y_val")
        for result, predicted, tuned in zip(results, rows[::2], rows[1::2], strict=True):
            name, decisions = result["name"], result["decisions"]
            for key, saved, row in (
                ("predicted", "y_pred", predicted),
                ("tuned", "y_tuned", tuned),
            ):
                y_pred = csr(arrays, f"{name}/{saved}")
                f1 = samples_precision_recall_f1(y_val, y_pred).f1
                assert decisions[key]["f1_samples"] == pytest.approx(f1)
                assert decisions[key]["hamming"] == hamming_loss(y_val, y_pred)
                assert decisions[key]["labels_per_sample"] == y_pred.nnz / y_pred.shape[0]
                assert row[1] == f"{f1:.4f}"
            assert decisions["tuned"]["f1_micro"] > decisions["predicted"]["f1_micro"]


def test_tuned_decisions_print_as_a_table(comparison):
    header, _, *rows = str(comparison.decisions()).splitlines()
    assert re.split("  +", header)[::5] == ["decisions", "labels per sample"]
    assert [row.split("  ")[0] for row in rows[:2]] == ["base, as predicted", "base, tuned"]
    tuned = comparison.decisions().values["base"]["tuned"]
    assert f" {tuned['f1_micro']:.4f} " in rows[1]


def test_settings_are_those_of_every_step(folder):
    params = json.loads((folder / "results.json").read_text())["results"][2]["params"]
    assert params["select__modality"] == "'audio'"
    assert params["pca__n_components"] == "5"
    assert params["mlp__hidden_units"] == "8"
    assert "mlp__callbacks" not in params


def test_an_unknown_column_is_refused(folder, tmp_path):
    X, y = make_video_embeddings(60, n_labels=30, random_state=0)
    estimators = {"base": BaseMLPClassifier(4, epochs=1)}
    comparison = compare(estimators, X[:40], y[:40], X[40:], y[40:], verbose=False)
    with pytest.raises(ValueError, match="no column"):
        comparison.report(tmp_path / "report", sort_by="beauty")
    with pytest.raises(ValueError, match="was not compared"):
        comparison.report(tmp_path / "report", base="blocks")
    assert not (tmp_path / "report").exists()
    frame = comparison.to_frame()
    assert frame.loc["base", "precision_at_20"] == comparison.results[0].metrics["precision_at_20"]


def test_values_that_are_not_known_stand_last_and_are_no_json_number(tmp_path):
    X, y = make_video_embeddings(60, n_labels=30, random_state=0)
    diverged = BaseMLPClassifier(4, epochs=1, random_state=0)
    estimators = {"diverged": diverged, "base": clone(diverged)}
    comparison = compare(estimators, X[:40], y[:40], X[40:], y[40:], verbose=False)
    nan = float("nan")
    comparison.results[0] = replace(
        comparison.results[0], loss=nan, history={"loss": [0.5], "val_loss": [nan]}
    )
    page = comparison.report(tmp_path, sort_by="loss", base="base").read_text()
    assert re.findall(r'<tr><td data-value="([^"]+)"', page) == ["base", "diverged"]
    rows = re.search(r'<table id="results">.*?</table>', page)[0]
    assert rows.count(">-<") == 1

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    text = (tmp_path / "results.json").read_text()
    results = json.loads(text, parse_constant=refuse)["results"]
    assert results[0]["loss"] is None
    assert results[0]["history"]["val_loss"] == [None]


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={tmp_path}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_and_sorts_it(folder, browser, width):
    browser.set_window_size(width, 900)
    browser.get((folder / "index.html").as_uri())
    pictures = browser.find_elements("css selector", "figure svg")
    assert len(pictures) == 5
    assert all(picture.size["height"] > 50 for picture in pictures)
    scroll_width = browser.execute_script("return document.documentElement.scrollWidth")
    assert scroll_width <= browser.execute_script("return window.innerWidth")

    def seconds():
        cells = browser.find_elements("css selector", "#results tbody td:nth-child(3)")
        return [float(cell.get_attribute("data-value")) for cell in cells]

    button = browser.find_element("css selector", "#results th:nth-child(3) button")
    button.click()
    assert seconds() == sorted(seconds())
    button.click()
    assert seconds() == sorted(seconds(), reverse=True)
    browser.find_element("css selector", "#results th:nth-child(1) button").click()
    cells = browser.find_elements("css selector", "#results tbody td:nth-child(1)")
    assert [cell.text for cell in cells] == ["9", "audio <b>", "base"]
    assert browser.get_log("browser") == []
