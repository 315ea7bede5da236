"""The health of a partner's trusts: what is unwise, what its tokens show, and what its issuers publish (RFC 8414)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework.response import Response

from audit.selectors import last_seen
from audit.usage import tokens_seen
from exchange import watching
from exchange.pictures import pictures
from partners import profiles
from partners.advice import findings
from partners.watched import of_partner
from portal.api.care_shapes import ADVICE, LOOK, PICTURE, SEEN_KEY, TOKENS
from portal.api.endpoint import Endpoint
from portal.api.parties import party
from portal.api.problems import not_found
from portal.api.showing import shown
from portal.partner_pages.trusts.health import advice
from portal.permissions import Permission

if TYPE_CHECKING:
    from datetime import datetime

    from rest_framework.request import Request

    from audit.usage import TokensSeen
    from exchange.models import TrustWatch
    from partners.profiles import Profile
    from partners.watched import WatchedTrust

LOOKED_AT: Final = timedelta(days=7)


class PartnerHealth(Endpoint):
    """What somebody should look at about one partner's trusts and mappings, and what it was measured from."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape = "PartnerHealth"

    def get(self, request: Request, partner: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Read how a partner's trusts do. Alerts and canaries have lists of their own."""
        known, now = party(partner), timezone.now()
        seen = tokens_seen(known.id, since=now - LOOKED_AT)
        last = last_seen([known.id]).get(known.id)
        found = advice(findings(known.id), seen, last, now)
        return Response(
            {
                "partner": known.slug,
                "last_exchange_at": last,
                "advice": [shown(ADVICE, item, advice=item.words) for item in found],
                "tokens": [_tokens(item) for item in seen],
            }
        )


class TrustHealth(Endpoint):
    """What the issuer of one trust in use publishes, as it was seen last; its keys, and how looks at it went."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape = "TrustHealth"

    def get(self, request: Request, partner: str, trust: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Read how the issuer of a trust does."""
        known = party(partner)
        return Response(_issuer(known, _watched(known, trust), timezone.now()))


class Look(Endpoint):
    """A look at the issuer of one trust, now: for who mended something and does not want to wait for the hour."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, only_asks = "TrustHealth", True

    def post(self, request: Request, partner: str, trust: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Look at an issuer. At most twice a minute: more often its owner would be bothered by us."""
        known = party(partner)
        found = _watched(known, trust)
        watching.look_now(found.id, timezone.now())
        return Response(_issuer(known, _watched(known, trust), timezone.now()))


def _watched(partner: Profile, name: str) -> WatchedTrust:
    """The trust in use of this name. Raises ``ApiError``."""
    found = next((trust for trust in of_partner(partner.id) if trust.name == name), None)
    if found is None:
        raise not_found()
    return found


def _issuer(partner: Profile, trust: WatchedTrust, now: datetime) -> dict[str, Any]:
    source = next(entry.source for entry in profiles.trusts(partner.id) if entry.name == trust.name)
    (seen,) = pictures([trust])
    return {
        "partner": partner.slug,
        "trust": trust.name,
        "issuer": trust.issuer,
        "key_method": trust.method,
        "key_health": source.health(now),
        "keys_fetched_at": source.fetched_at,
        "keys_usable_until": source.usable_until,
        "fetch_failures": source.failures,
        "fetch_error": source.last_error or None,
        "picture": _picture(seen.watch),
        "keys": [shown(SEEN_KEY, key) for key in seen.keys],
        "looks": [shown(LOOK, look) for look in seen.looks],
    }


def _picture(row: TrustWatch | None) -> dict[str, Any] | None:
    """The last picture; None before the first look, and of an issuer whose keys were uploaded."""
    if row is None:
        return None
    return shown(PICTURE, row, next_look_at=row.next_at, error=row.last_error or None, algorithms=row.advertised)


def _tokens(seen: TokensSeen) -> dict[str, Any]:
    return shown(TOKENS, seen, youngest_seconds=None if seen.youngest is None else seen.youngest.total_seconds())
