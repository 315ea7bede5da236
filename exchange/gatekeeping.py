"""The verify endpoint: may this request pass? Asked by a gateway before it lets a caller through (RFC 6750 section 3).

For nginx ``auth_request`` and Traefik's forward authentication: the token is read, its standing asked for, and the key
it is bound to must be proven for the original request.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from exchange.introspecting import check_standing
from exchange.jwt_checks import Wrong
from exchange.ledger import StaleRegistry
from exchange.passages import Stopped
from exchange.possession import CERTIFICATE
from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.dpop import prove_possession
from exchange.protocol.errors import OAuthError
from policy.raw import RawToken
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.limits.levels import Limits
    from exchange.own_tokens import OwnToken
    from exchange.passages import Passage
    from exchange.references import References
    from exchange.registry import Registry
    from exchange.snapshot import Snapshot
    from exchange.spending import SpendOnce
    from exchange.standings import Standings
    from policy.tokens import JSON

_SCHEMES: Final = {"bearer": "Bearer", "dpop": "DPoP"}
_USES: Final = frozenset({Reason.AUDIENCE_MISMATCH, Reason.SCOPE_NOT_GRANTED})
"""What can be wrong with the request while the token is in force and in the right hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that may pass, with the token that says so, and the proof it spent."""

    own: OwnToken
    spends: tuple[SpendOnce, ...]


async def check(
    passage: Passage, snapshot: Snapshot, references: References, standings: Standings, *, now: datetime
) -> Passed | Stopped:
    """Whether the request may pass. Raises ``StaleRegistry`` or ``Unanswered``."""
    scheme, token = _credentials(passage.authorization)
    if token is None:
        return Stopped(status=401, error="invalid_request" if passage.authorization else "")
    own = await references.read(token, snapshot, now=now)
    if isinstance(own, Wrong):
        return Stopped(status=401, error="invalid_token", wrong=own)
    spends = _possesses(own, token, scheme, passage, now)
    if isinstance(spends, Wrong):
        return Stopped(status=401, error="invalid_token", wrong=spends, own=own)
    standing = await standings.of(own.id)
    if standing.epoch > snapshot.registry.epoch:
        raise StaleRegistry(standing.epoch)
    wrong = check_standing(own, standing, snapshot.registry) or _check_audience(own, passage)
    if wrong is not None:
        return Stopped(status=401, error="invalid_token", wrong=wrong, own=own)
    held = frozenset(str(own.claims.get("scope", "")).split())
    if not passage.scopes <= held:
        scope = " ".join(sorted(passage.scopes))
        missing = Wrong(reason=Reason.SCOPE_NOT_GRANTED, expected=scope, received=" ".join(sorted(held)))
        return Stopped(status=403, error="insufficient_scope", scope=scope, wrong=missing, own=own)
    return Passed(own=own, spends=spends)


def charge(found: Passed | Stopped, limits: Limits, registry: Registry, address: str) -> None:
    """Who pays for the question: the client whose token is in force, or the address it came from; nobody without one.

    A client is never charged for what others do with a token that ended, was revoked, or whose key they do not hold:
    anybody could use up its limit with what lies about in logs. Raises ``SlowDown``.
    """
    wrong = found.wrong if isinstance(found, Stopped) else None
    if found.own is not None and (wrong is None or wrong.reason in _USES):
        client = registry.client(found.own.client_id)
        if client is not None:
            limits.client(client.client, "verify")
    elif wrong is not None:
        limits.failed(address, wrong.reason)


def _credentials(authorization: tuple[str, ...]) -> tuple[str, RawToken | None]:
    """Scheme and token of the one Authorization field; the scheme in any case (rule 15), never a query's (rule 13)."""
    if len(authorization) != 1:
        return "", None
    scheme, _, token = authorization[0].partition(" ")
    known = _SCHEMES.get(scheme.lower(), "")
    token = token.strip()
    return known, RawToken(token) if known and 0 < len(token) <= MAX_TOKEN_LENGTH else None


def _possesses(
    own: OwnToken, token: RawToken, scheme: str, passage: Passage, now: datetime
) -> tuple[SpendOnce, ...] | Wrong:
    """A bound token beside the proof of its key, and never as Bearer (rules 92, 103); what the proof spends."""
    confirmation = own.claims.get("cnf")
    bound: Mapping[str, JSON] = confirmation if isinstance(confirmation, dict) else {}
    proven: dict[str, JSON] = {} if passage.certificate is None else {CERTIFICATE: passage.certificate.thumbprint}
    spends: tuple[SpendOnce, ...] = ()
    if scheme == "DPoP":
        try:
            ath = urlsafe_b64encode(sha256(token.reveal().encode()).digest()).rstrip(b"=").decode()
            proof = prove_possession(passage.proofs, method=passage.method, url=passage.url, now=now, ath=ath)
        except OAuthError as error:
            return Wrong(reason=error.reason, expected="a DPoP proof for this request", received="another")
        if proof is not None:
            proven["jkt"], spends = proof.jkt, (proof.spends,)
    if ("jkt" in bound) is not (scheme == "DPoP") or not bound.items() <= proven.items():
        return Wrong(reason=Reason.SENDER_CONSTRAINED, expected=" ".join(bound) or "Bearer", received=scheme)
    return spends


def _check_audience(own: OwnToken, passage: Passage) -> Wrong | None:
    if passage.audience in own.audience:
        return None
    return Wrong(reason=Reason.AUDIENCE_MISMATCH, expected=shown(passage.audience), received=" ".join(own.audience))
