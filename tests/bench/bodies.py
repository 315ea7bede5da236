"""Request bodies signed before they are needed, so that the benchmark's clock does not run while its callers sign."""

from __future__ import annotations

import time
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode
from uuid import uuid4

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from exchange.protocol.compact import encode_segment
from exchange.protocol.request import TOKEN_EXCHANGE
from tests.world import ACCESS_TOKEN, LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.signers import Signer

SUBJECT_TOKENS = 200
"""Distinct subject tokens among a cell's requests: one user exchanges again and again, and nothing is one-time."""


LEDGER_BY_AUDIENCE = {"audience": LEDGER}


class Pen:
    """Signs for one signer by the bare primitives: a JOSE library takes four times as long, which matters at 50,000."""

    def __init__(self, signer: Signer) -> None:
        self.issuer = signer.issuer
        self._key: Any = signer.key.private_key
        self._header = encode_segment(orjson.dumps({"alg": signer.alg, "kid": signer.key.kid, "typ": "JWT"})) + b"."

    def sign(self, claims: dict[str, object]) -> bytes:
        """A compact JWS."""
        signing_input = self._header + encode_segment(orjson.dumps(claims))
        return signing_input + b"." + encode_segment(self._signature(signing_input))

    def _signature(self, signing_input: bytes) -> bytes:
        """RS256 or ES256, as JWS spells it (RFC 7518 sections 3.3, 3.4)."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(signing_input, padding.PKCS1v15(), SHA256())
        r, s = decode_dss_signature(self._key.sign(signing_input, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Exchanges:
    """Requests for exchanges: an assertion of its own for each, a subject token of the identity provider.

    ``target`` is what they ask for, as the endpoint wants it named.
    """

    def __init__(
        self, audience: str, backend: Signer, idp: Signer, target: Mapping[str, str] = LEDGER_BY_AUDIENCE
    ) -> None:
        self._audience = audience
        self._backend = Pen(backend)
        self._idp = Pen(idp)
        self._target = target

    def bodies(self, count: int, subjects: int = SUBJECT_TOKENS) -> Iterator[bytes]:
        """Bodies that are good for the next five minutes."""
        rest = [self.asking(self.token(sub=f"user-{number}")) for number in range(min(count, subjects))]
        for number in range(count):
            yield self.asserted(rest[number % len(rest)])

    def endless(self) -> Callable[[], bytes]:
        """A source of bodies that does not dry up, for one thread."""
        return chain.from_iterable(self.bodies(SUBJECT_TOKENS) for _ in repeat(None)).__next__

    def asking(self, subject_token: bytes, **more: str) -> bytes:
        """The parameters of an exchange of this token, without client credentials."""
        parameters = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": subject_token.decode(),
            "subject_token_type": ACCESS_TOKEN,
            "scope": "ledger.read ledger.write",
        }
        return urlencode({**parameters, **self._target, **more}).encode()

    def asserted(self, rest: bytes) -> bytes:
        """These parameters with an assertion of the client in front, never used before."""
        now, name = int(time.time()), self._backend.issuer
        claims = {"iss": name, "sub": name, "aud": self._audience, "iat": now, "exp": now + 290, "jti": str(uuid4())}
        return b"client_assertion_type=%s&client_assertion=%s&%s" % (_ASSERTION, self._backend.sign(claims), rest)

    def token(self, **changes: object) -> bytes:
        """A token of the identity provider."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self._idp.issuer,
            "sub": "user-0",
            "aud": self._audience,
            "iat": now,
            "exp": now + 3000,
            "jti": str(uuid4()),
            "scope": "settle:write reports:read",
            "tier": "gold",
        }
        return self._idp.sign(claims | changes)


_ASSERTION = quote_plus("urn:ietf:params:oauth:client-assertion-type:jwt-bearer").encode()
