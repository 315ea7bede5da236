"""Keys that are the same in every run, and tokens spelled as a fuzzer asks: so that what it found can be run again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from exchange.protocol.compact import encode_segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.signers import Key

NOW: Final = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
SECONDS: Final = int(NOW.timestamp())
AS_IT_STANDS: Final = b"="
"""Begins an input that is a token already; any other is header, claims and perhaps a signature, on three lines."""


def private_key(name: str) -> Any:
    """The P-256 key of this name."""
    return derive_private_key(int.from_bytes(sha256(name.encode()).digest()), SECP256R1())


def _keys() -> dict[str, Key]:
    edwards = Ed25519PrivateKey.from_private_bytes(sha256(b"fuzz edwards").digest())
    forms = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    elliptic = private_key("fuzz elliptic").private_bytes(*forms)
    return {
        "ES256": ECKey.import_key(elliptic, {"kid": "elliptic", "alg": "ES256", "use": "sig"}),
        "Ed25519": OKPKey.import_key(edwards.private_bytes(*forms), {"kid": "edwards", "alg": "Ed25519", "use": "sig"}),
    }


KEYS: Final = _keys()


class Spelled(NamedTuple):
    """A token as an input spells it, and whether one of our keys signed it just now."""

    text: str
    is_signed: bool


def spell(data: bytes) -> Spelled:
    """The token that an input describes."""
    if data.startswith(AS_IT_STANDS):
        return Spelled(data[len(AS_IT_STANDS) :].decode("latin-1"), is_signed=False)
    header, claims, *given = data.split(b"\n", 2)[:3] if data.count(b"\n") else (data, b"")
    signing_input = encode_segment(header) + b"." + encode_segment(claims)
    signature = given[0] if given and given[0] else _signature(header, signing_input)
    text = b".".join((signing_input, encode_segment(signature))).decode("ascii")
    return Spelled(text, is_signed=not given or not given[0])


def _signature(header: bytes, signing_input: bytes) -> bytes:
    """By the key that the header seems to name: every header can be one that was signed."""
    algorithm = "Ed25519" if b"Ed" in header else "ES256"
    return JWSRegistry.algorithms[algorithm].sign(signing_input, KEYS[algorithm])


def signing_input(text: str) -> str:
    """What a token's signature is over."""
    return text.rpartition(".")[0]


def described(header: dict[str, Any], claims: dict[str, Any]) -> bytes:
    """The input that describes a token with these members, really signed."""
    return json.dumps(header).encode() + b"\n" + json.dumps(claims).encode()


def both_spellings(descriptions: Iterable[bytes]) -> list[bytes]:
    """Each description, and the token that it describes as it stands."""
    return [spelling for data in descriptions for spelling in (data, AS_IT_STANDS + spell(data).text.encode())]
