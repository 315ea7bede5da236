"""Tokens that say nothing by themselves: only their issuer knows what they are (RFC 7662, RFC 8693 2.1; rules 27, 157).

A foreign one cannot name its issuer, so it is accepted only where one trust of the client's partner has an endpoint to
ask at; one of ours is known by its form. The straight line waits for nobody: it stops with ``MustIntrospect`` or
``MustLookUp``, and is run again with the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.own_tokens import is_reference
from policy.reasons import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from exchange.protocol.errors import OAuthError
    from partners.introspection_values import RegisteredIntrospection
    from policy.raw import RawToken
    from policy.tokens import JSON, TokenType


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an issuer answered about one token, in this request and for no other: nothing is kept.

    ``trust_id`` is None where we are the issuer and our own ledger answered. ``claims`` are the members of an active
    answer; of any other, ``refused`` is why the token will not do.
    """

    trust_id: UUID | None
    digest: str
    claims: Mapping[str, JSON]
    refused: OAuthError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueToken:
    """A token that is no JWT, declared as an access token; ``told`` is what issuers said so far in this request."""

    token: RawToken
    declared: TokenType
    rule: Rule
    told: tuple[Told, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it is one of our reference tokens by its form: no partner's issuer is shown it then."""
        return is_reference(self.token)

    def told_by(self, trust_id: UUID | None) -> Told | None:
        """What the issuer of this trust said about this token; None asks what our own ledger said."""
        digest = self.token.digest
        return next((told for told in self.told if (told.trust_id, told.digest) == (trust_id, digest)), None)


def is_opaque(token: RawToken) -> bool:
    """Whether a text can be a token at all: visible ASCII and spaces (RFC 6749 appendix A.12)."""
    text = token.reveal()
    return text.isascii() and text.isprintable()


class MustLookUp(Exception):
    """Our own ledger has to be asked about this token before the line can go on; the answerer asks, once."""

    def __init__(self, opaque: OpaqueToken) -> None:
        super().__init__(opaque.token.fingerprint)
        self.opaque = opaque

    @property
    def has_subject(self) -> bool:
        """Whether the line had established its subject before it stopped."""
        return self.opaque.rule is Rule.ACTOR_TOKEN


class MustIntrospect(MustLookUp):
    """Its issuer has to be asked in place of our ledger; the answerer asks, once."""

    def __init__(self, trust_id: UUID, where: RegisteredIntrospection, opaque: OpaqueToken) -> None:
        super().__init__(opaque)
        self.trust_id = trust_id
        self.where = where
