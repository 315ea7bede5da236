"""The client certificate of the TLS connection, as the proxy in front of us tells it (RFC 9440 section 2).

Nothing in it is believed here: whether the field came from a proxy of ours is ``exchange.caller``'s question, whether
the certificate authenticates a client that of ``exchange.certificates``.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from exchange.protocol.compact import encode_segment
from exchange.protocol.errors import OAuthError, refusal
from policy.reasons import Reason, Rule

MAX_FIELD_LENGTH: Final = 65_536
MAX_CHAIN: Final = 8
_FEWEST: Final = len("::")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The certificate that the caller holds the key of, its chain, and its thumbprint (RFC 8705 section 3.1)."""

    der: bytes
    chain: tuple[bytes, ...]
    thumbprint: str


def read_certificate(certificates: tuple[str, ...], chains: tuple[str, ...]) -> ClientCertificate | None:
    """The certificate in the fields of a request, or None where there is none.

    ``certificates`` are the values of ``Client-Cert``, ``chains`` those of ``Client-Cert-Chain``, which are one list
    however often the field is repeated (RFC 8941 section 4.2). Raises ``MalformedCertificate`` (rule 93).
    """
    if not certificates and not chains:
        return None
    if len(certificates) != 1:
        raise _malformed("one Client-Cert field", str(len(certificates)))
    if len(certificates[0]) + sum(map(len, chains)) > MAX_FIELD_LENGTH:
        raise _malformed(f"at most {MAX_FIELD_LENGTH} characters", "more")
    return _read(certificates[0], ",".join(chains))


@lru_cache(maxsize=1024)
def _read(certificate: str, chain: str) -> ClientCertificate:
    """Read once: a client sends the same certificate with each of its requests."""
    members = chain.split(",") if chain else []
    if len(members) > MAX_CHAIN:
        raise _malformed(f"at most {MAX_CHAIN} certificates in Client-Cert-Chain", str(len(members)))
    der = _bytes(certificate)
    thumbprint = encode_segment(sha256(der).digest()).decode("ascii")
    return ClientCertificate(der=der, chain=tuple(_bytes(member) for member in members), thumbprint=thumbprint)


def _bytes(item: str) -> bytes:
    """A structured-field byte sequence without parameters, of which RFC 9440 knows none (RFC 8941 section 3.3.5)."""
    text = item.strip(" \t")
    if len(text) <= _FEWEST or text[0] != ":" or text[-1] != ":":
        raise _malformed("a byte sequence between colons", "something else")
    try:
        return b64decode(text[1:-1], validate=True)
    except (Base64Error, ValueError) as error:
        raise _malformed("a byte sequence in base64", "something else") from error


def _malformed(expected: str, received: str) -> OAuthError:
    return refusal(Reason.CERTIFICATE_MALFORMED, Rule.REQUEST, expected, received)
