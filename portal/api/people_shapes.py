"""The shapes of people with an account here, and of what they lent to clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.api.schema_words import COUNT, ID, INSTANT, MAYBE_INSTANT, NAMES, TEXT, YES_OR_NO, Schema, closed

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERSON: Final[dict[str, Schema]] = {"id": ID, "email": TEXT, "name": TEXT, "is_active": YES_OR_NO, "roles": NAMES}
PERSON: Final = closed(_PERSON)
PERSON_TOLD: Final = closed(
    {
        **_PERSON,
        "last_sign_in": MAYBE_INSTANT,
        "linked": NAMES | {"description": "The addresses of the same human's other accounts."},
        "sessions": COUNT,
    }
)
CONSENT: Final = closed(
    {
        "client": ID,
        "client_id": TEXT,
        "name": TEXT,
        "scopes": NAMES,
        "where": TEXT,
        "since": INSTANT,
        "until": INSTANT,
        "is_renewed": YES_OR_NO | {"description": "Whether the client can make `until` later by itself."},
    }
)

SHAPES: Final[Mapping[str, Schema]] = {"Person": PERSON, "PersonTold": PERSON_TOLD, "Consent": CONSENT}
