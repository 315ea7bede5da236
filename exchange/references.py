"""Our reference tokens: what they say is in the ledger, found by the digest of their text (RFC 7662; RFC 6749 s1.4).

A text is 256 random bits, so its plain SHA-256 gives nothing away; the text itself is kept nowhere. What is found goes
the way of a JWT that was verified: times, issuer, audience, and its standing by ``jti``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from exchange.gathering import Gathering
from exchange.jwt_checks import Wrong
from exchange.opaque_tokens import Told
from exchange.own_tokens import OwnToken, in_force, is_reference, read_own
from exchange.protocol.errors import refusal
from policy.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.ledger_connection import LedgerConnection
    from exchange.opaque_tokens import OpaqueToken
    from exchange.snapshot import Snapshot
    from policy.raw import RawToken
    from policy.tokens import JSON

    Claims = dict[str, JSON] | None


class References(Gathering["Claims"]):
    """By digest; None is a token that never was, or ended long ago."""

    def __init__(self, connection: LedgerConnection) -> None:
        super().__init__(connection, orjson.loads)

    async def read(self, token: RawToken, snapshot: Snapshot, *, now: datetime) -> OwnToken | Wrong:
        """A token of ours, JWT or reference, or why it is none in force. Raises ``Unanswered``."""
        issuer = snapshot.registry.issuer
        if not is_reference(token):
            return read_own(token, snapshot.keys.ring, issuer=issuer, now=now)
        claims = await self.of(token.digest)
        if claims is None:
            return Wrong(reason=Reason.TOKEN_UNKNOWN, expected="a token of the ledger", received=token.fingerprint)
        return in_force(claims, "", issuer=issuer, now=now)

    async def tell(self, opaque: OpaqueToken) -> Told:
        """What a subject or actor token stands for, for the line to go on with. Raises ``Unanswered``."""
        token = opaque.token
        claims, refused = await self.of(token.digest), None
        if claims is None:
            refused = refusal(Reason.TOKEN_UNKNOWN, opaque.rule, "a token of the ledger", token.fingerprint)
        return Told(trust_id=None, digest=token.digest, claims=claims or {}, refused=refused)
