"""Alerts in words: what happened, why it matters, what to do. The words are made when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from exchange.alerts import LASTING, AlertKind
from exchange.simulation import Outcome
from portal.explanations.words import explain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from exchange.models import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a kind of alert is told. ``meaning`` may name parts of its detail."""

    tone: str
    title: _StrPromise
    meaning: _StrPromise


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert as pages show it."""

    id: UUID
    slug: str
    partner: str
    kind: AlertKind
    tone: str
    title: str
    subject: str
    meaning: str
    issuer: str
    raised_at: datetime
    ended_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    lasts: bool


WORDS: Final[Mapping[AlertKind, Words]] = {
    AlertKind.CANARY_RED: Words(
        tone="bad",
        title=_("The canary is red"),
        meaning=_(
            "An exchange that was granted on %(last)s with %(expected)s would come to this now: %(found)s. If that is"
            " meant, the next one that is granted becomes the canary; else look at what was changed."
        ),
    ),
    AlertKind.UNREACHABLE: Words(
        tone="bad",
        title=_("The issuer gives no usable answer"),
        meaning=_("Since %(since)s: %(why)s The keys held here are believed until %(usable_until)s, then refused."),
    ),
    AlertKind.CERTIFICATE_ENDS: Words(
        tone="warn",
        title=_("The issuer's TLS certificate ends"),
        meaning=_("On %(ends_at)s. After it no key can be fetched. Ask the partner to renew it."),
    ),
    AlertKind.WEAKER_KEY: Words(
        tone="bad",
        title=_("A key weaker than those before"),
        meaning=_(
            "Key %(kid)s (%(kind)s) is worth %(strength)s bits; none before was worth less than %(before)s. Ask the"
            " partner whether they meant it."
        ),
    ),
    AlertKind.WEAK_KEY: Words(
        tone="warn",
        title=_("A key that is too weak to be taken"),
        meaning=_("Tokens signed with it are refused. Ask the partner to take it out of the key set."),
    ),
    AlertKind.WEAKER_ALGORITHM: Words(
        tone="bad",
        title=_("The issuer begins to offer a weak algorithm"),
        meaning=_("It is never accepted here. Ask the partner why their server offers it now."),
    ),
    AlertKind.JWKS_URI_CHANGED: Words(
        tone="bad",
        title=_("The discovery document names another address for the keys"),
        meaning=_("It was %(before)s. The new one is not called before somebody confirms it. Ask the partner first."),
    ),
    AlertKind.TOKEN_ENDPOINT_MOVED: Words(
        tone="warn",
        title=_("The token endpoint moved to another host"),
        meaning=_("It was %(before)s. Ask the partner whether they moved it."),
    ),
    AlertKind.CLOCK_AHEAD: Words(
        tone="warn",
        title=_("The issuer's clock is ahead"),
        meaning=_(
            "By %(seconds)s seconds at least: a token came before its own time of issue. Beyond the leeway of the trust"
            " its tokens are refused. Ask the partner to look at its clock."
        ),
    ),
    AlertKind.KEY_VANISHED: Words(
        tone="warn",
        title=_("A key is no longer published"),
        meaning=_("Key %(kid)s (%(kind)s). Tokens signed with it are refused once the keys held here are renewed."),
    ),
    AlertKind.KEY_ADDED: Words(
        tone="info",
        title=_("A new key is published"),
        meaning=_("Key %(kid)s (%(kind)s). Expected while the partner changes its keys; else ask them."),
    ),
    AlertKind.DORMANT: Words(
        tone="warn",
        title=_("Nothing has come for long"),
        meaning=_(
            "The last exchange was on %(last)s. A trust that nobody needs is a way in that nobody watches. Ask the"
            " partner, or suspend it."
        ),
    ),
}
_INSTANTS: Final = frozenset({"since", "usable_until", "ends_at", "last"})


def tell(alert: Alert) -> Told:
    """An alert in words."""
    kind = AlertKind(alert.kind)
    words = WORDS[kind]
    detail = {name: _readable(name, value) for name, value in alert.detail.items()}
    return Told(
        id=alert.id,
        slug=alert.partner.slug,
        partner=alert.partner.name,
        kind=kind,
        tone=words.tone,
        title=str(words.title),
        subject=alert.subject,
        meaning=str(words.meaning) % detail,
        issuer=alert.trust.issuer if alert.trust is not None else "",
        raised_at=alert.raised_at,
        ended_at=alert.ended_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        lasts=kind in LASTING,
    )


def _readable(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON in, text or a number out
    if isinstance(value, dict):
        return end_in_words(value)
    if name not in _INSTANTS:
        return value
    if not value:
        return gettext("an unknown time")
    return gettext("%(time)s UTC") % {"time": date_format(datetime.fromisoformat(value).astimezone(UTC), "j M Y, H:i")}


def end_in_words(end: Mapping[str, Any]) -> str:
    """What a canary came to, with the reason by its title."""
    if end.get("outcome") == Outcome.GRANTED:
        return gettext("granted %(scope)s alone") % {"scope": " ".join(end["scope"]) or gettext("no scope")}
    return gettext("refused, %(reason)s") % {"reason": explain(str(end.get("reason", ""))).title}
