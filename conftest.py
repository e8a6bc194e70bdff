"""Tests and doctests may register metrics: each starts from the table as it was."""

import pytest

from skmlclf.metrics import registry


@pytest.fixture(autouse=True)
def same_metrics(monkeypatch):
    monkeypatch.setattr(registry, "_METRICS", dict(registry._METRICS))
