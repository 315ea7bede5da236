"""What a first visit to a page loads, compressed as it is served: the page, its styles and scripts, and its fonts."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders

_LINKED: Final = re.compile(r'<(?:script[^>]* src|link[^>]* href)="([^"]+)"')
_IMPORTED: Final = re.compile(r"url\([\"']?([^)\"']+\.woff2)[\"']?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Bytes after compression. ``scripts`` are part of ``total``."""

    total: int
    scripts: int


def weight(html: bytes) -> Weight:
    """What a browser that has nothing yet loads for this page. Fonts that a style names are all counted."""
    names = sorted({_static_name(link) for link in _LINKED.findall(html.decode())} - {""})
    fonts = sorted({font for name in names for font in _fonts(name)} - set(names))
    sizes = {name: _size(name) for name in (*names, *fonts)}
    return Weight(
        total=len(gzip.compress(html, 6)) + sum(sizes.values()),
        scripts=sum(size for name, size in sizes.items() if name.endswith(".js")),
    )


def _static_name(link: str) -> str:
    return link.removeprefix(settings.STATIC_URL) if link.startswith(settings.STATIC_URL) else ""


@cache
def _size(name: str) -> int:
    content = _path(name).read_bytes()
    return len(content) if name.endswith(".woff2") else len(gzip.compress(content, 9))


@cache
def _fonts(name: str) -> frozenset[str]:
    """The fonts that a style sheet names."""
    if not name.endswith(".css"):
        return frozenset()
    here = Path(name).parent
    found = _IMPORTED.findall(_path(name).read_text(encoding="utf-8"))
    return frozenset(font.removeprefix("/static/") if font.startswith("/") else str(here / font) for font in found)


def _path(name: str) -> Path:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"No static file is called {name}.")
    return Path(found)
