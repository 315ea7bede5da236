"""A secret of ours at somebody else's, under AES-256-GCM with the key-encryption key (NIST SP 800-38D).

Secrets of our own clients are hashed (``partners.secrets``); one to be presented elsewhere cannot be. It is bound
to where it is presented, so that a row that was changed in the database does not send it to another place.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

PURPOSE: Final = "introspection-secret"
NONCE_LENGTH: Final = 12


class CannotOpen(ValueError):
    """The secret was sealed for another place, was changed, or its key is gone. Put the secret again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A secret that only this installation's key opens."""

    kek_id: str
    nonce: bytes
    ciphertext: bytes

    def open(self, *bound: str) -> str:
        """The secret, for the one place it was sealed for. Raises ``CannotOpen``."""
        try:
            key = settings.HANDOVER.kek_by_id(self.kek_id).derive(PURPOSE)
            return AESGCM(key).decrypt(self.nonce, self.ciphertext, orjson.dumps(bound)).decode()
        except (KeyError, InvalidTag) as error:
            raise CannotOpen("the secret cannot be opened; put it again") from error


def seal(secret: str, *bound: str) -> Sealed:
    """Seal a secret for the place that ``bound`` names."""
    kek, nonce = settings.HANDOVER.kek, secrets.token_bytes(NONCE_LENGTH)
    ciphertext = AESGCM(kek.derive(PURPOSE)).encrypt(nonce, secret.encode(), orjson.dumps(bound))
    return Sealed(kek_id=kek.id, nonce=nonce, ciphertext=ciphertext)
