"""The shapes of what is asked without being kept: the day in figures, what a text is, the way to a first exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.examining import Check, Finding
from partners.attention import Concern
from partners.states import ClientState, PartnerState
from policy.reasons import Reason
from portal.api.schema_words import (
    COUNT,
    DAY,
    DURATION,
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
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTCOMES: Final[dict[str, Schema]] = dict.fromkeys(("granted", "refused", "failed"), COUNT)
PUBLIC_KEY: Final = closed({"kid": MAYBE, "kty": TEXT, "alg": MAYBE, "thumbprint": MAYBE})
CHECKED: Final = closed({"check": word(Check), "finding": word(Finding), "detail": MAYBE})
CONCERN: Final = closed(
    {
        "concern": word(Concern),
        "partner": TEXT,
        "subject": MAYBE,
        "due": {"anyOf": [INSTANT, DAY, {"type": "null"}]},
    }
)
EXCHANGE_FOUND: Final = closed({"id": ID, "reference": ID, "at": INSTANT})
TOKEN_FOUND: Final = closed(
    {
        "by": word(("jti", "partner_jti", "subject")),
        "id": ID | {"description": "Its `jti`."},
        "event_id": ID | {"description": "What exchanges/{reference} takes."},
        "subject": TEXT,
        "audience": NAMES,
        "scope": TEXT,
        "issued_at": INSTANT,
        "expires_at": INSTANT,
        "revoked_at": MAYBE_INSTANT,
    }
)
CLIENT_FOUND: Final = closed({"client_id": TEXT, "name": TEXT, "state": word(ClientState.values), "partner": MAYBE})
PARTNER_FOUND: Final = closed({"name": TEXT, "title": TEXT, "state": word(PartnerState.values)})
NEED: Final = closed({"label": TEXT, "is_met": YES_OR_NO, "words": MAYBE | {"description": "What is missing."}})
WAY: Final = closed({"client_id": TEXT, "mapping": TEXT, "audience": TEXT, "is_test": YES_OR_NO})
WAY_OF_ACCESS: Final = closed(
    {
        **dict.fromkeys(("partner", "client", "target", "mapping"), TEXT),
        "version": {"type": "integer", "minimum": 1},
        "scopes": NAMES,
        "lifetime": DURATION,
        "max_depth": COUNT,
        "is_certain": YES_OR_NO | {"description": "Whether no claim and no expression has a say."},
    }
)
SNIPPET: Final = closed({"language": TEXT, "text": TEXT})

SHAPES: Final[Mapping[str, Schema]] = {
    "Overview": closed(
        {
            **_OUTCOMES,
            "hours": many(closed({"at": INSTANT, **_OUTCOMES})),
            "reasons": many(closed({"reason": word(Reason), "count": COUNT}))
            | {"description": "What most were refused for."},
            "busiest": many(closed({"partner": TEXT, **_OUTCOMES})),
            "partners_seen": COUNT | {"description": "How many partners exchanged anything."},
            "partners": {
                "type": "object",
                "description": "How many partners there are in each state that has any.",
                "propertyNames": {"enum": sorted(PartnerState.values)},
                "additionalProperties": COUNT,
            },
            "attention": many(CONCERN) | {"description": "The most pressing first."},
        }
    ),
    "Way": WAY_OF_ACCESS,
    "Findings": closed(
        {
            "exchanges": many(EXCHANGE_FOUND),
            "tokens": many(TOKEN_FOUND),
            "clients": many(CLIENT_FOUND),
            "partners": many(PARTNER_FOUND),
        }
    ),
    "Examination": closed({"is_good": YES_OR_NO, "checks": many(CHECKED), "keys": many(PUBLIC_KEY)}),
    "Rehearsal": closed(
        {
            "exchange": {"type": ["string", "null"], "format": "uuid", "description": "The exchange that is the test."},
            "at": MAYBE_INSTANT,
            "needs": many(NEED),
            "ways": many(WAY) | {"description": "What can be sent; before the activation only to a test target."},
        }
    ),
    "Integration": closed(
        {
            **dict.fromkeys(("issuer", "token_endpoint", "metadata", "client_id", "audience"), TEXT),
            "snippets": many(SNIPPET),
        }
    ),
}
