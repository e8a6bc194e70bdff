"""Tests and doctests may register metrics: each starts from the table as it was."""

import pytest

from skmlclf.metrics import registry


@pytest.fixture(autouse=True)
def same_metrics(monkeypatch):
    """Put the table back after each test."""
    monkeypatch.setattr(registry, "_METRICS", dict(registry._METRICS))
