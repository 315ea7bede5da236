"""What a subject or actor token says, once known: verified by us, or supposed by an admin in the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


class TokenType(StrEnum):
    """Token type identifiers of RFC 8693 section 3 that Handover knows by name."""

    ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
    REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
    ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    JWT = "urn:ietf:params:oauth:token-type:jwt"
    SAML1 = "urn:ietf:params:oauth:token-type:saml1"
    SAML2 = "urn:ietf:params:oauth:token-type:saml2"


SUBJECT_TOKEN_TYPES: Final = frozenset({TokenType.ACCESS_TOKEN, TokenType.ID_TOKEN, TokenType.JWT})
"""The types accepted as subject or actor token; refresh tokens and SAML are refused by name (RFC 8693 section 3)."""


class TokenFacts(Protocol):
    """What ``decide`` may read of a token, whether it is real or supposed."""

    @property
    def issuer(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def audience(self) -> tuple[str, ...]: ...
    @property
    def scope(self) -> frozenset[str]: ...
    @property
    def claims(self) -> Mapping[str, JSON]: ...
    @property
    def expires_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """The members shared by both kinds of token facts."""

    issuer: str
    subject: str
    audience: tuple[str, ...]
    scope: frozenset[str]
    claims: Mapping[str, JSON]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken(_Claims):
    """A token whose signature, issuer, audience and times were checked in this request (RFC 7519 section 7.2).

    Only ``exchange.verifying`` makes one. Minting accepts no other kind, so a rehearsal cannot become a token.
    """

    token_type: TokenType
    algorithm: str
    key_id: str
    token_id: str
    """The ``jti``, or empty where the issuer sets none."""
    digest: str
    """SHA-256 of the token's text, hexadecimal: names the token where it has no ``jti``."""
    family_id: str = ""
    """The family of a token of our own, which tokens exchanged from it join; empty for a foreign token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedSubject(_Claims):
    """Somebody we know ourselves, without a token that vouches: a client that asks for itself (RFC 6749 section 4.4).

    Made from an authentication of this very request; ``subject`` is complete, in a name space of its own
    (``client:<id>``, ``user:<id>``), so that it cannot collide with a partner's subject (RFC 9068 section 5). ``root``
    names what all its tokens go back to and end with; empty where each is a root itself.
    """

    root: str = ""


EstablishedSubject: TypeAlias = "VerifiedToken | AuthenticatedSubject"
"""What a live request can establish, and the only kinds that minting accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HypotheticalToken(_Claims):
    """A token somebody typed or pasted into the simulator. Nothing can be minted from it: a type error, by design."""
