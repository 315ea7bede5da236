"""The authorities that a partner's client certificates chain to: which we take, in one form (RFC 8705 s2.1).

Anchors are the partner's own, registered here; the authorities that browsers trust certify anybody, so none is implied.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

MAX_ANCHORS: Final = 16
MAX_LENGTH: Final = 65_536


class AnchorsRefused(ValueError):
    """The text is no set of trust anchors we can use. The message says why, without repeating it."""


def accept_anchors(text: str) -> str:
    """The anchors in the one form they are stored in: PEM, nothing around it. Raises ``AnchorsRefused``."""
    if "PRIVATE KEY" in text:
        raise AnchorsRefused("It holds a private key, which nobody else may have: replace that key.")
    if len(text) > MAX_LENGTH:
        raise AnchorsRefused(f"It is longer than {MAX_LENGTH} characters.")
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
        are_authorities = all(_is_authority(certificate) for certificate in certificates)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AnchorsRefused("It is no list of PEM certificates.") from error
    if len(certificates) > MAX_ANCHORS:
        raise AnchorsRefused(f"It holds more than {MAX_ANCHORS} certificates.")
    if not are_authorities:
        raise AnchorsRefused("It holds a certificate that is not an authority's (basicConstraints CA).")
    return "".join(sorted({c.public_bytes(Encoding.PEM).decode("ascii") for c in certificates}))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
