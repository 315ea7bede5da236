"""Signature, type, issuer, audience and times of a foreign token (RFC 7519 section 7.2, RFC 8725, RFC 8693 s2.1).

The only module that turns an unverified token into a ``VerifiedToken``. It verifies and claims nothing: one-time use
is the ledger's, so that the simulator can run this code without spending anybody's ``jti``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exchange.introspected import INTROSPECTION, check_declared, check_told
from exchange.jwt_checks import Wrong, check_header, check_signature, check_times, media_type, strings
from exchange.opaque_tokens import MustIntrospect, OpaqueToken, is_opaque
from exchange.protocol.compact import CompactJws, IsEncrypted, NotCompact, parse_compact
from exchange.protocol.errors import OAuthError, UnacceptableToken, refusal
from policy.reasons import Reason, Rule, shown
from policy.tokens import JSON, TokenType, VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from exchange.keyring import VerificationKey
    from exchange.opaque_tokens import Told
    from exchange.possession import Possession
    from exchange.protocol.request import TokenRequest
    from exchange.registry import Issuer
    from policy.parties import Client
    from policy.raw import RawToken

MAX_JTI_LENGTH: Final = 255

_TYPES: Final[Mapping[TokenType, frozenset[str]]] = {
    TokenType.ACCESS_TOKEN: frozenset({"", "jwt", "at+jwt"}),
    TokenType.ID_TOKEN: frozenset({"", "jwt", "id_token+jwt"}),
    TokenType.JWT: frozenset({"", "jwt", "at+jwt"}),
}
_OTHER_KINDS: Final[Mapping[TokenType, frozenset[str]]] = {
    TokenType.ACCESS_TOKEN: frozenset({"id", "refresh", "offline", "logout"}),
    TokenType.ID_TOKEN: frozenset({"bearer", "dpop", "refresh", "offline", "logout"}),
    TokenType.JWT: frozenset({"refresh", "offline", "logout"}),
}
"""Values of the ``typ`` claim by which some identity providers tell their kinds of token apart."""
_NOTHING: Final[frozenset[str]] = frozenset()
_ID_TOKEN_MARKS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_ACCESS_TOKEN_MARKS: Final = frozenset({"scope", "scp", "client_id"})


class MissingKey(Exception):
    """The token names a key we do not have yet, of an issuer whose keys are fetched: one bounded refresh may help.

    ``otherwise`` is the refusal when it does not (reliability.md section 3.4).
    """

    def __init__(self, key_source_id: UUID, kid: str, otherwise: OAuthError) -> None:
        super().__init__(kid)
        self.key_source_id = key_source_id
        self.kid = kid
        self.otherwise = otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """A subject or actor token taken apart, with its declared type. Nothing in it may be relied on yet."""

    token: RawToken
    jws: CompactJws
    declared: TokenType
    rule: Rule
    only_audience: str = ""
    """Where the token is a grant: it was made for this audience and no other, and is good once (RFC 7523 section 3)."""

    @property
    def unverified_issuer(self) -> JSON:
        """Who the token says signed it: good for choosing a trust, for nothing else."""
        return self.jws.unverified_claims.get("iss")


def read_subject(request: TokenRequest, us: str, told: tuple[Told, ...]) -> PresentedToken | OpaqueToken | None:
    """Take the request's subject token apart, or its assertion, which must be for ``us`` alone. Raises as ``read``.

    None where the client asks for itself.
    """
    if request.subject_token is None or request.subject_token_type is None:
        return None
    presented = read_or_ask(request.subject_token, request.subject_token_type, Rule.SUBJECT_TOKEN, told)
    if request.is_assertion and isinstance(presented, PresentedToken):
        return replace(presented, only_audience=us)
    return presented


def read_or_ask(
    token: RawToken, declared: TokenType, rule: Rule, told: tuple[Told, ...]
) -> PresentedToken | OpaqueToken:
    """Take a token apart, or leave it whole where its issuer may know it. Raises as ``read``.

    An access token alone can be opaque: an ID token, an assertion and whatever is declared as a JWT are JWTs.
    """
    try:
        return read(token, declared, rule)
    except UnacceptableToken as error:
        can_be_opaque = declared is TokenType.ACCESS_TOKEN and error.reason is Reason.TOKEN_MALFORMED
        if not can_be_opaque or not is_opaque(token):
            raise
    return OpaqueToken(token=token, declared=declared, rule=rule, told=told)


def read(token: RawToken, declared: TokenType, rule: Rule) -> PresentedToken:
    """Take a token apart. Raises ``UnacceptableToken`` for what is not a strict compact JWS."""
    try:
        jws = parse_compact(token)
    except IsEncrypted as error:
        raise refusal(Reason.TOKEN_ENCRYPTED, rule, "a signed token", "an encrypted one") from error
    except NotCompact as error:
        raise refusal(Reason.TOKEN_MALFORMED, rule, "a compact JWS", str(error)) from error
    return PresentedToken(token=token, jws=jws, declared=declared, rule=rule)


def verify(
    presented: PresentedToken, issuer: Issuer, client: Client, possession: Possession, *, now: datetime
) -> VerifiedToken:
    """The token, believed. Raises ``UnacceptableToken`` and its kin, or ``MissingKey``.

    ``issuer`` is the trust that the token's own unverified ``iss`` selected: its keys validate no other issuer's token.
    A token that is bound to a key is good only beside a proof of that key, ``possession`` (rule 32).
    """
    jws, rule = presented.jws, presented.rule
    _refuse(check_header(jws, issuer.trust.algorithms), rule)
    _refuse(_check_type(presented, issuer.trust.token_types), rule)
    key = _key(presented, issuer, now)
    _refuse(check_signature(jws, key), rule)
    expires_at = _times(jws.unverified_claims, issuer, rule, now)
    audience = _audience(presented, issuer, client)
    check_binding(presented, possession)
    _check_identifier(presented, issuer)
    return _believe(presented, key.kid, audience, expires_at)


def confirm(
    opaque: OpaqueToken, issuer: Issuer, client: Client, possession: Possession, *, now: datetime
) -> VerifiedToken:
    """The token, believed because its issuer says in this request that it is active (RFC 7662 section 2.2).

    Its answer is judged like the claims of a JWT that the issuer signed. Raises as ``verify`` does, or
    ``MustIntrospect``.
    """
    where = issuer.introspection
    assert where is not None
    _refuse(check_declared(opaque.declared, issuer.trust.token_types), opaque.rule)
    told = opaque.told_by(issuer.trust.id)
    if told is None:
        raise MustIntrospect(issuer.trust.id, where, opaque)
    if told.refused is not None:
        raise told.refused
    presented = _as_presented(opaque, told, issuer.trust.issuer)
    _refuse(_check_type(presented, issuer.trust.token_types), opaque.rule)
    _refuse(check_told(told.claims, issuer.trust.issuer), opaque.rule)
    expires_at = _times(told.claims, issuer, opaque.rule, now)
    is_unaddressed = where.allows_missing_audience and "aud" not in told.claims
    audience = () if is_unaddressed else _audience(presented, issuer, client)
    check_binding(presented, possession)
    _check_identifier(presented, issuer)
    return _believe(presented, where.endpoint, audience, expires_at)


def _as_presented(opaque: OpaqueToken, told: Told, issuer: str) -> PresentedToken:
    """The answer in the form in which claims are judged; nobody signed it, its issuer spoke for itself."""
    jws = CompactJws(
        unverified_header={"alg": INTROSPECTION},
        unverified_claims={**told.claims, "iss": issuer},
        signing_input=b"",
        signature=b"",
    )
    return PresentedToken(token=opaque.token, jws=jws, declared=opaque.declared, rule=opaque.rule)


def _refuse(wrong: Wrong | None, rule: Rule) -> None:
    if wrong is not None:
        raise refusal(wrong.reason, rule, wrong.expected, wrong.received)


def _check_type(presented: PresentedToken, allowed: frozenset[TokenType]) -> Wrong | None:
    """Declared and real type agree (rule 28): an ID token is no access token, nor the reverse, nor a refresh token."""
    declared, claims = presented.declared, presented.jws.unverified_claims
    unlisted = check_declared(declared, allowed)
    if unlisted is not None:
        return unlisted
    typ = media_type(presented.jws.unverified_header)
    if typ not in _TYPES[declared]:
        return Wrong(reason=Reason.TYPE_MISMATCH, expected=" ".join(sorted(_TYPES[declared])), received=shown(typ))
    foreign = _marks(declared) & claims.keys()
    if foreign:
        return Wrong(reason=Reason.TYPE_MISMATCH, expected=declared.rpartition(":")[2], received=f"has {min(foreign)}")
    kind = claims.get("typ")
    if isinstance(kind, str) and kind.lower() in _OTHER_KINDS[declared]:
        return Wrong(reason=Reason.TYPE_MISMATCH, expected=declared.rpartition(":")[2], received=f"typ {shown(kind)}")
    return None


def _marks(declared: TokenType) -> frozenset[str]:
    """Claims that only another kind of token has."""
    return {TokenType.ACCESS_TOKEN: _ID_TOKEN_MARKS, TokenType.ID_TOKEN: _ACCESS_TOKEN_MARKS}.get(declared, _NOTHING)


def _key(presented: PresentedToken, issuer: Issuer, now: datetime) -> VerificationKey:
    """The issuer's key that the header names. A key not seen yet may be fetched once, by the lane."""
    if not issuer.keys.is_usable(now):
        raise refusal(Reason.KEYS_UNAVAILABLE, presented.rule, "keys fetched within the allowed age", "older keys")
    kid = presented.jws.unverified_header.get("kid")
    key = issuer.keys.find(None if kid is None else str(kid))
    if key is not None:
        return key
    error = refusal(Reason.KEY_UNKNOWN, presented.rule, "a key of the issuer's key set", f"kid {shown(kid)}")
    if issuer.keys.is_fetched:
        raise MissingKey(issuer.key_source_id, str(kid), error)
    raise error


