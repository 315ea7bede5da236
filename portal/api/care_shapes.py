"""The shapes of what is watched of partners: alerts, canaries, ends, the health of trusts, keys that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.alerts import AlertKind
from exchange.simulation import Outcome
from partners.endings import Kind
from partners.health import KeyHealth
from partners.states import KeyMethod
from portal.api.asked_shapes import PUBLIC_KEY
from portal.api.schema_words import (
    COUNT,
    DAY,
    ID,
    INSTANT,
    MAYBE,
    MAYBE_INSTANT,
    NAMES,
    TEXT,
    YES_OR_NO,
    Schema,
    closed,
    many,
    ref,
    word,
)
from portal.partner_pages.trusts.health import FAULTS
from portal.reminding.told import Fate

if TYPE_CHECKING:
    from collections.abc import Mapping

_PRIMARY: Final = ID | {"description": "What exchanges/{reference} takes."}


PICTURE: Final = closed(
    {
        "seen_at": MAYBE_INSTANT | {"description": "The last look that brought a whole picture."},
        "next_look_at": INSTANT,
        "failing_since": MAYBE_INSTANT,
        "error": MAYBE,
        "location": TEXT,
        "jwks_uri": MAYBE,
        "token_endpoint": MAYBE,
        "algorithms": NAMES,
        "certificate_ends_at": MAYBE_INSTANT,
    }
)
SEEN_KEY: Final = closed(
    {
        "thumbprint": TEXT | {"description": "RFC 7638."},
        "kid": MAYBE,
        "kind": TEXT,
        "strength": COUNT | {"description": "Bits of security (NIST SP 800-57)."},
        "first_seen_at": INSTANT,
        "last_seen_at": INSTANT,
        "gone_at": MAYBE_INSTANT,
    }
)
LOOK: Final = closed({"is_whole": YES_OR_NO, "detail": MAYBE, "first_at": INSTANT, "last_at": INSTANT, "count": COUNT})
ADVICE: Final = closed({"fault": word(FAULTS), "subject": MAYBE, "detail": MAYBE, "title": TEXT, "advice": TEXT})
TOKENS: Final = closed(
    {
        "issuer": TEXT,
        "examined": COUNT,
        "youngest_seconds": {
            "type": ["number", "null"],
            "description": "The least age that any token had when it came; below 0, the issuer's clock is ahead.",
        },
        "algorithms": NAMES,
    }
)

SHAPES: Final[Mapping[str, Schema]] = {
    "Alert": closed(
        {
            "id": ID,
            "partner": TEXT,
            "trust": MAYBE,
            "issuer": MAYBE,
            "kind": word(AlertKind),
            "subject": TEXT,
            "title": TEXT,
            "meaning": TEXT,
            "detail": {"type": "object"},
            "lasts": YES_OR_NO | {"description": "Whether it tells of a state, which ends by itself."},
            "raised_at": INSTANT,
            "ended_at": MAYBE_INSTANT,
            "acknowledged_at": MAYBE_INSTANT,
            "acknowledged_by": MAYBE,
        }
    ),
    "Canary": closed(
        {
            "id": ID,
            "client": TEXT,
            "target": TEXT,
            "exchange": _PRIMARY,
            "granted_at": INSTANT,
            "expected": NAMES,
            "outcome": {"type": ["string", "null"], "enum": [*sorted(str(word) for word in Outcome), None]},
            "reason": MAYBE,
            "scopes": NAMES,
            "is_green": {"type": ["boolean", "null"], "description": "null: nobody can tell yet."},
            "checked_at": MAYBE_INSTANT,
        }
    ),
    "CanariesTried": closed({"items": many(ref("Canary"))}),
    "Ending": closed(
        {
            "id": TEXT | {"description": "What it is, whenever it ends."},
            "kind": word(Kind),
            "partner": TEXT,
            "subject": TEXT,
            "ends_at": INSTANT,
            "contact": MAYBE,
            "owner": MAYBE,
            "told": many(closed({"email": TEXT, "day": DAY, "fate": word(Fate)})),
        }
    ),
    "Happening": closed(
        {
            "id": ID,
            "reference": ID | {"description": "The call, or the page, that it was done by."},
            "at": INSTANT,
            "kind": TEXT | {"description": "The name of the event."},
            "actor": TEXT,
            "facts": {"type": "object"},
        }
    ),
    "PartnerHealth": closed(
        {"partner": TEXT, "last_exchange_at": MAYBE_INSTANT, "advice": many(ADVICE), "tokens": many(TOKENS)}
    ),
    "TrustHealth": closed(
        {
            "partner": TEXT,
            "trust": TEXT,
            "issuer": TEXT,
            "key_method": word(KeyMethod.values),
            "key_health": word(KeyHealth),
            "keys_fetched_at": MAYBE_INSTANT,
            "keys_usable_until": MAYBE_INSTANT,
            "fetch_failures": COUNT,
            "fetch_error": MAYBE,
            "picture": {"anyOf": [PICTURE, {"type": "null"}]},
            "keys": many(SEEN_KEY),
            "looks": many(LOOK),
        }
    ),
    "WaitingKeys": closed(
        {
            "id": ID,
            "location": TEXT,
            "present": many(PUBLIC_KEY),
            "offered": many(PUBLIC_KEY),
            "since": MAYBE_INSTANT,
            "present_uri": MAYBE,
            "offered_uri": MAYBE,
        }
    ),
}
