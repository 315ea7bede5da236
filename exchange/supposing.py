"""Tokens that somebody typed: made into text as an issuer would, and read without their signature (RFC 7515 s3.1).

For the simulator alone. Everything but the signature is checked as it always is, by the same code: the header, the
key it names, the algorithm, times, audience. What this believes becomes no ``VerifiedToken`` that is ever decided on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from exchange.keyring import KeyRing, VerificationKey
from exchange.own_tokens import ALGORITHMS as OWN_ALGORITHMS
from exchange.protocol.compact import NotCompact, encode_segment, parse_compact
from exchange.protocol.errors import refusal
from exchange.registry import Ourselves
from exchange.verifying import PresentedToken
from policy.facts import Actor, Facts
from policy.raw import RawToken
from policy.reasons import Reason, shown
from policy.tokens import HypotheticalToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from exchange.opaque_tokens import OpaqueToken
    from exchange.registry import Issuer, Registry
    from policy.tokens import JSON, EstablishedSubject


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A header and claims that somebody typed, or that a case kept: no signature is over them."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)

    def as_text(self) -> RawToken:
        """Its compact form with an empty signature, so that it is read by the parser that reads real ones."""
        header, payload = (json.dumps(dict(part)).encode() for part in (self.header, self.claims))
        return RawToken((encode_segment(header) + b"." + encode_segment(payload) + b".").decode())


def unverified_claims(token: RawToken) -> Mapping[str, JSON]:
    """What a token says, as far as it can be read; nothing of it may be relied on."""
    try:
        return parse_compact(token).unverified_claims
    except NotCompact:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SupposedKeyRing(KeyRing):
    """The keys of an issuer, each of which is taken to have signed whatever names it."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """As of the real ring, but for the signature."""
        key = KeyRing.find(self, kid)
        return None if key is None else replace(key, _checks=dict.fromkeys(key.algorithms, _is_supposed))


def _is_supposed(_signing_input: bytes, _signature: bytes) -> bool:
    return True


def supposed(issuer: Issuer | Ourselves, presented: PresentedToken | OpaqueToken | None) -> Issuer | Ourselves:
    """The same issuer, for a token that it did not sign.

    Raises ``UnacceptableToken`` where it says to be ours and could never have been: our own are not checked for that.
    """
    if isinstance(issuer, Ourselves) and isinstance(presented, PresentedToken):
        _check_members(presented)
    ring = issuer.keys
    keys = SupposedKeyRing(keys=ring.keys, is_fetched=False, usable_until=ring.usable_until)
    return replace(issuer, keys=keys)


def _check_members(presented: PresentedToken) -> None:
    claims = presented.jws.unverified_claims
    for name in ("sub", "client_id", "fam"):
        if not isinstance(claims.get(name), str):
            raise refusal(Reason.CLAIM_MALFORMED, presented.rule, f"{name}: a string", shown(claims.get(name)))
    try:
        UUID(str(claims.get("jti")))
    except ValueError as error:
        raise refusal(
            Reason.CLAIM_MALFORMED, presented.rule, "jti: one of ours, a UUID", shown(claims.get("jti"))
        ) from error


def header_of(issuer: JSON, client_id: str, registry: Registry) -> Mapping[str, Any]:
    """The header that this issuer would write: its first key, with an algorithm that the key and the trust allow."""
    if issuer == registry.issuer:
        return {"typ": "at+jwt", **_signed_by(registry.own_keys, OWN_ALGORITHMS)}
    registered = registry.client(client_id)
    partner = None if registered is None else registered.client.partner
    trusted = registry.issuers.get((partner.id, issuer)) if partner is not None and isinstance(issuer, str) else None
    return {"typ": "JWT"} if trusted is None else {"typ": "JWT", **_signed_by(trusted.keys, trusted.trust.algorithms)}


def _signed_by(ring: KeyRing, allowed: AbstractSet[str]) -> Mapping[str, str]:
    for kid in ring.keys:
        key = ring.find(kid)
        fitting = sorted(allowed & key.algorithms) if key is not None else ()
        if fitting:
            return {"alg": fitting[0], "kid": kid} if kid else {"alg": fitting[0]}
    return {"alg": min(allowed, default="none")}


def hypothetical(facts: Facts[EstablishedSubject]) -> Facts[HypotheticalToken]:
    """The same facts about supposed tokens: whatever is decided from them, nothing can be minted from it."""
    actor = facts.actor
    return Facts(
        request=facts.request,
        client=facts.client,
        subject=_as_hypothetical(facts.subject),
        actor=None if actor is None else Actor(token=_as_hypothetical(actor.token), trust=actor.trust),
        source=facts.source,
        trust=facts.trust,
        mappings=facts.mappings,
        targets=facts.targets,
        ceiling=facts.ceiling,
        origins=facts.origins,
    )


def _as_hypothetical(token: EstablishedSubject) -> HypotheticalToken:
    return HypotheticalToken(
        issuer=token.issuer,
        subject=token.subject,
        audience=token.audience,
        scope=token.scope,
        claims=token.claims,
        expires_at=token.expires_at,
    )