def _times(claims: Mapping[str, JSON], issuer: Issuer, rule: Rule, now: datetime) -> datetime:
    trust = issuer.trust
    expires_at = check_times(claims, leeway=trust.leeway, longest=trust.subject_lifetime, now=now)
    if isinstance(expires_at, Wrong):
        raise refusal(expires_at.reason, rule, expires_at.expected, expires_at.received)
    return expires_at


def _audience(presented: PresentedToken, issuer: Issuer, client: Client) -> tuple[str, ...]:
    """The token was meant for us, for this client, or for an audience the trust lists; every value counts (rule 30).

    This is what keeps a token that the same identity provider signed for another relying party out.
    """
    audience = strings(presented.jws.unverified_claims.get("aud"))
    accepted = issuer.audiences | {client.client_id}
    if presented.declared is TokenType.ID_TOKEN:
        accepted = issuer.trust.audiences | {client.client_id}
    if presented.only_audience:
        accepted = frozenset({presented.only_audience})
    if not audience or not accepted.issuperset(audience):
        expected = " or ".join(sorted(accepted))
        received = shown(presented.jws.unverified_claims.get("aud"))
        raise refusal(Reason.AUDIENCE_MISMATCH, presented.rule, expected, received)
    authorized = presented.jws.unverified_claims.get("azp")
    if presented.declared is TokenType.ID_TOKEN and authorized is not None and authorized not in accepted:
        raise refusal(Reason.AUDIENCE_MISMATCH, presented.rule, "azp: this client", shown(authorized))
    return audience


