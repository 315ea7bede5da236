"""What the texts of Handover's settings mean: one reader for each kind, which raises ``ValueError`` for a wrong one.

The message goes on where the variable's name stops, and never repeats the value.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURE_MAIL_PORT: Final = 465
USUAL_MAIL_PORT: Final = 587
MAIL_TIMEOUT_SECONDS: Final = 10

Network = IPv4Network | IPv6Network

KEK_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class Kek:
    """A key-encryption key of 256 bits and its id (the first eight bytes of its SHA-256, hexadecimal)."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> Kek:
        """Read base64 or base64url text of exactly 32 bytes. Raises ``ValueError``."""
        secret = b64decode(text.strip().replace("-", "+").replace("_", "/") + "=" * (-len(text.strip()) % 4))
        if len(secret) != KEK_LENGTH:
            message = "must be 32 bytes in base64; make one with: openssl rand -base64 32"
            raise ValueError(message)
        return cls(id=hashlib.sha256(secret).hexdigest()[:16], secret=secret)

    def derive(self, purpose: str) -> bytes:
        """A 256-bit key for one purpose (HKDF-SHA256, RFC 5869), so that no two uses share a key."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"handover/{purpose}".encode()).derive(self.secret)


def issuer(text: str) -> str:
    """An https URL without a slash at its end (RFC 8414 section 2); plain http on loopback only."""
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        message = "must be an https URL without user, query or fragment (RFC 8414 section 2)"
        raise ValueError(message)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        message = "must use https; plain http is for loopback addresses only"
        raise ValueError(message)
    if text.endswith("/"):
        message = "must not end with a slash"
        raise ValueError(message)
    return text


def serve(text: str) -> str:
    """What a process serves."""
    if text not in {"all", "exchange", "portal"}:
        message = "must be exchange, portal or all"
        raise ValueError(message)
    return text


def database_url(text: str) -> str:
    """The address of a PostgreSQL database."""
    if urlsplit(text).scheme not in {"postgresql", "postgres"}:
        message = "must start with postgresql:// (PostgreSQL 15 or newer; no other database is supported)"
        raise ValueError(message)
    return text


def redis_url(text: str) -> str:
    """The address of a Redis."""
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        message = "must start with redis://, rediss:// or unix://"
        raise ValueError(message)
    return text


def keks(text: str) -> tuple[Kek, ...]:
    """Key-encryption keys, one a line; the first encrypts."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        message = "holds no key; make one with: openssl rand -base64 32"
        raise ValueError(message)
    return tuple(Kek.from_text(line) for line in lines)


def kek_file(text: str) -> tuple[Kek, ...]:
    """The same, from a file."""
    try:
        return keks(Path(text).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error.__class__.__name__}"
        raise ValueError(message) from error


def networks(text: str) -> tuple[Network, ...]:
    """Networks, parted by commas or blanks."""
    return tuple(ip_network(item) for item in text.replace(",", " ").split())


def seconds(text: str) -> timedelta:
    """A length of time, up to an hour."""
    seconds = int(text)
    if not 1 <= seconds <= 3600:  # noqa: PLR2004 - the documented range
        message = "must be 1 to 3600 seconds"
        raise ValueError(message)
    return timedelta(seconds=seconds)


def rate(text: str) -> int:
    """How many in a minute; 0: no limit."""
    rate = int(text)
    if not 0 <= rate <= 6_000_000:  # noqa: PLR2004 - the documented range
        message = "must be 0 to 6000000 in a minute; 0 sets no limit"
        raise ValueError(message)
    return rate


def days(text: str) -> timedelta:
    """A length of time in days, up to ten years."""
    days = int(text)
    if not 1 <= days <= 3660:  # noqa: PLR2004 - the documented range
        message = "must be 1 to 3660 days"
        raise ValueError(message)
    return timedelta(days=days)


def flag(text: str) -> bool:
    """0 or 1."""
    if text not in {"0", "1"}:
        message = "must be 0 or 1"
        raise ValueError(message)
    return text == "1"


def roles(text: str) -> frozenset[Role]:
    """Portal roles by name, parted by commas; ``none`` is none of them."""
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    unknown = names - set(Role)
    if unknown:
        raise ValueError(f"must name roles, parted by commas, of: {', '.join(Role)}; or none")
    return frozenset(Role(name) for name in names)


def mail_url(text: str) -> str:
    """Where mail goes: a server, or a directory."""
    mail_settings(text)
    return text


def mail_settings(url: str) -> dict[str, Any]:
    """Django's own words for a mail URL. Raises ``ValueError`` for a scheme it does not know."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": unquote(parts.path)}
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("must start with smtp://, smtps:// or file:///")
    is_secure = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (SECURE_MAIL_PORT if is_secure else USUAL_MAIL_PORT),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_secure,
        "EMAIL_USE_TLS": not is_secure and bool(parts.username),
        "EMAIL_TIMEOUT": MAIL_TIMEOUT_SECONDS,
    }


def provider(text: str) -> str:
    """The issuer of an OpenID provider, or nothing."""
    return issuer(text) if text else ""


def secret_file(text: str) -> str:
    """What stands in a file, without the blanks around it; no file, no secret."""
    try:
        return Path(text).read_text(encoding="utf-8").strip() if text else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {error.__class__.__name__}") from error


def group_roles(text: str) -> Mapping[str, frozenset[Role]]:
    """The roles that each group gives."""
    found: dict[str, frozenset[Role]] = {}
    for part in filter(str.strip, text.split(";")):
        group, separator, role = (piece.strip() for piece in part.partition("="))
        if not separator or not group:
            raise ValueError("must be pairs of group=Role, parted by semicolons")
        found[group] = found.get(group, frozenset()) | roles(role)
    return MappingProxyType(found)
