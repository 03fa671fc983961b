"""Check a built site: every link inside it leads somewhere, and no page loads what is elsewhere.

Read are all pages and style sheets. What a script would fetch cannot be read off; a browser says it
(tests/test_site.py).
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

STYLE_URL = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
# What a browser gets by itself; a link is only followed by a reader.
LOADS = {"src", "data", "poster", "srcset", "action"}


class Page(HTMLParser):
    """The names, links and loaded addresses of a page."""

    def __init__(self, html):
        super().__init__()
        self.names, self.links, self.loaded, self.images, self.style = set(), [], [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.names |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        if tag == "img":
            self.images.append(attrs.get("alt"))
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        elif tag == "link" and attrs.get("href") and attrs.get("rel") != "canonical":
            self.loaded.append(attrs["href"])
        self.loaded += [attrs[key] for key in LOADS & set(attrs) if attrs[key]]
        self.loaded += addresses(attrs.get("style") or "")
        self.style = tag == "style"

    def handle_data(self, data):
        if self.style:
            self.loaded += addresses(data)
            self.style = False


def addresses(style):
    """Return the addresses that a style names."""
    return [first or second for first, second in STYLE_URL.findall(style)]


def is_outside(address):
    return bool(urlsplit(address).scheme or address.startswith("//"))


def own(site, pattern):
    """Return the files of a site, in order, without its decks."""
    return [p for p in sorted(site.rglob(pattern)) if p.relative_to(site).parts[0] != "slides"]


def check(site):
    """Return (number of pages, what is wrong in words).

    Args:
        site: the folder of a built site. Its decks, in `slides`, are checked by their own tests.
    """
    paths, styles = own(site, "*.html"), own(site, "*.css")
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in paths}
    trouble = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        trouble += [f"{name}: {said}" for said in wrong_in(page, path, pages)]
    for path in styles:
        for address in addresses(path.read_text(encoding="utf-8", errors="replace")):
            if not address.startswith(("data:", "#")) and is_outside(address):
                trouble.append(f"{path.relative_to(site)}: loads {address}")
    return len(pages), trouble


def wrong_in(page, path, pages):
    """Yield what is wrong with a page."""
    for address in page.loaded:
        if address.startswith("data:"):
            continue
        if is_outside(address):
            yield f"loads {address}"
        elif why := broken(address, page, path, pages):
            yield why
    for link in page.links:
        if not is_outside(link) and (why := broken(link, page, path, pages)):
            yield why
    if None in page.images:
        yield "has a picture without alt text"


def broken(link, page, path, pages):
    """Return in words why a link inside the site leads nowhere, or ""."""
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return f"{link} leads to no file"
    there = pages.get(target)
    if parts.fragment and there and unquote(parts.fragment) not in there.names | {"top"}:
        return f"{link} leads to no place on that page"
    return ""
