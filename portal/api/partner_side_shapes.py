"""The shapes of what a partner's own people do: who they are, how they were invited, what they propose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from portal.api.schema_words import (
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
)
from portal.models import Proposal
from portal.partner_side.invitations import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROOF: Final = closed({"at": INSTANT, "address": TEXT | {"description": "Where the file was found."}, "by": TEXT})
_DOMAIN: Final[dict[str, Any]] = {
    "domain": TEXT,
    "line": TEXT | {"description": "What must stand in the file, on a line of its own."},
    "addresses": NAMES | {"description": "Where the file is looked for, one after the other."},
    "proof": {"anyOf": [_PROOF, {"type": "null"}]},
}
_LOOKED: Final = closed(
    {"address": TEXT, "problem": MAYBE | {"description": "What was found there instead; null where it was the file."}}
)
_VALUE: Final[Schema] = {"description": "As documents write the field; null where it has none."}
_PROPOSAL: Final[dict[str, Any]] = {
    "id": ID,
    "trust": TEXT,
    "issuer": MAYBE,
    "fields": {"type": "object", "description": "The fields of the trust that are to change, as bodies have them."},
    "author": TEXT,
    "made_at": INSTANT,
    "state": {"type": "string", "enum": sorted(str(word) for word in Proposal.State.values)},
    "decided_by": MAYBE,
    "decided_at": MAYBE_INSTANT,
    "answer": MAYBE,
}

SHAPES: Final[Mapping[str, Schema]] = {
    "PartnerPerson": closed(
        {"id": ID, "email": TEXT, "is_active": YES_OR_NO, "since": INSTANT, "last_sign_in": MAYBE_INSTANT}
    ),
    "Invitation": closed(
        {
            "id": ID,
            "email": TEXT,
            "inviter": TEXT,
            "made_at": INSTANT,
            "expires_at": INSTANT,
            "condition": {"type": "string", "enum": sorted(str(word) for word in Condition)},
        }
    ),
    "Domain": closed(_DOMAIN),
    "DomainLook": closed({**_DOMAIN, "looked": many(_LOOKED)}),
    "Proposal": closed(_PROPOSAL),
    "ProposalTold": closed(
        {
            **_PROPOSAL,
            "differences": many(closed({"field": TEXT, "before": _VALUE, "after": _VALUE})),
            "obstacle": MAYBE | {"description": "Why it could not be approved as it is; null where it could."},
        }
    ),
}
