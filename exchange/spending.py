"""Identifiers that are good for one request (RFC 7523 section 3, RFC 9449 section 11.1): who spends what until when.

Verification only names them; the ledger claims them, in the transaction that records the answer, so that of a hundred
parallel uses exactly one succeeds, across processes and after a restart.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from policy.reasons import Reason
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from datetime import datetime

    from policy.tokens import EstablishedSubject
    from policy.trust import Trust


class Purpose(StrEnum):
    """What the identifier belongs to: the same text may be spent once for each."""

    CLIENT_ASSERTION = "client_assertion"
    SUBJECT_TOKEN = "subject_token"
    DPOP_PROOF = "dpop_proof"


class SpendOnce(Struct, frozen=True, kw_only=True):
    """An identifier that the ledger must claim: it is good for one request until ``expires_at`` (rule 59)."""

    purpose: Purpose
    issuer: str
    jti: str
    expires_at: datetime
    reason: Reason
    """Why a second use is refused."""


def spends_of(subject: EstablishedSubject, trust: Trust | None, *, is_grant: bool) -> tuple[SpendOnce, ...]:
    """What exchanging this subject token spends: nothing, unless its trust makes tokens one-time (rule 33).

    An assertion that is itself the grant is good once unless its trust says otherwise (rule 65).
    """
    if trust is None or not isinstance(subject, VerifiedToken) or not trust.spends(is_grant=is_grant):
        return ()
    return (
        SpendOnce(
            purpose=Purpose.SUBJECT_TOKEN,
            issuer=subject.issuer,
            jti=subject.token_id,
            expires_at=subject.expires_at + trust.leeway,
            reason=Reason.TOKEN_REPLAYED,
        ),
    )
