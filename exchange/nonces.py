"""DPoP nonces: a proof that carries one was made after we spoke, whatever the caller's clock says (RFC 9449 section 8).

A nonce is the keyed hash of a minute: nobody can tell the next one, every process makes and accepts the same, and none
of them remembers any. Three minutes are good at a time, so that parallel requests do not trip over each other (8.2).
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from msgspec.structs import replace

from exchange.protocol.compact import encode_segment
from exchange.protocol.dpop import NONCE_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.clients import AuthenticatedClient
    from exchange.protocol.response import Answer
    from partners.selectors import RegisteredClient
    from policy.parties import Client

SLOT_SECONDS: Final = 60
SLOTS: Final = int(NONCE_LIFETIME.total_seconds()) // SLOT_SECONDS
LENGTH: Final = 16


def fresh(now: datetime) -> str:
    """The nonce of this minute."""
    return _of_slot(settings.HANDOVER.kek.id, _slot(now))


def accepted(now: datetime) -> AbstractSet[str]:
    """The nonces that are good now, also those made with a key-encryption key that was replaced a moment ago."""
    return _accepted(tuple(kek.id for kek in settings.HANDOVER.keks), _slot(now))


def are_demanded_of(client: Client) -> bool:
    """Whether this client's proofs must carry one: by its own setting or by the installation's."""
    return client.requires_dpop_nonce or settings.HANDOVER.dpop_nonces


def offered(
    answer: Answer, incoming: Incoming, client: AuthenticatedClient | RegisteredClient | None, *, now: datetime
) -> Answer:
    """The answer with a fresh nonce for the next proof, where the request carried one and nonces are demanded."""
    if not incoming.proofs or client is None or not are_demanded_of(client.client):
        return answer
    return replace(answer, headers=(*answer.headers, (b"dpop-nonce", fresh(now).encode())))


def _slot(now: datetime) -> int:
    return int(now.timestamp()) // SLOT_SECONDS


@lru_cache(maxsize=4)
def _accepted(kek_ids: tuple[str, ...], slot: int) -> frozenset[str]:
    return frozenset(_of_slot(kek_id, slot - age) for kek_id in kek_ids for age in range(SLOTS))


@lru_cache(maxsize=64)
def _of_slot(kek_id: str, slot: int) -> str:
    """Its cache knows the key by its id, which is a digest of it."""
    key = settings.HANDOVER.kek_by_id(kek_id).derive("dpop-nonce")
    digest = hmac.digest(key, slot.to_bytes(8, "big"), "sha256")
    return encode_segment(digest[:LENGTH]).decode("ascii")
