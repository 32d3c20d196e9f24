"""What tests ask of the pages of the documentation site."""

from __future__ import annotations

import posixpath
from collections import Counter
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

COUNTED = ("pre", "table", "li")
# What a browser fetches by itself; a link that somebody clicks is not.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class Page(HTMLParser):
    """A page: what its text holds, where its links lead, what it makes a browser fetch."""

    def __init__(self, file: Path, site: Path) -> None:
        super().__init__()
        self.name = file.relative_to(site).as_posix()
        self.counts: Counter[str] = Counter()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.sections: dict[str, str] = {"": ""}
        self._in_text = False
        self._section = ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in FETCHED and given.get("rel") != "canonical":
            self.fetched.append(given.get(FETCHED[tag], ""))
        if tag == "article":
            self._in_text = True
        if not self._in_text:
            return
        self.counts[tag] += 1
        if tag == "a" and given.get("class") != "headerlink" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("h2", "h3"):
            self._section = given.get("id", "")
            self.sections[self._section] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._in_text = False

    def handle_data(self, data: str) -> None:
        if self._in_text:
            self.sections[self._section] += data

    @cached_property
    def pages(self) -> set[str]:
        """Pages of the site that its text links to, by their paths in the site."""
        here = posixpath.dirname(self.name)
        paths = [urlsplit(link).path for link in self.links if not urlsplit(link).netloc]
        return {posixpath.normpath(posixpath.join(here, unquote(path))) for path in paths if path}


def read_site(site: Path) -> dict[str, Page]:
    """Read all pages of a site, by their paths in it."""
    pages = [Page(file, site) for file in sorted(site.rglob("*.html"))]
    return {page.name: page for page in pages if page.name != "404.html"}


def clicks_from(start: str, pages: dict[str, Page]) -> dict[str, int]:
    """Count how many links of texts lead from one page to each other one, at least."""
    clicks = {start: 0}
    reached = [start]
    for name in reached:
        for other in sorted(pages[name].pages & set(pages)):
            if other not in clicks:
                clicks[other] = clicks[name] + 1
                reached.append(other)
    return clicks
