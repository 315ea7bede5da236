"""From a yes to a token: its claims (``exchange.claims``), its identity, its signature (RFC 9068 s2.1, RFC 7515 s3.1).

Only the pipeline imports this module, and ``mint`` takes a ``Granted[EstablishedSubject]`` only: what the simulator
decides about a supposed token cannot be signed.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

import orjson

from audit.identifiers import new_id
from exchange.claims import claims_of, source_of
from exchange.own_tokens import PREFIX
from exchange.protocol.compact import encode_segment
from exchange.signed_token import Lineage, SignedToken
from policy.parties import TokenFormat
from policy.raw import RawToken
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.keys import Signer
    from policy.facts import Granted
    from policy.parties import Client
    from policy.tokens import JSON, EstablishedSubject

REFERENCE_BYTES: Final = 32


def mint(
    granted: Granted[EstablishedSubject],
    client: Client,
    binding: Mapping[str, str],
    signer: Signer,
    *,
    issuer: str,
    now: datetime,
) -> SignedToken:
    """The token that the decision granted, signed or a reference. It cannot refuse: every bound was checked before."""
    token_id, event_id = new_id(), new_id()
    lineage = _lineage(granted.token, issuer, token_id)
    issued_at, expires_at = int(now.timestamp()), int(granted.expires_at.timestamp())
    claims: dict[str, JSON] = claims_of(granted, client, binding, source_of(granted.token)) | {
        "iss": issuer,
        "exp": expires_at,
        "iat": issued_at,
        "jti": token_id,
        "txn": event_id,
        "fam": lineage.family_id,
    }
    is_reference = granted.token_format is TokenFormat.REFERENCE
    token = RawToken(PREFIX + token_urlsafe(REFERENCE_BYTES)) if is_reference else _sign(claims, signer)
    return SignedToken(
        id=token_id,
        lineage=lineage,
        event_id=event_id,
        token=token,
        token_type="DPoP" if "jkt" in binding else "Bearer",
        confirmation=binding,
        kid="" if is_reference else signer.kid,
        granted=granted,
        issued_at=issued_at,
        expires_at=expires_at,
        digest=token.digest if is_reference else "",
        stored=claims if is_reference else None,
    )


def _sign(claims: Mapping[str, JSON], signer: Signer) -> RawToken:
    signing_input = signer.header + b"." + encode_segment(orjson.dumps(claims))
    signature = encode_segment(signer.sign(signing_input))
    return RawToken((signing_input + b"." + signature).decode("ascii"))


def _lineage(subject: EstablishedSubject, issuer: str, token_id: str) -> Lineage:
    """A token of ours hands its family on; a foreign token begins one, and so does a client by itself."""
    if not isinstance(subject, VerifiedToken):
        return Lineage(new_id(), issuer, subject.root or token_id, "")
    named = subject.token_id or subject.digest
    if subject.family_id:
        return Lineage(subject.family_id, issuer, named, subject.token_id)
    return Lineage(new_id(), subject.issuer, named, "")
