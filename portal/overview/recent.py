"""Recent changes of configuration, told in words: who changed what, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.events import SYSTEM

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
    "partner.tested": ("circle-check", "info", _("Partner tested")),
    "partner.activated": ("circle-check", "ok", _("Partner activated")),
    "partner.suspended": ("ban", "bad", _("Partner suspended")),
    "partner.reinstated": ("circle-check", "ok", _("Partner reinstated")),
    "partner.offboarded": ("ban", "bad", _("Partner offboarded")),
    "reminder.sent": ("calendar-clock", "", _("Reminded by mail")),
    "trust.added": ("fingerprint", "info", _("Issuer trusted")),
    "trust.withdrawn": ("ban", "bad", _("Trust withdrawn")),
    "trust.quarantined": ("alert-triangle", "warn", _("Trust quarantined")),
    "trust.keys_refreshed": ("key", "info", _("Issuer's keys changed")),
    "mapping.drafted": ("route", "", _("Mapping drafted")),
    "mapping.published": ("route", "info", _("Mapping published")),
    "token.revoked": ("ban", "warn", _("Token revoked")),
    "device.requested": ("device-desktop", "info", _("Device asked to be let in")),
    "device.polled": ("device-desktop", "", _("Device told to wait")),
    "device.allowed": ("circle-check", "ok", _("Device allowed")),
    "device.refused": ("ban", "warn", _("Device refused")),
    "key.generated": ("key", "", _("Signing key generated")),
    "key.published": ("key", "info", _("Signing key published")),
    "key.activated": ("key", "ok", _("Signing key activated")),
    "key.retired": ("key", "", _("Signing key retired")),
    "key.compromised": ("alert-triangle", "bad", _("Signing key compromised")),
    "person.invited": ("user", "info", _("Person invited")),
    "person.link_sent": ("user", "", _("Sign-in link sent")),
    "person.signed_in": ("user", "", _("Person signed in")),
    "person.sign_in_failed": ("alert-triangle", "warn", _("Sign-in failed")),
    "person.factor_failed": ("alert-triangle", "warn", _("Second factor was wrong")),
    "person.recovery_code_used": ("key", "warn", _("Recovery code used")),
    "person.role_given": ("shield-check", "warn", _("Role given")),
    "person.role_taken": ("shield-check", "", _("Role taken")),
    "person.disabled": ("ban", "bad", _("Account closed")),
    "person.enabled": ("circle-check", "ok", _("Account opened")),
    "person.factor_added": ("fingerprint", "info", _("Second factor added")),
    "person.factor_renamed": ("fingerprint", "", _("Passkey renamed")),
    "person.factor_removed": ("fingerprint", "warn", _("Second factor removed")),
    "person.recovery_codes_made": ("key", "", _("Recovery codes made")),
    "person.password_changed": ("key", "", _("Password changed")),
    "person.sessions_ended": ("logout", "", _("Sessions ended")),
    "person.identity_connected": ("user", "info", _("OpenID identity connected")),
    "person.accounts_linked": ("users", "info", _("Accounts linked")),
    "person.account_unlinked": ("users", "warn", _("Account unlinked")),
    "person.consent_withdrawn": ("ban", "", _("Consent withdrawn")),
    "alert.raised": ("alert-triangle", "warn", _("Alert")),
    "alert.ended": ("circle-check", "ok", _("Alert over")),
    "alert.acknowledged": ("user", "", _("Alert acknowledged")),
    "invite.sent": ("user", "info", _("Partner's admin invited")),
    "invite.redeemed": ("circle-check", "ok", _("Invitation accepted")),
    "invite.refused": ("ban", "warn", _("Invitation used in vain")),
    "invite.revoked": ("ban", "", _("Invitation revoked")),
    "invite.expired": ("clock", "", _("Invitation ended")),
    "proposal.made": ("fingerprint", "info", _("Trust proposed")),
    "proposal.withdrawn": ("fingerprint", "", _("Proposal withdrawn")),
    "proposal.approved": ("circle-check", "ok", _("Proposal approved")),
    "proposal.declined": ("ban", "warn", _("Proposal declined")),
    "partner.domain_proved": ("shield-check", "ok", _("Domain proved")),
    "partner.foreign_object_asked": ("alert-triangle", "warn", _("Asked for what is not theirs")),
    "configuration.applied": ("file-text", "", _("Configuration changed")),
}


def happening(record: Record) -> Happening:
    """One event in words; a kind of a newer version is shown by its own name."""
    document = record.document
    icon, tone, title = _TOLD.get(record.entry.kind, ("history", "", record.entry.kind))
    data = document.get("data")
    return Happening(
        icon=icon,
        tone=tone,
        what=_what(str(title), record.entry.kind, data if isinstance(data, dict) else {}),
        actor=_actor(document.get("actor")),
        partner=str(document.get("partner") or ""),
        at=record.entry.at,
    )


def _what(title: str, kind: str, data: Mapping[str, Any]) -> str:
    """The title with the name of what changed; for a change without a kind of its own, that name says it all."""
    name = str(data.get("name") or data.get("kid") or "")
    if kind == "configuration.applied" and name:
        words = {part: str(data.get(part, "")) for part in ("object", "change")}
        return gettext("%(object)s %(name)s %(change)s") % {**words, "name": name}
    return f"{title}: {name}" if name else title


def _actor(actor: object) -> str:
    if not isinstance(actor, dict):
        return ""
    name = str(actor.get("name", ""))
    return "Handover" if name == SYSTEM.name and actor.get("kind") == SYSTEM.kind else name
