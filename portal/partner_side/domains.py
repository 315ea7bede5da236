"""The domain of a partner: where its people receive mail, and which issuers are inside it."""

from __future__ import annotations

from urllib.parse import urlsplit


def domain_of(email: str) -> str:
    """The part of an address after its last @, in small letters."""
    return email.rpartition("@")[2].strip().lower()


def is_inside(url: str, domain: str) -> bool:
    """Whether the host of a URL is the domain or below it. A name that only ends like it is another one (CWE-1023)."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
