"""The organisation's OpenID provider: what it publishes about itself, and its answers, through the guarded client."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from exchange import outbound
from exchange.discovery import DocumentRefused, document_of
from exchange.keyring import KeyRing, key_ring
from exchange.messages import Message
from exchange.outbound import OutboundError
from partners.keysets import KeySetRefused, examine_jwks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.tokens import JSON

WELL_KNOWN: Final = "/.well-known/openid-configuration"
KNOWN_FOR: Final = timedelta(minutes=5)


class Unusable(Exception):
    """The provider gave no answer that can be used. The message says what happened; it is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are at the provider."""

    issuer: str
    client_id: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where the provider's endpoints are, and the keys it signs with."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    names_itself: bool
    """Whether each answer in the browser carries ``iss`` (RFC 9207 section 3)."""
    keys: KeyRing
    read_at: datetime


_known: dict[str, Provider] = {}


def provider(issuer: str, *, anew: bool = False) -> Provider:
    """The provider as it describes itself, read again after five minutes or when asked. Raises ``Unusable``."""
    known = _known.get(issuer)
    if known is None or anew or datetime.now(UTC) - known.read_at > KNOWN_FOR:
        known = _known[issuer] = _read(issuer)
    return known


def redeem(client: Client, known: Provider, form: Mapping[str, str]) -> dict[str, JSON]:
    """The token endpoint's answer to a code (RFC 6749 section 4.1.3). Raises ``Unusable``."""
    basic = b64encode(f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}".encode()).decode()
    message = Message.form(urlencode(form).encode(), authorization=f"Basic {basic}")
    try:
        return document_of(outbound.client().post(known.token_endpoint, message, source=token_hex(8)))
    except (OutboundError, DocumentRefused) as error:
        raise Unusable(str(error)) from error


def _read(issuer: str) -> Provider:
    try:
        metadata = _document(issuer + WELL_KNOWN)
        if metadata.get("issuer") != issuer:
            raise Unusable("its discovery document names another issuer")
        endpoints = {name: _endpoint(metadata, name) for name in ("authorization_endpoint", "token_endpoint")}
        examined = examine_jwks(_document(_endpoint(metadata, "jwks_uri")))
    except (OutboundError, DocumentRefused, KeySetRefused) as error:
        raise Unusable(str(error)) from error
    return Provider(
        issuer=issuer,
        **endpoints,
        names_itself=metadata.get("authorization_response_iss_parameter_supported") is True,
        keys=key_ring(examined.keys, is_fetched=True, usable_until=None),
        read_at=datetime.now(UTC),
    )


def _document(url: str) -> dict[str, JSON]:
    return document_of(outbound.client().get(url, source=token_hex(8)))


def _endpoint(metadata: Mapping[str, JSON], name: str) -> str:
    value = metadata.get(name)
    if not isinstance(value, str) or not value:
        raise Unusable(f"its discovery document has no {name}")
    outbound.origin(value)
    return value
