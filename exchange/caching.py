"""What header fields say about keeping an answer: freshness (RFC 9111 section 5.2), validators (RFC 9110 8.8)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

MAX_ETAG_LENGTH: Final = 255
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
_MAX_AGE: Final = re.compile(r'max-age="?([0-9]{1,9})"?', re.IGNORECASE)


def usable_etag(text: str) -> str:
    """The entity tag, or nothing when it is not one that can be kept and sent back as it came."""
    text = text.strip()
    return text if len(text) <= MAX_ETAG_LENGTH and _ETAG.fullmatch(text) else ""


def max_age(cache_control: str) -> timedelta | None:
    """How long the answer is fresh; None when it does not say. Of two contradicting numbers the smaller counts."""
    directives = [directive.strip() for directive in cache_control.split(",")]
    if {"no-store", "no-cache"} & {directive.lower() for directive in directives}:
        return timedelta(0)
    ages = [int(match[1]) for directive in directives if (match := _MAX_AGE.fullmatch(directive))]
    return timedelta(seconds=min(ages)) if ages else None
