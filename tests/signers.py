"""Other organisations' keys and clocks for tests: what they sign is really signed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from exchange.protocol.compact import encode_segment

Key = ECKey | RSAKey | OKPKey
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


def make_key(alg: str = "ES256", kid: str = "") -> Key:
    """A private key for one algorithm, with ``kid``, ``alg`` and ``use`` set."""
    parameters: Any = {"alg": alg, "use": "sig"}
    if kid:
        parameters["kid"] = kid
    kind = alg[:2]
    if kind in {"RS", "PS"}:
        return RSAKey.generate_key(2048, parameters, auto_kid=True)
    if kind == "Ed":
        return OKPKey.generate_key("Ed25519", parameters, auto_kid=True)
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg]
    return ECKey.generate_key(curve, parameters, auto_kid=True)


@cache
def rsa_key() -> Key:
    """An RSA key for whoever needs one, not one of its own: one takes longer to find than most tests take."""
    return make_key("RS256")


def public_jwk(key: Key) -> dict[str, Any]:
    """The public members of a key."""
    return {**key.as_dict(private=False)}


def public_jwks(*keys: Key) -> dict[str, Any]:
    """The key set that publishes these keys."""
    return {"keys": [public_jwk(key) for key in keys]}


def encode(header: dict[str, Any], claims: dict[str, Any] | bytes, key: Key | None, *, algorithm: str = "") -> str:
    """A compact JWS that says what it is told to: an attacker's library is not careful.

    ``claims`` may be text as it stands. ``algorithm`` signs with another one than the header names; without a ``key``
    the signature is empty.
    """
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = encode_segment(json.dumps(header).encode()) + b"." + encode_segment(payload)
    signature = b"" if key is None else JWSRegistry.algorithms[algorithm or header["alg"]].sign(signing_input, key)
    return (signing_input + b"." + encode_segment(signature)).decode()


@dataclass
class Signer:
    """Somebody who signs JWTs: a partner's identity provider, or a client making assertions."""

    issuer: str
    key: Key = field(default_factory=make_key)

    @property
    def alg(self) -> str:
        return str(self.key.as_dict()["alg"])

    def sign(self, claims: dict[str, Any], *, key: Key | None = None, **header: Any) -> str:
        """A compact JWS over exactly these claims; header members given as None are left out.

        The signature is of the algorithm that the header names, if this key has it, and of the key's own otherwise.
        """
        key = key or self.key
        full = {"alg": self.alg, "kid": key.kid, "typ": "JWT"} | header
        algorithm = full["alg"] if full["alg"] in RSA_ALGORITHMS and key.key_type == "RSA" else key.as_dict()["alg"]
        return encode(
            {name: value for name, value in full.items() if value is not None}, claims, key, algorithm=str(algorithm)
        )

    def subject_token(self, audience: Any, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A subject token of this issuer, valid for five minutes unless told otherwise; claims of None are left out."""
        now = int(time.time())
        full = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
            "scope": "settle:write reports:read",
            "tier": "gold",
        } | claims
        return self.sign({name: value for name, value in full.items() if value is not None}, **(header or {}))

    def assertion(self, audience: Any, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A client assertion of this client (RFC 7523 section 3)."""
        now = int(time.time())
        full = {
            "iss": self.issuer,
            "sub": self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
        } | claims
        return self.sign({name: value for name, value in full.items() if value is not None}, **(header or {}))
