"""Bad input, one row of `inputs_table` each: what it raises, and that it changes nothing."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
from inputs_table import FITTED, ROWS, Same, namespace
from scipy import sparse

from skmlclf.metrics import registry


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Return what the rows may name; fitted once, since no row may change it."""
    return namespace(tmp_path_factory.mktemp("inputs"))


def plain(value):
    """Return a value that can be compared bit for bit."""
    if sparse.issparse(value):
        coo = value.tocoo()
        return [value.format, *map(plain, (coo.row, coo.col, coo.data, np.array(value.shape)))]
    if isinstance(value, pd.DataFrame | pd.Series):
        return [value.to_dict(), str(getattr(value, "dtypes", ""))]
    if isinstance(value, np.ma.MaskedArray):
        return [plain(value.data), plain(np.ma.getmaskarray(value))]
    if isinstance(value, np.ndarray):
        return [
            value.dtype.str,
            value.shape,
            value.tolist() if value.dtype == "O" else value.tobytes(),
        ]
    if isinstance(value, np.random.RandomState):
        return [plain(part) for part in value.get_state()]
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def state(estimator, X, frame):
    """Return attributes, variables, generators and predictions of a fitted estimator."""
    attributes = {
        name: value for name, value in vars(estimator).items() if not name.endswith("generator")
    }
    model = estimator.model_
    return [
        {name: id(value) for name, value in attributes.items()},
        copy.deepcopy(estimator.history_),
        [plain(np.asarray(v.value)) for v in [*model.variables, *model.optimizer.variables]],
        plain([estimator._generator, estimator._split_generator, estimator.random_state]),
        plain(estimator.predict_proba(frame if hasattr(estimator, "feature_names_in_") else X)),
    ]


@pytest.mark.parametrize(
    ("entry", "given", "expected"), ROWS, ids=[f"{row[0]}({row[1]})" for row in ROWS]
)
def test_input(names, entry, given, expected):
    used = [names[name] for name in FITTED if re.search(rf"\b{name}\b", entry + given)]
    parameters = [estimator.get_params() for estimator in used]
    passed = {name: value for name, value in names.items() if isinstance(plain(value), list)}
    before_passed = {name: copy.deepcopy(plain(value)) for name, value in passed.items()}
    files = sorted(names["folder"].rglob("*"))
    metrics = dict(registry._METRICS)
    try:
        # Setting a parameter is meant to change it: what is called thereafter must change nothing.
        function = eval(entry, names)
        before = [state(estimator, names["X"], names["frame"]) for estimator in used]
        if isinstance(expected, str):
            with pytest.raises((ValueError, TypeError, IndexError, OSError), match=expected):
                eval(f"function({given})", {**names, "function": function})
        else:
            value = eval(f"function({given})", {**names, "function": function})
            right = eval(expected.expression, names) if isinstance(expected, Same) else expected
            assert plain(value) == plain(right)
        assert [state(estimator, names["X"], names["frame"]) for estimator in used] == before
    finally:
        for estimator, values in zip(used, parameters, strict=True):
            estimator.set_params(**values)
    assert {name: plain(value) for name, value in passed.items()} == before_passed
    assert sorted(names["folder"].rglob("*")) == files
    assert metrics == registry._METRICS
