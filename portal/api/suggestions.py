"""What a mapping could ask of tokens like one that is sent along: rules and grants, each with why it is proposed.

The token is read once, and is in no answer, no log and no row (CWE-532). Nothing is saved: whoever asked chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_framework.response import Response

from partners import profiles
from partners.errors import Problem
from partners.offers import offers
from portal.api.endpoint import Endpoint, body_of
from portal.api.problems import not_found, wrong_fields
from portal.api.reading import read
from portal.api.tries import SAMPLE
from portal.partner_pages.mappings import suggestions, texts
from portal.partner_pages.mappings.token_form import TokenForm
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from partners.offers import Offers
    from portal.partner_pages.mappings.suggestions import Reading, Suggestion

_EXPECTED: Final = "a JWT that is signed and not encrypted: three parts of base64url with JSON inside"


class Suggestions(Endpoint):
    """Rules and grants for a mapping of a partner, read from one of its tokens. Its signature is not looked at."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies, only_asks = "Suggestions", {"POST": "Sample"}, True

    def post(self, request: Request, partner: str) -> Response:
        """Propose rules and grants from a token."""
        sample = read(SAMPLE, body_of(request))
        owner = profiles.profile(partner)
        if owner is None:
            raise not_found()
        offered = offers(owner.id)
        reading = suggestions.read(_claims(sample.token), _scopes(offered, sample.target))
        return Response(_shown(reading, offered))


def _claims(token: str) -> Mapping[str, Any]:
    form = TokenForm({"token": token})
    if not form.is_valid():
        raise wrong_fields((Problem(path=("token",), expected=_EXPECTED),))
    claims: Mapping[str, Any] = form.cleaned_data["token"]
    return claims


def _scopes(offered: Offers, target: str | None) -> tuple[str, ...]:
    """Ours, of the target that is meant; none are proposed where none is named. Raises ``ApiError``."""
    known = dict(offered.scopes)
    if target is not None and target not in known:
        raise wrong_fields((Problem(path=("target",), expected="the name of an active target"),))
    return () if target is None else known[target]


def _shown(reading: Reading, offered: Offers) -> dict[str, Any]:
    trust = next((trust for trust, issuer in offered.issuers if issuer == reading.issuer), None)
    return {
        "issuer": reading.issuer or None,
        "trust": trust,
        "grants": [_grant(one) for one in reading.grants],
        "rules": [_rule(one) for one in reading.conditions],
        "rare": [_rule(one) for one in reading.rare],
        "unlike": list(reading.unlike),
        "left_out": reading.left_out,
    }


def _grant(suggestion: Suggestion) -> dict[str, Any]:
    ((theirs, ours),) = texts.grants_of(suggestion.line).items()
    return {"scope": theirs, "grants": ours, **_why(suggestion)}


def _rule(suggestion: Suggestion) -> dict[str, Any]:
    (rule,) = texts.rules_of(suggestion.line)
    return {**rule, **_why(suggestion)}


def _why(suggestion: Suggestion) -> dict[str, Any]:
    return {"ground": suggestion.ground.value, "why": str(suggestion.why), "is_chosen": suggestion.is_chosen}
