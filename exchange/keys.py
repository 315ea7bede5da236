"""Our signing keys: made, kept encrypted, published and used (RFC 7517, RFC 8725 section 3.5, standards rules 85, 86).

The private part is sealed with AES-256-GCM under the key-encryption key, with ``kid`` and ``alg`` as associated data,
so that one key's ciphertext cannot be put in another's row.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from joserfc.jwk import ECKey, JWKRegistry

from audit import events
from exchange.claims import ACCESS_TOKEN_TYPE
from exchange.keyring import KeyRing, key_ring
from exchange.models import SigningKey
from exchange.protocol.compact import encode_segment
from exchange.signatures import sign_es256
from partners.changes import changing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.changes import Change

NONCE_LENGTH: Final = 12
KEY_CREATION_LOCK: Final = 4252


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The key that signs access tokens now, with its JWS header encoded once."""

    kid: str
    alg: str
    header: bytes
    _key: Any

    def sign(self, signing_input: bytes) -> bytes:
        """The JWS signature over these bytes (RFC 7515 section 5.1)."""
        return sign_es256(self._key, signing_input)

    def compact(self, typ: str, claims: Mapping[str, Any]) -> bytes:
        """A compact JWS of another kind than an access token, told apart by its ``typ`` (RFC 8725 section 3.11)."""
        header = encode_segment(orjson.dumps({"alg": self.alg, "kid": self.kid, "typ": typ}))
        signing_input = header + b"." + encode_segment(orjson.dumps(claims))
        return signing_input + b"." + encode_segment(self.sign(signing_input))


@dataclass(frozen=True, slots=True, kw_only=True)
class OurKeys:
    """The signer, the public key set as the bytes that ``/oauth/jwks`` serves, and as keys."""

    signer: Signer
    jwks: bytes
    ring: KeyRing
    """The same keys, ready to verify our own tokens with."""


class NoSigningKey(RuntimeError):
    """There is no active signing key: run ``manage.py migrate``, which makes the first one."""


def ensure_signing_key() -> None:
    """Make the first signing key where there is none; two nodes that start together make one (ES256)."""
    with changing(events.SYSTEM) as change:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEY_CREATION_LOCK])
        if not SigningKey.objects.filter(use="access", state=SigningKey.State.ACTIVE).exists():
            key = generate(change)
            activate(change, key)


def generate(change: Change) -> SigningKey:
    """A new ES256 key, not yet published."""
    private = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
    kid = str(private.kid)
    kek = settings.HANDOVER.kek
    nonce = secrets.token_bytes(NONCE_LENGTH)
    row = SigningKey.objects.create(
        kid=kid,
        alg="ES256",
        public_jwk=private.as_dict(private=False),
        kek_id=kek.id,
        nonce=nonce,
        ciphertext=AESGCM(kek.derive("signing-key")).encrypt(
            nonce, orjson.dumps(private.as_dict(private=True)), _bound(kid, "ES256")
        ),
    )
    change.touch_keys()
    change.record(events.KeyGenerated(data={"kid": kid, "alg": "ES256"}))
    return row


def activate(change: Change, key: SigningKey) -> None:
    """Sign with this key from now on; the one that signed before only verifies from now on (one active per use)."""
    now = timezone.now()
    with transaction.atomic():
        SigningKey.objects.filter(use=key.use, state=SigningKey.State.ACTIVE).update(
            state=SigningKey.State.RETIRING, retiring_at=now
        )
        SigningKey.objects.filter(pk=key.pk).update(
            state=SigningKey.State.ACTIVE, published_at=key.published_at or now, activated_at=now
        )
    change.touch_keys()
    change.record(events.KeyActivated(data={"kid": key.kid}))


def load() -> OurKeys:
    """The active signer and the public keys to publish. Raises ``NoSigningKey``."""
    published = _published()
    active = [key for key in published if key.state == SigningKey.State.ACTIVE and key.use == "access"]
    if not active:
        raise NoSigningKey("there is no active signing key; run: manage.py migrate")
    jwks = orjson.dumps({"keys": tuple(map(_public, published))})
    return OurKeys(signer=_signer(active[0]), jwks=jwks, ring=_ring(published))


def public_ring() -> KeyRing:
    """The keys that verify our own tokens, and no private one."""
    return _ring(_published())


def _published() -> list[SigningKey]:
    states = [SigningKey.State.PUBLISHED, SigningKey.State.ACTIVE, SigningKey.State.RETIRING]
    return list(SigningKey.objects.filter(state__in=states).order_by("created_at"))


def _ring(published: list[SigningKey]) -> KeyRing:
    return key_ring(tuple(map(_public, published)), is_fetched=False, usable_until=None)


def _public(key: SigningKey) -> Mapping[str, Any]:
    """Public members only, with ``kid``, ``use`` and ``alg`` (rule 85)."""
    members = ("kty", "crv", "x", "y", "n", "e")
    public = {name: key.public_jwk[name] for name in members if name in key.public_jwk}
    return {**public, "kid": key.kid, "use": "sig", "alg": key.alg}


def _signer(key: SigningKey) -> Signer:
    kek = settings.HANDOVER.kek_by_id(key.kek_id)
    opened = AESGCM(kek.derive("signing-key")).decrypt(
        bytes(key.nonce), bytes(key.ciphertext), _bound(key.kid, key.alg)
    )
    header = orjson.dumps({"alg": key.alg, "kid": key.kid, "typ": ACCESS_TOKEN_TYPE})
    private = JWKRegistry.import_key(orjson.loads(opened)).get_op_key("sign")
    return Signer(kid=key.kid, alg=key.alg, header=encode_segment(header), _key=private)


def _bound(kid: str, alg: str) -> bytes:
    return orjson.dumps([kid, alg])
