"""Recent changes of configuration, told in words: who changed what, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.utils.functional import _StrPromise

    from audit.selectors import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One change as the timeline shows it."""

    icon: str
    tone: str
    what: str
    actor: str
    partner: str
    at: datetime


_TOLD: Final[Mapping[str, tuple[str, str, _StrPromise]]] = {
    "partner.registered": ("building-community", "info", _("Partner registered")),
    "partner.activated": ("circle-check", "ok", _("Partner activated")),
    "partner.suspended": ("ban", "bad", _("Partner suspended")),
    "partner.reinstated": ("circle-check", "ok", _("Partner reinstated")),
    "partner.offboarded": ("ban", "bad", _("Partner offboarded")),
    "trust.added": ("fingerprint", "info", _("Issuer trusted")),
    "trust.withdrawn": ("ban", "bad", _("Trust withdrawn")),
    "trust.quarantined": ("alert-triangle", "warn", _("Trust quarantined")),
    "trust.keys_refreshed": ("key", "info", _("Issuer's keys changed")),
    "mapping.drafted": ("route", "", _("Mapping drafted")),
    "mapping.published": ("route", "info", _("Mapping published")),
    "key.generated": ("key", "", _("Signing key generated")),
    "key.published": ("key", "info", _("Signing key published")),
    "key.activated": ("key", "ok", _("Signing key activated")),
    "key.retired": ("key", "", _("Signing key retired")),
    "key.compromised": ("alert-triangle", "bad", _("Signing key compromised")),
    "configuration.applied": ("file-text", "", _("Configuration changed")),
}
_NAMES: Final = ("name", "mapping", "trust", "client", "kid", "issuer")


def happening(record: Record) -> Happening:
    """One event in words; a kind of a newer version is shown by its own name."""
    document = record.document
    icon, tone, title = _TOLD.get(record.entry.kind, ("history", "", record.entry.kind))
    name = _name(document.get("data"))
    return Happening(
        icon=icon,
        tone=tone,
        what=f"{title}: {name}" if name else str(title),
        actor=_actor(document.get("actor")),
        partner=str(document.get("partner") or ""),
        at=record.entry.at,
    )


def _actor(actor: object) -> str:
    if not isinstance(actor, dict):
        return ""
    return "Handover" if actor.get("kind") == "system" else str(actor.get("name", ""))


def _name(data: object) -> str:
    if not isinstance(data, dict):
        return ""
    found: list[Any] = [data[key] for key in _NAMES if isinstance(data.get(key), str)]
    kind = data.get("object")
    name = str(found[0]) if found else ""
    return f"{kind} {name}".strip() if isinstance(kind, str) else name
