"""What a token says that was granted: the claims of RFC 9068 s2.2, RFC 8693 s4, RFC 9449 s6 and RFC 8705 s3.

Pure, and apart from the mint: whoever signs and whoever only shows what would be signed read the same function. What
one mint alone can know (identifiers and the family) is added there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.facts import Granted
    from policy.parties import Client
    from policy.tokens import JSON, EstablishedSubject, TokenFacts

ACCESS_TOKEN_TYPE: Final = "at+jwt"
"""The ``typ`` that tells our access tokens from every other JWT (RFC 9068 section 2.1)."""


def claims_of(
    granted: Granted[TokenFacts], client: Client, binding: Mapping[str, str], source: JSON
) -> dict[str, JSON]:
    """What the decision says: for whom, at which targets, by whom, and bound to which key.

    Claims carried over from the partner's token come first: none of ours can be written over by them. ``source`` is
    what ``source_of`` gives.
    """
    claims: dict[str, JSON] = {
        **granted.claims,
        "sub": granted.subject,
        "aud": granted.audience[0] if len(granted.audience) == 1 else list(granted.audience),
        "client_id": client.client_id,
    }
    if source is not None:
        claims["src"] = source
    if granted.scope:
        claims["scope"] = " ".join(sorted(granted.scope))
    if granted.act is not None:
        claims["act"] = dict(granted.act)
    if binding:
        claims["cnf"] = {**binding}
    return claims


def source_of(subject: EstablishedSubject) -> JSON:
    """The foreign issuer and subject it all goes back to: a token of ours hands its own on, a client has none."""
    if not isinstance(subject, VerifiedToken):
        return None
    return subject.claims.get("src") if subject.family_id else {"iss": subject.issuer, "sub": subject.subject}
