"""A token that was signed and has not left yet (RFC 9068 section 2, RFC 8693 section 2.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.facts import Granted
    from policy.raw import RawToken
    from policy.tokens import JSON, EstablishedSubject


class Lineage(NamedTuple):
    """Where a token comes from: revoking any of it ends the token (reliability.md section 3.2).

    ``family_id`` is its ``fam``; ``root_issuer`` and ``root_token_id`` name what the family goes back to; ``parent_id``
    is the token of ours that it was exchanged from, empty where that was none.
    """

    family_id: str
    root_issuer: str
    root_token_id: str
    parent_id: str


class SignedToken(Struct, frozen=True, kw_only=True):
    """A token, signed or a reference, that is still ours alone: it leaves only after the ledger committed its rows.

    ``id`` is its ``jti``, ``event_id`` its ``txn``. ``issued_at`` and ``expires_at`` are whole seconds since 1970, as
    the claims are.
    """

    id: str
    lineage: Lineage
    event_id: str
    token: RawToken
    token_type: str
    confirmation: Mapping[str, str]
    """Its ``cnf``; empty for a bearer token."""
    kid: str
    granted: Granted[EstablishedSubject]
    issued_at: int
    expires_at: int
    digest: str = ""
    """SHA-256 of its text where it must be found by that, hexadecimal."""
    stored: Mapping[str, JSON] | None = None
    """Its claims, where its text says nothing: then the ledger keeps them, and nothing is signed."""
