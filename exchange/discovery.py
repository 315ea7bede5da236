"""What an issuer publishes about itself: where its keys are, and the keys (RFC 8414 section 3, RFC 7517 section 5).

OpenID Connect Discovery section 4 is the same document at another place. Nothing in either is believed beyond the
question that was asked: the issuer must be the one that was configured, byte for byte, and the keys come from its own
origin or from an address an admin has seen (ASVS 10.5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exchange.outbound import OutboundFailed, origin
from exchange.protocol.strict_json import parse_object
from partners.key_sources import Answer
from partners.keysets import examine_jwks
from partners.states import KeyMethod

if TYPE_CHECKING:
    from exchange.outbound import Fetched, Outbound
    from partners.key_sources import Claim
    from policy.tokens import JSON

MAX_DEPTH: Final = 10
MAX_URI: Final = 512


class DocumentRefused(ValueError):
    """An answer came, but it is not a document we can believe. The message says why and what to do."""


class AddressUnconfirmed(DocumentRefused):
    """The keys are at another origin than the issuer. An admin must confirm ``jwks_uri`` before it is called."""

    def __init__(self, jwks_uri: str) -> None:
        super().__init__(
            "The issuer publishes its keys at another origin. Confirm that address, or correct the issuer."
        )
        self.jwks_uri = jwks_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class _Location:
    jwks_uri: str
    proposed_uri: str = ""


def fetch_keys(http: Outbound, claimed: Claim, *, rediscovers: bool) -> Answer:
    """The source's key set as published now; the discovery document is read again only when ``rediscovers``.

    Raises ``OutboundError`` (no usable answer), ``DocumentRefused`` and ``KeySetRefused`` (one we do not believe).
    """
    place = _locate(http, claimed, rediscovers=rediscovers)
    etag = claimed.etag if place.jwks_uri == claimed.jwks_uri else ""
    fetched = http.get(place.jwks_uri, source=str(claimed.id), etag=etag)
    examined = None if fetched.is_unchanged else examine_jwks(document_of(fetched))
    return Answer(
        keys=None if examined is None else examined.keys,
        left_out=() if examined is None else examined.left_out,
        jwks_uri=place.jwks_uri,
        proposed_uri=place.proposed_uri,
        etag=fetched.etag,
        max_age=fetched.max_age,
    )


def _locate(http: Outbound, claimed: Claim, *, rediscovers: bool) -> _Location:
    if claimed.method == KeyMethod.JWKS_URI:
        return _Location(jwks_uri=claimed.location)
    if claimed.jwks_uri and not rediscovers:
        return _Location(jwks_uri=claimed.jwks_uri)
    published = published_uri(metadata_of(http, claimed), claimed.location)
    if not claimed.jwks_uri:
        if origin(published) != origin(claimed.location):
            raise AddressUnconfirmed(published)
        return _Location(jwks_uri=published)
    return _Location(jwks_uri=claimed.jwks_uri, proposed_uri="" if published == claimed.jwks_uri else published)


def metadata_of(http: Outbound, claimed: Claim) -> dict[str, JSON]:
    """The discovery document, at OpenID's place or, when that one gives no such document, at RFC 8414's."""
    return answered_metadata(http, claimed, source=str(claimed.id))[0]


def answered_metadata(http: Outbound, claimed: Claim, *, source: str) -> tuple[dict[str, JSON], Fetched]:
    """The same with the answer it came in; ``source`` makes one call at a time."""
    openid, oauth = _well_known(claimed.location)
    try:
        answer = http.get(openid, source=source)
        return document_of(answer), answer
    except OutboundFailed as error:
        if error.status is None:
            raise
    except DocumentRefused:
        pass
    answer = http.get(oauth, source=source)
    return document_of(answer), answer


def _well_known(issuer: str) -> tuple[str, str]:
    parts = urlsplit(issuer)
    path = parts.path.removesuffix("/")
    base = f"{parts.scheme}://{parts.netloc}"
    return f"{base}{path}/.well-known/openid-configuration", f"{base}/.well-known/oauth-authorization-server{path}"


def published_uri(metadata: dict[str, JSON], issuer: str) -> str:
    """Where the issuer says that its keys are. Raises ``DocumentRefused``, and ``OutboundRefused`` for no address."""
    if metadata.get("issuer") != issuer:
        raise DocumentRefused(
            "The discovery document names another issuer. Register the issuer exactly as it names it."
        )
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str) or len(jwks_uri) > MAX_URI:
        raise DocumentRefused(
            "The discovery document names no usable jwks_uri. Use the address of the key set instead."
        )
    origin(jwks_uri)
    return jwks_uri


def document_of(fetched: Fetched) -> dict[str, JSON]:
    """The JSON object in an answer. Raises ``DocumentRefused``."""
    if fetched.media_type != "application/json" and not fetched.media_type.endswith("+json"):
        raise DocumentRefused("The answer is not JSON by its Content-Type. Check that the address is the right one.")
    try:
        document = parse_object(fetched.body)
    except ValueError as error:
        raise DocumentRefused(f"The answer is not usable JSON: {error}.") from error
    if b"\\u0000" in fetched.body or _depth(document) > MAX_DEPTH:
        raise DocumentRefused(f"The answer is nested more than {MAX_DEPTH} deep, or holds a NUL character.")
    return document


def _depth(value: JSON) -> int:
    """Levels of nesting; the parser has bounded them before."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)
