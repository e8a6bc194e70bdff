"""The comparison as one HTML page that needs no network, and the data behind it."""

from skmlclf._report._write import write_report

__all__ = ["write_report"]
