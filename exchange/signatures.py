"""JWS signatures by the primitives themselves (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1).

joserfc imports and checks the keys; the arithmetic is the same library's under both (docs/decisions/0011). A signature
of another length than its algorithm's is refused before any arithmetic, so that each has one spelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[bytes, bytes], bool]
    """Whether a signature, the second argument, is one over the first."""

_HASHES: Final = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_ECDSA: Final = {f"ES{bits}": ec.ECDSA(hashed) for bits, hashed in _HASHES.items()}


def check_with(algorithm: str, key: Any) -> Check:  # noqa: ANN401 - any of the library's public keys
    """How signatures of this algorithm are checked with this public key, which fits the algorithm."""
    family, hashed = algorithm[:2], _HASHES.get(algorithm[2:])
    if family == "ES":
        return _elliptic(key, _ECDSA[algorithm], (key.key_size + 7) // 8)
    if family == "RS":
        return _raising(lambda message, signature: key.verify(signature, message, padding.PKCS1v15(), hashed))
    if family == "PS":
        assert hashed is not None
        scheme = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
        return _raising(lambda message, signature: key.verify(signature, message, scheme, hashed))
    return _raising(lambda message, signature: key.verify(signature, message))


def _raising(verify: Callable[[bytes, bytes], None]) -> Check:
    def check(message: bytes, signature: bytes) -> bool:
        try:
            verify(message, signature)
        except InvalidSignature:
            return False
        return True

    return check


def _elliptic(key: ec.EllipticCurvePublicKey, scheme: ec.ECDSA, size: int) -> Check:
    """JWS spells the two numbers one after the other, the library as DER (RFC 7518 section 3.4)."""

    def check(message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        try:
            key.verify(encode_dss_signature(r, s), message, scheme)
        except InvalidSignature:
            return False
        return True

    return check


def sign_es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The ES256 signature over a message, 64 bytes (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(key.sign(message, _ECDSA["ES256"]))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
