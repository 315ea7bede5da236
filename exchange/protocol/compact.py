"""A JWS in compact form, taken apart and not yet believed (RFC 7515 section 7.1; RFC 8725bis section 3.14).

Exactly three parts, strict base64url without padding or stray bits, strict JSON. This prevents one token from having
several spellings, and a verifier from reading other bytes than the signer signed.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exchange.protocol.strict_json import NotStrictJson, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.raw import RawToken
    from policy.tokens import JSON

MAX_TOKEN_LENGTH: Final = 16_384
MAX_COMMON_HEADER: Final = 512
JWS_PARTS: Final = 3
JWE_PARTS: Final = 5
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""To the alphabet the decoder reads; what only that alphabet has becomes something it refuses."""

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST: Final = {0: frozenset(_ALPHABET), 2: frozenset(_ALPHABET[::16]), 3: frozenset(_ALPHABET[::4])}
"""The last characters, by the length of the segment modulo 4, whose surplus bits are zero."""

_PADDING: Final = (b"", b"===", b"==", b"=")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


class NotCompact(ValueError):
    """The text is not a well-formed compact JWS."""


class IsEncrypted(NotCompact):
    """The text has the five parts of a JWE: encryption is no signature (RFC 8725 section 3.3)."""


class CompactJws(Struct, frozen=True, kw_only=True):
    """The parts of an unverified token. Nothing here may be relied on before the signature was checked."""

    unverified_header: Mapping[str, JSON]
    unverified_claims: Mapping[str, JSON]
    signing_input: bytes
    signature: bytes


def encode_segment(raw: bytes) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes:
    """The bytes of a base64url segment. Raises ``NotCompact`` unless it is the one canonical spelling."""
    if segment and segment[-1] not in _LAST.get(len(segment) % 4, ()):
        raise NotCompact("not canonical base64url")
    try:
        return a2b_base64(segment.translate(_TO_STANDARD) + _PADDING[len(segment) % 4], strict_mode=True)
    except Base64Error as error:
        raise NotCompact("not base64url") from error


def _header(segment: bytes) -> Mapping[str, JSON]:
    return _common_header(segment) if len(segment) <= MAX_COMMON_HEADER else parse_object(decode_segment(segment))


@lru_cache(maxsize=1024)
def _common_header(segment: bytes) -> Mapping[str, JSON]:
    """One signer writes the same header over and over. Nothing of it is secret, and nobody can change the answer."""
    return MappingProxyType(parse_object(decode_segment(segment)))


def parse_compact(token: RawToken) -> CompactJws:
    """Take a token apart. Raises ``IsEncrypted`` for a JWE and ``NotCompact`` for anything else that is no JWS."""
    try:
        text = token.reveal().encode("ascii")
    except UnicodeEncodeError as error:
        raise NotCompact("not ASCII") from error
    parts = text.split(b".")
    if len(parts) == JWE_PARTS:
        raise IsEncrypted("five parts")
    if len(parts) != JWS_PARTS:
        raise NotCompact("not three parts")
    header, payload, signature = parts
    try:
        return CompactJws(
            unverified_header=_header(header),
            unverified_claims=parse_object(decode_segment(payload)),
            signing_input=text[: len(header) + 1 + len(payload)],
            signature=decode_segment(signature),
        )
    except NotStrictJson as error:
        raise NotCompact("not strict JSON") from error
