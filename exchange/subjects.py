"""Whom a token is for, established: a foreign token, one of ours, or the client itself (RFC 8693 s2.1, RFC 6749 s4.4).

Every issuing path ends in the same kind of facts, so that one decision judges all of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from exchange.jwt_checks import Wrong
from exchange.opaque_tokens import MustLookUp, OpaqueToken
from exchange.own_tokens import REFERENCE, OwnToken, check_own, in_force
from exchange.protocol.compact import CompactJws
from exchange.protocol.errors import refusal
from exchange.registry import Ourselves
from exchange.verifying import PresentedToken, check_binding, confirm, scopes_of, verify
from policy.reasons import Reason, shown
from policy.tokens import AuthenticatedSubject, TokenType, VerifiedToken

if TYPE_CHECKING:
    from exchange.possession import Possession
    from exchange.registry import Issuer
    from policy.parties import Client
    from policy.tokens import EstablishedSubject

NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""An authentication bounds no lifetime: mapping, target and installation do."""


def establish(
    presented: PresentedToken | OpaqueToken | None,
    issuer: Issuer | Ourselves,
    client: Client,
    possession: Possession,
    *,
    now: datetime,
) -> EstablishedSubject:
    """The subject, believed. Raises as ``verify`` does."""
    if presented is None:
        return itself(client)
    return vouched(presented, issuer, client, possession, now=now)


def vouched(
    presented: PresentedToken | OpaqueToken,
    issuer: Issuer | Ourselves,
    client: Client,
    possession: Possession,
    *,
    now: datetime,
) -> VerifiedToken:
    """The token, believed: by its issuer's trust or word, or because we issued it. Raises as ``confirm`` does.

    A reference of ours raises ``MustLookUp`` until the ledger was asked about it.
    """
    if isinstance(issuer, Ourselves):
        return _verify_own(presented, issuer, client, possession, now=now)
    if isinstance(presented, OpaqueToken):
        return confirm(presented, issuer, client, possession, now=now)
    return verify(presented, issuer, client, possession, now=now)


def itself(client: Client) -> AuthenticatedSubject:
    """The client as its own subject."""
    return AuthenticatedSubject(
        issuer="",
        subject=f"client:{client.client_id}",
        audience=(),
        scope=frozenset(),
        claims={"sub": client.client_id, "client_id": client.client_id},
        expires_at=NEVER,
    )


def _verify_own(
    presented: PresentedToken | OpaqueToken,
    issuer: Ourselves,
    client: Client,
    possession: Possession,
    *,
    now: datetime,
) -> VerifiedToken:
    """A token of ours, in force as far as it says itself; whether it was revoked, the ledger asks as it commits."""
    if presented.declared is TokenType.ID_TOKEN:
        raise refusal(Reason.TYPE_MISMATCH, presented.rule, "access_token", "id_token")
    if isinstance(presented, OpaqueToken):
        presented = _looked_up(presented)
        own = in_force(presented.jws.unverified_claims, "", issuer=issuer.issuer, now=now)
    else:
        own = check_own(presented.jws, issuer.keys, issuer=issuer.issuer, now=now)
    if isinstance(own, Wrong):
        raise refusal(own.reason, presented.rule, own.expected, own.received)
    _check_audience(own, presented, issuer, client)
    check_binding(presented, possession)
    return VerifiedToken(
        issuer=issuer.issuer,
        subject=str(own.claims["sub"]),
        audience=own.audience,
        scope=scopes_of(own.claims) or frozenset(),
        claims=own.claims,
        expires_at=own.expires_at,
        token_type=presented.declared,
        algorithm=str(presented.jws.unverified_header["alg"]),
        key_id=own.key_id,
        token_id=own.id,
        digest=presented.token.digest,
        family_id=str(own.claims["fam"]),
    )


def _looked_up(opaque: OpaqueToken) -> PresentedToken:
    """A reference of ours with the claims that the ledger keeps. Raises ``UnacceptableToken`` or ``MustLookUp``."""
    told = opaque.told_by(None)
    if told is None:
        raise MustLookUp(opaque)
    if told.refused is not None:
        raise told.refused
    jws = CompactJws(
        unverified_header={"alg": REFERENCE}, unverified_claims=told.claims, signing_input=b"", signature=b""
    )
    return PresentedToken(token=opaque.token, jws=jws, declared=opaque.declared, rule=opaque.rule)


def _check_audience(own: OwnToken, presented: PresentedToken, issuer: Ourselves, client: Client) -> None:
    """Meant for us or for what the requester serves, or issued to the requester itself (rule 30); all of its audiences.

    So a token that leaked from one resource server is worth nothing to the next one's clients.
    """
    if presented.only_audience:
        accepted = frozenset({presented.only_audience})
    elif own.client_id == client.client_id:
        return
    else:
        accepted = issuer.audiences | {client.client_id}
    if not own.audience or not accepted.issuperset(own.audience):
        raise refusal(Reason.AUDIENCE_MISMATCH, presented.rule, " or ".join(sorted(accepted)), shown(own.claims["aud"]))