def _check_identifier(presented: PresentedToken, issuer: Issuer) -> None:
    """A one-time token needs an identifier to spend; its text would not do, since signatures can be respelled."""
    is_one_time = issuer.trust.spends(is_grant=bool(presented.only_audience))
    if is_one_time and not presented.jws.unverified_claims.get("jti"):
        raise refusal(Reason.CLAIM_MALFORMED, presented.rule, "jti, since the token is good once", "absent")


def check_binding(presented: PresentedToken, possession: Possession) -> None:
    """A bound token beside the proof of its key only (rule 32). Raises ``UnacceptableToken``."""
    claims = presented.jws.unverified_claims
    if "cnf" in claims and not possession.confirms(claims["cnf"]):
        raise refusal(
            Reason.SENDER_CONSTRAINED, presented.rule, "proof of the token's key in this request", "no such proof"
        )


def _believe(presented: PresentedToken, key_id: str, audience: tuple[str, ...], expires_at: datetime) -> VerifiedToken:
    """The verified facts, once subject, identifier, scope and confirmation are of their kinds."""
    claims, rule = presented.jws.unverified_claims, presented.rule
    subject, token_id, scope = claims.get("sub"), claims.get("jti", ""), scopes_of(claims)
    if not isinstance(subject, str) or not subject:
        raise refusal(Reason.CLAIM_MALFORMED, rule, "sub: a string", shown(subject))
    if not isinstance(token_id, str) or len(token_id) > MAX_JTI_LENGTH or not token_id.isprintable():
        raise refusal(Reason.CLAIM_MALFORMED, rule, "jti: a string of at most 255", shown(token_id))
    if scope is None:
        raise refusal(Reason.CLAIM_MALFORMED, rule, "scope: a string", shown(claims.get("scope", claims.get("scp"))))
    return VerifiedToken(
        issuer=str(claims["iss"]),
        subject=subject,
        audience=audience,
        scope=scope,
        claims=claims,
        expires_at=expires_at,
        token_type=presented.declared,
        algorithm=str(presented.jws.unverified_header["alg"]),
        key_id=key_id,
        token_id=token_id,
        digest=presented.token.digest,
    )


def scopes_of(claims: Mapping[str, JSON]) -> frozenset[str] | None:
    """The token's own scopes: ``scope`` as one string (RFC 9068 section 2.2.3), or ``scp``, a list at some."""
    value = claims.get("scope", claims.get("scp"))
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split())
    values = strings(value)
    return None if values is None else frozenset(values)
