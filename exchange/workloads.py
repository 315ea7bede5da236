"""Clients without a secret: the platform they run on vouches for them (RFC 7521 s4.2, RFC 7523 s3; SPIFFE JWT-SVID s3).

A Kubernetes service account, a pipeline of GitHub or GitLab, a SPIFFE workload each hold a JWT of their platform. Its
issuer and audience are shared by everybody who runs there, so a client's rules decide which of them it is. In place of
``iss`` = ``sub``, one-time use and five minutes (rule 59), the registration says how long such a token may live, and it
is good until it ends: a workload cannot ask its platform for a new one each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from exchange.jwt_checks import Wrong, check_header, check_signature, check_times, media_type, strings
from exchange.protocol.compact import CompactJws, NotCompact, parse_compact
from exchange.protocol.errors import WIRE, OAuthError, refusal
from exchange.verifying import MissingKey
from policy.claim_rules import Verdict
from policy.reasons import Reason, Rule, Step, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from exchange.keyring import KeyRing
    from partners.selectors import RegisteredClient
    from partners.workload_values import RegisteredWorkload
    from policy.claim_rules import ClaimRule
    from policy.raw import RawToken
    from policy.tokens import JSON

SPIFFE: Final = "spiffe://"
TYPES: Final = frozenset({"", "jwt", "jose"})
"""Kubernetes says none, GitHub and GitLab say JWT, and a JWT-SVID may say JOSE (JWT-SVID section 2.3)."""

OTHER_KINDS: Final = frozenset({"scope", "scp", "client_id", "nonce", "at_hash", "cnf"})
"""Claims of access tokens and of people's ID tokens, which the same issuer may sign with the same key (rule 111)."""

_WORDS: Final = {
    Verdict.REFUSED: Reason.WORKLOAD_RULE_UNMET,
    Verdict.FAULT: Reason.WORKLOAD_RULE_FAULT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Who the platform says the caller is: believed, and what was tried to find out whether it is the client."""

    issuer: str
    subject: str
    steps: tuple[Step, ...]


def vouch(
    token: RawToken, client: RegisteredClient, keys: KeyRing, *, us: str, leeway: timedelta, now: datetime
) -> Vouched:
    """The workload behind a platform's token, which is this client. Raises ``InvalidClient`` or ``MissingKey``."""
    workload = client.workload
    if workload is None:
        _refuse("a client that a platform vouches for", client.client.client_id)
    jws = _read(token)
    claims = jws.unverified_claims
    issuer = _issuer(claims, workload)
    if issuer != workload.issuer:
        _refuse(f"a token of {workload.issuer}", shown(issuer))
    _check_kind(jws)
    _stop(check_header(jws, workload.algorithms))
    _check_signature(jws, client, keys, now)
    _check_audience(claims, workload.audiences | {us})
    _stop(check_times(claims, leeway=leeway, longest=workload.lifetime, now=now))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        _refuse("sub: a string", shown(subject))
    return Vouched(issuer=issuer, subject=subject, steps=_meet(claims, issuer, workload.rules))


def _refuse(expected: str, received: str) -> NoReturn:
    raise _error(expected, received)


def _error(expected: str, received: str) -> OAuthError:
    return refusal(Reason.WORKLOAD_REFUSED, Rule.CLIENT, expected, received)


def _stop(found: Wrong | object) -> None:
    if isinstance(found, Wrong):
        _refuse(found.expected, found.received)


def _read(token: RawToken) -> CompactJws:
    try:
        return parse_compact(token)
    except NotCompact as error:
        raise _error("a compact JWS", str(error)) from error


def _issuer(claims: Mapping[str, JSON], workload: RegisteredWorkload) -> str:
    """Who signed: ``iss``, but of a JWT-SVID the trust domain of its ``sub``, since it need not have one (section 3).

    Good for comparing with the registered platform, whose keys must then verify the token; for nothing else.
    """
    if not workload.issuer.startswith(SPIFFE):
        return str(claims.get("iss"))
    subject = str(claims.get("sub"))
    domain, _, path = subject.removeprefix(SPIFFE).partition("/")
    return SPIFFE + domain if subject.startswith(SPIFFE) and path else f"no SPIFFE id: {subject}"


def _check_kind(jws: CompactJws) -> None:
    """A token for another use is none for this one: an access token, or the ID token of a person's login."""
    typ = media_type(jws.unverified_header)
    if typ not in TYPES:
        _refuse("typ: " + " or ".join(sorted(TYPES - {""})), shown(typ))
    foreign = OTHER_KINDS & jws.unverified_claims.keys()
    if foreign:
        _refuse("a token of a workload", f"has {min(foreign)}")


def _check_signature(jws: CompactJws, client: RegisteredClient, keys: KeyRing, now: datetime) -> None:
    """By the platform's key that the header names. One not seen yet may be fetched once, by the lane (rule 63)."""
    kid = jws.unverified_header.get("kid")
    key = keys.find(None if kid is None else str(kid)) if keys.is_usable(now) else None
    if key is not None:
        _stop(check_signature(jws, key))
        return
    error = _error("a usable key of the platform", f"kid {shown(kid)}")
    if keys.is_fetched and client.key_source_id is not None:
        raise MissingKey(client.key_source_id, str(kid), error)
    raise error


def _check_audience(claims: Mapping[str, JSON], accepted: frozenset[str]) -> None:
    """For us and nobody else (rule 60): whoever else a token is for could use it here."""
    audience = strings(claims.get("aud"))
    if not audience or not accepted.issuperset(audience):
        _refuse("aud: " + " or ".join(sorted(accepted)), shown(claims.get("aud")))


def _meet(claims: Mapping[str, JSON], issuer: str, rules: tuple[ClaimRule, ...]) -> tuple[Step, ...]:
    """The steps of the rules, all met. Raises ``InvalidClient`` with those up to the first that is not."""
    steps = [Step(Rule.CLIENT, Verdict.PASSED, f"a token of {issuer}", shown(claims.get("sub")))]
    for rule in rules:
        verdict = rule.evaluate(claims)
        steps.append(Step(Rule.CLIENT, verdict, rule.expected, shown(_value(claims, rule.claim))))
        reason = _WORDS.get(verdict)
        if reason is not None:
            raise WIRE[reason](reason, tuple(steps))
    return tuple(steps)


def _value(claims: Mapping[str, JSON], path: str) -> JSON:
    """What a rule's claim is, for the trace."""
    if path in claims:
        return claims[path]
    node: JSON = dict(claims)
    for name in path.split("/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node
