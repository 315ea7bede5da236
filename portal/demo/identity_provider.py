"""The demo partners' identity provider: another organisation's own program, with its own keys, which really signs.

``python -m portal.demo.identity_provider --port N --directory DIR --audience ISSUER`` runs it; tests make an
``IdentityProvider`` in their own process, alone or behind a real socket (``running``). It imports nothing of Handover's
server and stores two files, mode 0600: its keys and its clients' secret.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from portal.demo.partner_people import CLIENTS, USERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from joserfc.jwk import KeyParameters

    from portal.demo.partner_people import User

    Key = RSAKey | ECKey

TOKEN_LIFETIME: Final = 600
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384")


class Fault(StrEnum):
    """How the key set can be broken on command."""

    DOWN = "down"
    SLOW = "slow"
    EMPTY = "empty"
    HUGE = "huge"
    REDIRECT = "redirect"
    TRUNCATED = "truncated"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with the one algorithm it is for."""

    key: Key
    algorithm: str

    @classmethod
    def generate(cls, algorithm: str) -> SigningKey:
        """A fresh key with a random ``kid``."""
        members: KeyParameters = {"kid": secrets.token_hex(8), "alg": algorithm, "use": "sig"}
        if algorithm.startswith("ES"):
            key: Key = ECKey.generate_key({"ES256": "P-256", "ES384": "P-384"}[algorithm], members)
        else:
            key = RSAKey.generate_key(2048, members)
        return cls(key=key, algorithm=algorithm)

    @property
    def kid(self) -> str:
        """The key's identifier."""
        return str(self.key.kid)

    def public(self) -> dict[str, Any]:
        """What the key set says of it."""
        return dict(self.key.as_dict(private=False))


class IdentityProvider:
    """An issuer with its keys. ``fault`` breaks its key set; ``fetches`` counts who asked for what."""

    def __init__(self, issuer: str, *, audience: str, directory: Path | None = None, algorithm: str = "RS256") -> None:
        self.issuer = issuer
        self.audience = audience
        self.fault: Fault | None = None
        self.fetches: Counter[str] = Counter()
        self._lock = RLock()
        self._directory = directory
        self._algorithm = algorithm
        self._keys = self._load_keys()
        self.secret = self._load_secret()
        self.stranger = SigningKey.generate(algorithm)
        """The key of whoever took the key set over (``Fault.TAKEOVER``)."""

    @property
    def token_endpoint(self) -> str:
        """Where tokens are given out."""
        return f"{self.issuer}/token"

    @property
    def jwks_uri(self) -> str:
        """Where the public keys are."""
        return f"{self.issuer}/jwks"

    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0 section 3)."""
        return {
            "issuer": self.issuer,
            "token_endpoint": self.token_endpoint,
            "jwks_uri": self.jwks_uri,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": list(ALGORITHMS),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }

    def jwks(self) -> dict[str, Any]:
        """The public keys, those that no longer sign included until a rotation drops them."""
        with self._lock:
            return {"keys": [key.public() for key in self._keys]}

    def rotate(self, *, keeps_old: bool = True, algorithm: str | None = None) -> str:
        """A new key signs from now on; answers its ``kid``. Without ``keeps_old`` no other key is published."""
        key = SigningKey.generate(algorithm or self._algorithm)
        with self._lock:
            self._keys = [key, *(self._keys if keeps_old else ())]
            self._save_keys()
        return key.kid

    def key_for(self, algorithm: str | None = None) -> SigningKey:
        """The newest key of an algorithm; made when there is none yet. Raises ``KeyError`` for an unknown algorithm."""
        wanted = algorithm or self._algorithm
        if wanted not in ALGORITHMS:
            raise KeyError(wanted)
        with self._lock:
            for key in self._keys:
                if key.algorithm == wanted:
                    return key
            self._keys.append(key := SigningKey.generate(wanted))
            self._save_keys()
            return key

    def sign(
        self, claims: Mapping[str, Any], *, key: SigningKey | None = None, headers: Mapping[str, Any] | None = None
    ) -> str:
        """A JWT with exactly these claims, right or wrong: whoever tests a verifier needs both."""
        signer = key or self.key_for()
        header = {"alg": signer.algorithm, "kid": signer.kid, "typ": "at+jwt", **(headers or {})}
        return jwt.encode(header, dict(claims), signer.key, algorithms=[signer.algorithm])

    def access_token(self, subject: str, *, key: SigningKey | None = None, **claims: object) -> str:
        """An access token (RFC 9068) for Handover, with the given claims added or put in place of the usual ones."""
        return self.sign(self._usual(subject, self.audience, claims), key=key)

    def id_token(self, subject: str, audience: str, *, key: SigningKey | None = None, **claims: object) -> str:
        """An ID token for a client, which is its audience."""
        return self.sign(self._usual(subject, audience, claims), key=key, headers={"typ": "JWT"})

    def user_claims(self, user: str, scopes: Iterable[str]) -> dict[str, Any]:
        """What a token says about a user. Raises ``KeyError`` for somebody unknown."""
        known: User = USERS[user]
        return {
            "name": known.name,
            "email": user,
            "tenant": known.tenant,
            "tier": known.tier,
            "groups": list(known.groups),
            "scope": " ".join(scopes),
        }

    def client_claims(self, client_id: str) -> dict[str, Any]:
        """What a token says about a client that acts for itself. Raises ``KeyError`` for an unknown one."""
        return {"client_id": client_id, "tenant": CLIENTS[client_id]}

    def is_client(self, client_id: str, secret: str) -> bool:
        """Whether these are the credentials of a client; all of them share the demo's one secret."""
        return secrets.compare_digest(secret.encode(), self.secret.encode()) and client_id in CLIENTS

    def _usual(self, subject: str, audience: str, claims: Mapping[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + TOKEN_LIFETIME}
        merged = {**usual, "jti": secrets.token_hex(16), **claims}
        return {name: value for name, value in merged.items() if value is not None}

    def _load_keys(self) -> list[SigningKey]:
        if self._directory is not None:
            with suppress(FileNotFoundError):
                stored = json.loads((self._directory / "identity-provider-keys.json").read_text())
                return [SigningKey(key=_import(jwk), algorithm=jwk["alg"]) for jwk in stored["keys"]]
        self._keys = [SigningKey.generate(self._algorithm)]
        self._save_keys()
        return self._keys

    def _save_keys(self) -> None:
        if self._directory is not None:
            keys = [key.key.as_dict(private=True) for key in self._keys]
            write_private(self._directory / "identity-provider-keys.json", json.dumps({"keys": keys}))

    def _load_secret(self) -> str:
        return shared_secret(self._directory) if self._directory is not None else secrets.token_urlsafe(32)


def shared_secret(directory: Path) -> str:
    """The secret of the clients of an identity provider with this directory, made by whoever asks first."""
    place = directory / "identity-provider-secret"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        write_private(place, secrets.token_urlsafe(32), replaces=False)
    return place.read_text()


def write_private(place: Path, text: str, *, replaces: bool = True) -> None:
    """Write a file only its owner can read, whole or not at all. Raises ``FileExistsError`` unless it may replace."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        if replaces:
            unfinished.replace(place)
        else:
            place.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)


def _import(jwk: dict[str, Any]) -> Key:
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)


if __name__ == "__main__":
    from portal.demo.identity_provider_site import main

    main()
