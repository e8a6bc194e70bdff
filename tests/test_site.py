"""The links of the built site lead somewhere; `nox -s docs` builds it and runs this."""

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = os.environ.get("SKMLCLF_SITE")
pytestmark = pytest.mark.skipif(not SITE, reason="SKMLCLF_SITE names no built site")
ROOT = Path(SITE or ".").resolve()


class Page(HTMLParser):
    """The ids of a page, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.update(attrs[name] for name in ("id", "name") if attrs.get(name))
        self.targets.update(attrs[name] for name in ("href", "src") if attrs.get(name))


page = cache(Page)


def test_every_link_within_the_site_leads_somewhere():
    broken = []
    pages = [path for path in sorted(ROOT.rglob("*.html")) if "_static" not in path.parts]
    for path in pages:
        for target in page(path).targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            linked = path if not url.path else (path.parent / unquote(url.path)).resolve()
            is_page = linked.suffix == ".html" and linked.exists()
            if not linked.exists() or (
                is_page and url.fragment and unquote(url.fragment) not in page(linked).ids
            ):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert len(pages) > 100
    assert not broken


def test_every_public_name_has_a_page():
    reference = (ROOT / "api" / "index.html").read_text()
    for name in ("BaseMLPClassifier", "load", "metrics.get_scorer", "displays.HistoryDisplay"):
        assert (ROOT / "api" / "generated" / f"skmlclf.{name}.html").exists()
        assert f"generated/skmlclf.{name}.html" in reference
