"""Reads a page as a browser would see it: its text, links, ids and tags."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """One page; ``sources`` are addresses that it would load by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self._text: list[str] = []
        self._skip = False
        self.feed(text)
        self.text = " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._skip = tag in ("style", "script")
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} has a handler {name}"
            if name == "id" and value:
                assert value not in self.ids, f"two elements with id {value}"
                self.ids.add(value)
            elif name == "href" and value:
                self.links.append(value)
            elif name == "src" and value:
                self.sources.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._skip = False

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self._text.append(data)
