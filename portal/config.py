"""Handover's own settings: one frozen value read from the environment, checked as a whole at boot.

Everything that differs between installations is here and is an environment variable. Problems are collected and
reported together, so that an operator fixes a deployment once, not once per restart.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.limits.levels import Defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Network = IPv4Network | IPv6Network

KEK_LENGTH: Final = 32


class ConfigError(ValueError):
    """One or more settings are missing or wrong. The message lists them all, a line each."""


@dataclass(frozen=True, slots=True)
class Kek:
    """A key-encryption key of 256 bits and its id (the first eight bytes of its SHA-256, hexadecimal)."""

    id: str
    secret: bytes = dataclass_field(repr=False)

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


def _issuer(text: str) -> str:
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


def _serve(text: str) -> str:
    if text not in {"all", "exchange", "portal"}:
        message = "must be exchange, portal or all"
        raise ValueError(message)
    return text


def _database_url(text: str) -> str:
    if urlsplit(text).scheme not in {"postgresql", "postgres"}:
        message = "must start with postgresql:// (PostgreSQL 15 or newer; no other database is supported)"
        raise ValueError(message)
    return text


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        message = "must start with redis://, rediss:// or unix://"
        raise ValueError(message)
    return text


def _keks(text: str) -> tuple[Kek, ...]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        message = "holds no key; make one with: openssl rand -base64 32"
        raise ValueError(message)
    return tuple(Kek.from_text(line) for line in lines)


def _kek_file(text: str) -> tuple[Kek, ...]:
    try:
        return _keks(Path(text).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error.__class__.__name__}"
        raise ValueError(message) from error


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item) for item in text.replace(",", " ").split())


def _seconds(text: str) -> timedelta:
    seconds = int(text)
    if not 1 <= seconds <= 3600:  # noqa: PLR2004 - the documented range
        message = "must be 1 to 3600 seconds"
        raise ValueError(message)
    return timedelta(seconds=seconds)


def _rate(text: str) -> int:
    rate = int(text)
    if not 0 <= rate <= 6_000_000:  # noqa: PLR2004 - the documented range
        message = "must be 0 to 6000000 in a minute; 0 sets no limit"
        raise ValueError(message)
    return rate


def _days(text: str) -> timedelta:
    days = int(text)
    if not 1 <= days <= 3660:  # noqa: PLR2004 - the documented range
        message = "must be 1 to 3660 days"
        raise ValueError(message)
    return timedelta(days=days)


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        message = "must be 0 or 1"
        raise ValueError(message)
    return text == "1"


def _setting(env: str, parse: Callable[[str], Any], doc: str, default: str | None = None) -> Any:  # noqa: ANN401
    """Declare one setting: its variable, its parser, its documentation line, and its default (None: required)."""
    return dataclass_field(metadata={"env": env, "parse": parse, "doc": doc, "default": default})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of Handover's settings. Reached as ``settings.HANDOVER``; ``docs/settings.md`` is generated from it."""

    issuer: str = _setting(
        "HANDOVER_ISSUER", _issuer, "Our issuer identifier and public base URL, never taken from a request."
    )
    serve: str = _setting(
        "HANDOVER_SERVE",
        _serve,
        "What this process serves: `exchange` (token endpoints), `portal` (pages and API) or `all`.",
        "all",
    )
    database_url: str = _setting(
        "DATABASE_URL",
        _database_url,
        "PostgreSQL 15 or newer, as the application's role, which may only insert and select in the audit tables.",
    )
    database_owner_url: str = _setting(
        "DATABASE_OWNER_URL",
        _database_url,
        "The same database as the role that owns the tables; used by `migrate` and for partitions only.",
    )
    redis_url: str = _setting(
        "REDIS_URL", _redis_url, "Redis 7 or newer: Celery's broker and cached hints. Never the source of truth."
    )
    keks: tuple[Kek, ...] = _setting(
        "HANDOVER_KEK_FILE",
        _kek_file,
        "File (mode 0600) of key-encryption keys, one base64 line each; the first encrypts, all decrypt."
        " `HANDOVER_KEK` may hold one key instead.",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "HANDOVER_TRUSTED_PROXIES",
        _networks,
        "Networks of reverse proxies whose forwarding and client certificate headers are believed.",
        "",
    )
    outbound_allow: tuple[Network, ...] = _setting(
        "HANDOVER_OUTBOUND_ALLOW",
        _networks,
        "Networks that outbound calls may reach although they are private, there also by plain http.",
        "",
    )
    dpop_nonces: bool = _setting(
        "HANDOVER_DPOP_NONCES",
        _flag,
        "1: every DPoP proof at the token endpoint must carry a nonce of ours (RFC 9449 section 8). Each client has a"
        " setting for itself beside it.",
        "0",
    )
    token_lifetime: timedelta = _setting(
        "HANDOVER_TOKEN_LIFETIME",
        _seconds,
        "The longest any token may live, in seconds. Trusts, mappings and targets may only shorten it.",
        "900",
    )
    token_retention: timedelta = _setting(
        "HANDOVER_TOKEN_RETENTION",
        _days,
        "Days that the rows of tokens and token families stay after their end. The audit trail keeps them in any case.",
        "30",
    )
    client_rate: int = _setting(
        "HANDOVER_CLIENT_REQUESTS_PER_MINUTE",
        _rate,
        "How many requests a client may send in a minute, unless its document says otherwise; 0: no limit.",
        "600000",
    )
    partner_rate: int = _setting(
        "HANDOVER_PARTNER_REQUESTS_PER_MINUTE",
        _rate,
        "The same for all clients of a partner together.",
        "1200000",
    )
    subject_rate: int = _setting(
        "HANDOVER_SUBJECT_REQUESTS_PER_MINUTE",
        _rate,
        "How many exchanges there may be for one subject in a minute; 0: no limit, since a subject may be a machine.",
        "0",
    )
    failure_rate: int = _setting(
        "HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE",
        _rate,
        "How many client authentications may fail from one address (IPv6: network of 64 bits) in a minute before"
        " nothing of it is looked at for a while; 0: no limit, and no failure is counted instead of written.",
        "60",
    )
    environment: str = _setting(
        "HANDOVER_ENVIRONMENT", str, "Name of the installation, shown in the top bar.", "Production"
    )
    mail_url: str = _setting(
        "HANDOVER_MAIL_URL",
        str,
        "`smtp://user:password@host:port` (or `smtps://`), or `file:///directory` to write messages to files.",
        "file:///tmp/handover-mail",
    )
    demo: bool = _setting(
        "HANDOVER_DEMO",
        _flag,
        "1 in the embedded demo installation: shows the demo sign-ins. Never set it in production.",
        "0",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read and check every setting. Raises ``ConfigError`` naming each wrong variable, never its value."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            env, parse = item.metadata["env"], item.metadata["parse"]
            text = environ.get(env) or item.metadata["default"]
            if env == "HANDOVER_KEK_FILE" and not text and environ.get("HANDOVER_KEK"):
                env, parse, text = "HANDOVER_KEK", _keks, environ["HANDOVER_KEK"]
            if text is None:
                problems.append(f"{env} is not set. {item.metadata['doc']}")
                continue
            try:
                values[item.name] = parse(text)
            except ValueError as error:
                problems.append(f"{env} {error}")
        if problems:
            raise ConfigError("\n".join(problems))
        return cls(**values)

    @property
    def limits(self) -> Defaults:
        """What each client, partner, subject and address may ask, unless its own document says otherwise."""
        return Defaults(
            client=self.client_rate,
            partner=self.partner_rate,
            subject=self.subject_rate,
            address_failures=self.failure_rate,
        )

    @property
    def broker_url(self) -> str:
        """``redis_url`` in Celery's words: a unix socket is ``redis+socket`` there, its database ``virtual_host``."""
        parts = urlsplit(self.redis_url)
        if parts.scheme != "unix":
            return self.redis_url
        number = dict(parse_qsl(parts.query)).get("db", "0")
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"

    @property
    def kek(self) -> Kek:
        """The key-encryption key in use; the others only decrypt what was written before."""
        return self.keks[0]

    def kek_by_id(self, kek_id: str) -> Kek:
        """The key with this id. Raises ``KeyError`` when the operator removed it too early."""
        return {kek.id: kek for kek in self.keks}[kek_id]
