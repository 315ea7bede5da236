"""What a text is: the reference of an exchange, a token's ``jti``, whom tokens name, a client, a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rest_framework.response import Response

from portal.api import queries
from portal.api.asked_shapes import CLIENT_FOUND, EXCHANGE_FOUND, PARTNER_FOUND, TOKEN_FOUND
from portal.api.endpoint import Endpoint
from portal.api.problems import wrong_parameter
from portal.api.showing import shown
from portal.permissions import Permission
from portal.search import search

if TYPE_CHECKING:
    from rest_framework.request import Request

_LENGTHS: Final = (2, 128)
_EXPECTED: Final = "2 to 128 printable characters"


def _text(given: str) -> str:
    shortest, longest = _LENGTHS
    text = given.strip()
    if not shortest <= len(text) <= longest or not text.isprintable():
        raise ValueError(given)
    return text


_TEXT: Final = queries.Parameter(
    name="text",
    description="What to look for. Required.",
    expected=_EXPECTED,
    read=_text,
    schema={"type": "string", "minLength": _LENGTHS[0], "maxLength": _LENGTHS[1]},
)


class Findings(Endpoint):
    """Everything that a text can mean here, at most 20 of each kind."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape = "Findings"
    parameters = (_TEXT,)

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Look a text up. `by` says by what a token was found: our `jti`, the partner's, or whom it names."""
        if "text" not in self.given:
            raise wrong_parameter("text", _EXPECTED)
        found = search(self.given["text"])
        tokens = {"jti": found.own_tokens, "partner_jti": found.made_of, "subject": found.issued_for}
        return Response(
            {
                "exchanges": [
                    shown(EXCHANGE_FOUND, one.entry, reference=one.entry.correlation_id) for one in found.events
                ],
                "tokens": [shown(TOKEN_FOUND, one, by=by) for by, some in tokens.items() for one in some],
                "clients": [
                    shown(CLIENT_FOUND, one, partner=one.partner.slug if one.partner else None) for one in found.clients
                ],
                "partners": [
                    shown(PARTNER_FOUND, one, name=one.partner.slug, title=one.partner.name) for one in found.partners
                ],
            }
        )
