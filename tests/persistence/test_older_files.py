"""Files that released versions wrote are read by this one."""

from pathlib import Path

import cases
import numpy as np
import pytest

import skmlclf

FILES = sorted(Path(__file__).with_name("data").rglob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_file_of_a_released_version_loads(path):
    estimator = skmlclf.load(path, custom_objects=cases.CUSTOM_OBJECTS)
    rows = cases.rows_of(estimator)
    # Another machine may round in another order.
    np.testing.assert_allclose(
        estimator.predict_proba(rows), np.load(path.with_suffix(".npy")), rtol=1e-4, atol=1e-6
    )
    if hasattr(estimator, "partial_fit"):
        y = {"strings": cases.targets()["strings"][1]}.get(path.stem, cases.label_matrix())
        estimator.partial_fit(rows, y)


def test_there_is_a_file_of_every_classifier():
    assert {path.stem for path in FILES} >= {*cases.classifiers(), "pipeline"}
