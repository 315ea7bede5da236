"""Subject tokens that were believed a moment ago: the same text is not verified twice (RFC 7519 section 7.2, RFC 8725).

A gateway exchanges its caller's token again and again while it lasts. What follows from its text, its issuer's keys and
trust and its client alone is kept, under the token's digest; what can change is asked each time. Only tokens that were
believed are kept, so nobody fills this with others, and no token's text is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exchange.generations import Generations
from exchange.protocol.request import TOKEN_EXCHANGE
from exchange.registry import Issuer
from exchange.subjects import establish
from exchange.verifying import PresentedToken, read_or_ask, read_subject
from policy.reasons import Rule
from policy.tokens import TokenType, VerifiedToken

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.opaque_tokens import OpaqueToken, Told
    from exchange.possession import Possession
    from exchange.protocol.request import TokenRequest
    from exchange.registry import Ourselves
    from policy.parties import Client
    from policy.raw import RawToken
    from policy.tokens import JSON, EstablishedSubject

MAX_KEPT: Final = 2048
"""Of each of two generations: a few thousand tokens in a process at most."""


class Believed(Struct, frozen=True, kw_only=True):
    """What was worked out, and from what. ``issuer`` is an object of one snapshot: any change of it makes another."""

    issuer: Issuer
    client: Client
    token: VerifiedToken

    def counts(self, issuer: Issuer | Ourselves, client: Client, now: datetime) -> bool:
        """Whether verifying the token again would give the same: nothing it rests on has moved, and it has not ended.

        ``nbf``, ``iat`` and the longest lifetime need no second look: time only runs towards them.
        """
        is_same = issuer is self.issuer and client is self.client
        return is_same and self.issuer.keys.is_usable(now) and now < self.token.expires_at + self.issuer.trust.leeway


class FamiliarToken(Struct, frozen=True, kw_only=True):
    """A subject token whose text was believed before; whether that still counts is not decided yet."""

    token: RawToken
    declared: TokenType
    believed: Believed

    @property
    def unverified_issuer(self) -> JSON:
        """Who the token says signed it: good for choosing a trust, for nothing else."""
        return self.believed.token.issuer


class FamiliarTokens:
    """One per process."""

    def __init__(self) -> None:
        self._believed = Generations[tuple[str, TokenType], Believed](MAX_KEPT)

    def read(
        self, request: TokenRequest, us: str, told: tuple[Told, ...]
    ) -> PresentedToken | OpaqueToken | FamiliarToken | None:
        """The request's subject token, taken apart unless it is familiar. Raises as ``read_subject``."""
        token, declared = request.subject_token, request.subject_token_type
        if token is not None and declared is not None and request.grant_type == TOKEN_EXCHANGE:
            believed = self._believed.get((token.digest, declared))
            if believed is not None:
                return FamiliarToken(token=token, declared=declared, believed=believed)
        return read_subject(request, us, told)

    def establish(
        self,
        presented: PresentedToken | OpaqueToken | FamiliarToken | None,
        issuer: Issuer | Ourselves,
        client: Client,
        possession: Possession,
        *,
        now: datetime,
    ) -> EstablishedSubject:
        """The subject, believed, again or for the first time. Raises as ``establish``."""
        if isinstance(presented, FamiliarToken):
            if presented.believed.counts(issuer, client, now):
                return presented.believed.token
            presented = read_or_ask(presented.token, presented.declared, Rule.SUBJECT_TOKEN, ())
        subject = establish(presented, issuer, client, possession, now=now)
        if isinstance(presented, PresentedToken) and isinstance(issuer, Issuer) and isinstance(subject, VerifiedToken):
            self._keep(presented, Believed(issuer=issuer, client=client, token=subject))
        return subject

    def _keep(self, presented: PresentedToken, believed: Believed) -> None:
        """Not a grant, which is good once, nor a token bound to a key, which needs its proof in each request."""
        if not presented.only_audience and "cnf" not in believed.token.claims:
            self._believed.keep((believed.token.digest, presented.declared), believed)
