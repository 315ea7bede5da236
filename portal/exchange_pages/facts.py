"""What an exchange's event says about its request, its tokens and its answer, as labelled facts for the page.

An event of a request that ended early holds only what was known by then, so every part may be absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise


class Kind(StrEnum):
    """How a fact is printed."""

    TEXT = "text"
    CODE = "code"
    LIST = "list"
    INSTANT = "instant"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value."""

    label: _StrPromise
    kind: Kind
    value: Any


@dataclass(frozen=True, slots=True)
class FactSheet:
    """A named group of facts."""

    title: _StrPromise
    facts: tuple[Fact, ...]


Column = tuple[str, "_StrPromise", Kind]

_REQUEST: Final[tuple[Column, ...]] = (
    ("grant_type", _("Grant type"), Kind.CODE),
    ("audience", _("Audience"), Kind.LIST),
    ("resource", _("Resource"), Kind.LIST),
    ("scope", _("Scope"), Kind.LIST),
    ("subject_token_type", _("Subject token type"), Kind.CODE),
    ("actor_token_type", _("Actor token type"), Kind.CODE),
    ("requested_token_type", _("Requested token type"), Kind.CODE),
    ("address", _("Sent from"), Kind.CODE),
    ("request_id", _("Request id of the caller"), Kind.CODE),
    ("traceparent", _("Traceparent"), Kind.CODE),
)
_CLIENT: Final[tuple[Column, ...]] = (
    ("client_id", _("Client"), Kind.CODE),
    ("method", _("Authenticated by"), Kind.CODE),
)
_TRUST: Final[tuple[Column, ...]] = (("name", _("Trust"), Kind.CODE), ("issuer", _("Issuer"), Kind.CODE))
_TOKEN: Final[tuple[Column, ...]] = (
    ("issuer", _("Issuer"), Kind.CODE),
    ("subject", _("Subject"), Kind.CODE),
    ("jti", _("Token id (jti)"), Kind.CODE),
    ("digest", _("SHA-256 of the token"), Kind.CODE),
    ("type", _("Type"), Kind.CODE),
    ("alg", _("Signed with"), Kind.CODE),
    ("kid", _("By key"), Kind.CODE),
    ("claims", _("Claims"), Kind.JSON),
)
_ISSUED: Final[tuple[Column, ...]] = (
    ("jti", _("Token id (jti)"), Kind.CODE),
    ("sub", _("Subject"), Kind.CODE),
    ("aud", _("Audience"), Kind.LIST),
    ("scope", _("Scope"), Kind.LIST),
    ("expires_at", _("Expires"), Kind.INSTANT),
    ("kid", _("Signed by key"), Kind.CODE),
    ("family", _("Family"), Kind.CODE),
    ("act", _("Actor (act)"), Kind.JSON),
    ("claims", _("Claims carried over"), Kind.JSON),
)
_SHEETS: Final = (
    ("token", _("Issued token"), _ISSUED),
    ("request", _("Request"), _REQUEST),
    ("credentials", _("Client"), _CLIENT),
    ("trust", _("Trust"), _TRUST),
    ("subject", _("Subject token"), _TOKEN),
    ("actor", _("Actor token"), _TOKEN),
)


def fact_sheets(data: Mapping[str, Any]) -> tuple[FactSheet, ...]:
    """The facts of an event's ``data``, grouped; groups and facts that are absent are left out."""
    sheets = (FactSheet(title, _facts(data.get(part), columns)) for part, title, columns in _SHEETS)
    return tuple(sheet for sheet in sheets if sheet.facts)


def _facts(part: object, columns: tuple[Column, ...]) -> tuple[Fact, ...]:
    if not isinstance(part, dict):
        return ()
    found = (_fact(part.get(name), label, kind) for name, label, kind in columns)
    return tuple(fact for fact in found if fact is not None)


def _fact(value: object, label: _StrPromise, kind: Kind) -> Fact | None:
    if value in (None, "", [], {}):
        return None
    if kind is Kind.INSTANT:
        at = _instant(value)
        return Fact(label, kind, at) if at else Fact(label, Kind.CODE, value)
    if kind is Kind.LIST:
        return Fact(label, kind, value if isinstance(value, list) else [value])
    return Fact(label, kind, value)


def _instant(value: object) -> datetime | None:
    """Seconds since the epoch, as in a token, or ISO 8601 with a zone."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value, tz=UTC)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None
