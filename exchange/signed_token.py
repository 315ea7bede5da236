"""A token that was signed and has not left yet (RFC 9068 section 2, RFC 8693 section 2.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policy.facts import Granted
    from policy.raw import RawToken
    from policy.tokens import VerifiedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A signed token that is still ours alone: it leaves only after the ledger committed its rows.

    ``id`` is its ``jti``, ``event_id`` its ``txn``, ``family_id`` its ``fam``. ``issued_at`` and ``expires_at`` are
    whole seconds since 1970, as the claims are.
    """

    id: str
    family_id: str
    event_id: str
    token: RawToken
    token_type: str
    kid: str
    granted: Granted[VerifiedToken]
    issued_at: int
    expires_at: int
