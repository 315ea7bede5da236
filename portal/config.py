"""Handover's own settings: one frozen value read from the environment, checked as a whole at boot.

Everything that differs between installations is here and is an environment variable. Problems are collected and
reported together, so that an operator fixes a deployment once, not once per restart.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from exchange.limits.levels import Defaults
from portal import config_values as values
from portal.config_values import Kek

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from portal.config_values import Network
    from portal.roles import Role

__all__ = ["Config", "ConfigError", "Kek"]


class ConfigError(ValueError):
    """One or more settings are missing or wrong. The message lists them all, a line each."""


def _setting(env: str, parse: Callable[[str], Any], doc: str, default: str | None = None) -> Any:  # noqa: ANN401
    """Declare one setting: its variable, its parser, its documentation line, and its default (None: required)."""
    return dataclass_field(
        repr=not env.endswith("SECRET_FILE"), metadata={"env": env, "parse": parse, "doc": doc, "default": default}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of Handover's settings. Reached as ``settings.HANDOVER``; ``docs/settings.md`` is generated from it."""

    issuer: str = _setting(
        "HANDOVER_ISSUER", values.issuer, "Our issuer identifier and public base URL, never taken from a request."
    )
    serve: str = _setting(
        "HANDOVER_SERVE",
        values.serve,
        "What this process serves: `exchange` (token endpoints), `portal` (pages and API) or `all`.",
        "all",
    )
    database_url: str = _setting(
        "DATABASE_URL",
        values.database_url,
        "PostgreSQL 15 or newer, as the application's role, which may only insert and select in the audit tables.",
    )
    database_owner_url: str = _setting(
        "DATABASE_OWNER_URL",
        values.database_url,
        "The same database as the role that owns the tables; used by `migrate` and for partitions only.",
    )
    redis_url: str = _setting(
        "REDIS_URL", values.redis_url, "Redis 7 or newer: Celery's broker and cached hints. Never the source of truth."
    )
    keks: tuple[Kek, ...] = _setting(
        "HANDOVER_KEK_FILE",
        values.kek_file,
        "File (mode 0600) of key-encryption keys, one base64 line each; the first encrypts, all decrypt."
        " `HANDOVER_KEK` may hold one key instead.",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "HANDOVER_TRUSTED_PROXIES",
        values.networks,
        "Networks of reverse proxies whose forwarding and client certificate headers are believed.",
        "",
    )
    outbound_allow: tuple[Network, ...] = _setting(
        "HANDOVER_OUTBOUND_ALLOW",
        values.networks,
        "Networks that outbound calls may reach although they are private, there also by plain http.",
        "",
    )
    dpop_nonces: bool = _setting(
        "HANDOVER_DPOP_NONCES",
        values.flag,
        "1: every DPoP proof at the token endpoint must carry a nonce of ours (RFC 9449 section 8). Each client has a"
        " setting for itself beside it.",
        "0",
    )
    token_lifetime: timedelta = _setting(
        "HANDOVER_TOKEN_LIFETIME",
        values.seconds,
        "The longest any token may live, in seconds. Trusts, mappings and targets may only shorten it.",
        "900",
    )
    token_retention: timedelta = _setting(
        "HANDOVER_TOKEN_RETENTION",
        values.days,
        "Days that the rows of tokens and token families stay after their end. The audit trail keeps them in any case.",
        "30",
    )
    client_rate: int = _setting(
        "HANDOVER_CLIENT_REQUESTS_PER_MINUTE",
        values.rate,
        "How many requests a client may send in a minute, unless its document says otherwise; 0: no limit.",
        "600000",
    )
    partner_rate: int = _setting(
        "HANDOVER_PARTNER_REQUESTS_PER_MINUTE",
        values.rate,
        "The same for all clients of a partner together.",
        "1200000",
    )
    subject_rate: int = _setting(
        "HANDOVER_SUBJECT_REQUESTS_PER_MINUTE",
        values.rate,
        "How many exchanges there may be for one subject in a minute; 0: no limit, since a subject may be a machine.",
        "0",
    )
    failure_rate: int = _setting(
        "HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE",
        values.rate,
        "How many client authentications may fail from one address (IPv6: network of 64 bits) in a minute before"
        " nothing of it is looked at for a while; 0: no limit, and no failure is counted instead of written.",
        "60",
    )
    environment: str = _setting(
        "HANDOVER_ENVIRONMENT", str, "Name of the installation, shown in the top bar.", "Production"
    )
    second_factor_roles: frozenset[Role] = _setting(
        "HANDOVER_SECOND_FACTOR_ROLES",
        values.roles,
        "Roles whose holders must have a passkey or an authenticator app, by name, parted by commas; `none`: nobody"
        " must. Until they have one they see only the page that leads to it. Who comes through the OpenID provider has"
        " one where the provider says so (`amr` with `mfa`, RFC 8176).",
        "Security admin, Partner's admin",
    )
    openid_issuer: str = _setting(
        "HANDOVER_OPENID_ISSUER",
        values.provider,
        "Issuer of the organisation's OpenID provider, through which people may sign in; empty: none. Its redirect URI"
        " for us is `<HANDOVER_ISSUER>/sign-in/openid/callback`.",
        "",
    )
    openid_client_id: str = _setting("HANDOVER_OPENID_CLIENT_ID", str, "Our client there.", "")
    openid_secret: str = _setting(
        "HANDOVER_OPENID_CLIENT_SECRET_FILE", values.secret_file, "File (mode 0600) of our client's secret there.", ""
    )
    openid_name: str = _setting(
        "HANDOVER_OPENID_NAME", str, "What people call the provider; on the sign-in page.", "your organisation"
    )
    openid_groups_claim: str = _setting(
        "HANDOVER_OPENID_GROUPS_CLAIM", str, "The claim of its ID tokens that lists a person's groups.", "groups"
    )
    openid_roles: Mapping[str, frozenset[Role]] = _setting(
        "HANDOVER_OPENID_ROLES",
        values.group_roles,
        "Which of its groups gives which role: `group=Role`, parted by semicolons; a group may come twice. Applied at"
        " every sign-in: a role that no group gives any more is taken, unless a security admin gave it here.",
        "",
    )
    mail_url: str = _setting(
        "HANDOVER_MAIL_URL",
        values.mail_url,
        "`smtp://user:password@host:port` (or `smtps://`), or `file:///directory` to write messages to files.",
        "file:///tmp/handover-mail",
    )
    mail_from: str = _setting(
        "HANDOVER_MAIL_FROM", str, "The address that mail comes from.", "Handover <handover@localhost>"
    )
    demo: bool = _setting(
        "HANDOVER_DEMO",
        values.flag,
        "1 in the embedded demo installation: shows the demo sign-ins. Never set it in production.",
        "0",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read and check every setting. Raises ``ConfigError`` naming each wrong variable, never its value."""
        found: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            env, parse = item.metadata["env"], item.metadata["parse"]
            text = environ.get(env) or item.metadata["default"]
            if env == "HANDOVER_KEK_FILE" and not text and environ.get("HANDOVER_KEK"):
                env, parse, text = "HANDOVER_KEK", values.keks, environ["HANDOVER_KEK"]
            if text is None:
                problems.append(f"{env} is not set. {item.metadata['doc']}")
                continue
            try:
                found[item.name] = parse(text)
            except ValueError as error:
                problems.append(f"{env} {error}")
        if problems:
            raise ConfigError("\n".join(problems))
        return cls(**found)

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
