"""The one guarded HTTP client: whatever Handover fetches from the outside is fetched here, and nowhere else.

Where to is partly a partner's word (a key set's address, a discovery document), so every call is treated as an attempt
to reach an inside host (RFC 8725bis section 3.10, RFC 9700 section 4.12; CWE-918): https and port 443 only, every
resolved address checked against our own table, the connection pinned to it, no redirect, no proxy, bounded in time,
size and number. ``HANDOVER_OUTBOUND_ALLOW`` names the networks an operator vouches for.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

import httpcore
from django.conf import settings

from exchange.addresses import Address, denial, is_allowed, parse_address
from exchange.breakers import Gate, NotAdmitted
from exchange.caching import max_age, usable_etag
from exchange.messages import Message
from exchange.pinned import Deadline, PinnedBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    Resolver = Callable[[str, int], Sequence[str]]

USER_AGENT: Final = "Handover/1"
HTTPS_PORT: Final = 443
HIGHEST_PORT: Final = 65535
MAX_URL_LENGTH: Final = 2048
MAX_ADDRESSES_TRIED: Final = 4
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>/[!$-;=?-\[\]_a-z~]*)?",
    re.IGNORECASE | re.ASCII,
)


class OutboundError(Exception):
    """A call did not give a usable answer. The message says what happened, why, and what to do."""


class OutboundRefused(OutboundError):
    """Our rules forbid this call; nothing was sent. Trying again does not help, another address does."""


class OutboundFailed(OutboundError):
    """The other side, the network or a limit ended the call. ``status`` is its answer's, if it gave one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call may take: seconds to connect, seconds in all, bytes of body, bytes of header fields."""

    connect: float = 3.0
    total: float = 5.0
    body: int = 256 * 1024
    headers: int = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A complete answer (200), or the word that nothing changed (304). What the body means is the caller's question."""

    body: bytes
    media_type: str
    etag: str
    max_age: timedelta | None
    is_unchanged: bool
    certificate_ends_at: datetime | None = None
    """When the certificate that answered ends; None where it was plain HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Destination:
    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        standard = HTTPS_PORT if self.scheme == "https" else 80
        return self.host if self.port == standard else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def origin(url: str) -> str:
    """The origin of an address (RFC 6454), host in lower case, standard port left out. Raises ``OutboundRefused``."""
    return _parse(url).origin


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses the operating system's resolver knows for a name. Raises ``OSError``."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@cache
def client() -> Outbound:
    """The client of this process; its gate is what bounds the process as a whole."""
    return Outbound()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A client with its own resolver, trust anchors, limits and gate."""

    resolve: Resolver = system_resolver
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    limits: Limits = field(default_factory=Limits)
    gate: Gate = field(default_factory=Gate)

    def get(self, url: str, *, source: str, etag: str = "") -> Fetched:
        """Fetch ``url`` for ``source`` (one call at a time each). With ``etag``, the answer may be "unchanged".

        Blocks up to the total limit: on an event loop call it in a thread. Raises ``OutboundRefused`` and
        ``OutboundFailed``.
        """
        known = usable_etag(etag)
        return self._send(url, Message(fields={"If-None-Match": known} if known else {}), source)

    def post(self, url: str, message: Message, *, source: str) -> Fetched:
        """Send ``message`` for ``source`` (one call at a time each); the answer to a question is never "unchanged".

        Blocks and raises as ``get`` does.
        """
        return self._send(url, message, source)

    def _send(self, url: str, message: Message, source: str) -> Fetched:
        destination = _parse(url)
        deadline = Deadline.after(self.limits.total)
        try:
            with self.gate.admit(source, destination.origin, patience=self.limits.total):
                return self._counted(destination, message, deadline)
        except NotAdmitted as error:
            raise OutboundFailed(f"{destination.origin} was not called: {error}. It is tried again later.") from error

    def _counted(self, destination: _Destination, message: Message, deadline: Deadline) -> Fetched:
        try:
            fetched = self._fetch(destination, message, deadline)
        except OutboundFailed as error:
            if error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self.gate.failed(destination.origin)
            raise
        self.gate.answered(destination.origin)
        return fetched

    def _fetch(self, destination: _Destination, message: Message, deadline: Deadline) -> Fetched:
        origin = destination.origin
        try:
            addresses = _checked(destination, self._addresses(destination, deadline))
            backend = PinnedBackend(addresses, deadline=deadline, connect_timeout=self.limits.connect)
            with httpcore.ConnectionPool(ssl_context=self.tls, network_backend=backend, max_connections=1) as pool:
                return self._call(pool, destination, message)
        except httpcore.TimeoutException as error:
            raise OutboundFailed(f"{origin} did not answer completely within {self.limits.total:g} seconds.") from error
        except httpcore.ConnectError as error:
            raise OutboundFailed(f"No connection to {origin}: {_tls_fault(error)}.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise OutboundFailed(f"{origin} broke off, or did not speak HTTP/1.1.") from error

    def _addresses(self, destination: _Destination, deadline: Deadline) -> Sequence[str]:
        """Resolve once, in a thread of its own, because the system's resolver knows no deadline."""
        answers: SimpleQueue[Sequence[str]] = SimpleQueue()

        def resolve() -> None:
            try:
                answers.put(self.resolve(destination.host.strip("[]"), destination.port))
            except (OSError, UnicodeError):
                answers.put(())

        Thread(target=resolve, name="resolve", daemon=True).start()
        try:
            return answers.get(timeout=deadline.left())
        except Empty:
            return ()

    def _call(self, pool: httpcore.ConnectionPool, destination: _Destination, message: Message) -> Fetched:
        headers = {"Host": destination.authority, "User-Agent": USER_AGENT, "Accept": "application/json"}
        headers |= {"Accept-Encoding": "identity", "Connection": "close", **message.fields}
        url = httpcore.URL(
            scheme=destination.scheme,
            host=destination.host.strip("[]"),
            port=destination.port,
            target=destination.target,
        )
        content = message.content or None
        with pool.stream(message.method, url, headers=list(headers.items()), content=content) as response:
            return self._read(response, destination.origin, is_conditional=message.is_conditional)

    def _read(self, response: httpcore.Response, origin: str, *, is_conditional: bool) -> Fetched:
        if sum(len(name) + len(value) for name, value in response.headers) > self.limits.headers:
            raise OutboundFailed(
                f"{origin} sent more than {self.limits.headers} bytes of header fields.", status=HTTPStatus.OK
            )
        fields = {name.lower().decode("ascii"): value.decode("latin-1") for name, value in response.headers}
        is_unchanged = response.status == HTTPStatus.NOT_MODIFIED and is_conditional
        if not is_unchanged:
            _check_status(response.status, origin)
            _check_encoding(fields.get("content-encoding", "identity"), origin)
        return Fetched(
            body=b"" if is_unchanged else self._body(response, origin),
            media_type=fields.get("content-type", "").partition(";")[0].strip().lower(),
            etag=usable_etag(fields.get("etag", "")),
            max_age=max_age(fields.get("cache-control", "")),
            is_unchanged=is_unchanged,
            certificate_ends_at=_certificate_end(response),
        )

    def _body(self, response: httpcore.Response, origin: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > self.limits.body:
                raise OutboundFailed(f"{origin} sent more than {self.limits.body // 1024} KiB.", status=HTTPStatus.OK)
        return bytes(body)


def _parse(url: str) -> _Destination:
    parts = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if parts is None or int(parts["port"] or 1) > HIGHEST_PORT:
        raise OutboundRefused(
            "The address is not one that is called: use https://host/path, in ASCII, without user, fragment or spaces."
        )
    scheme = parts["scheme"].lower()
    port = int(parts["port"] or (HTTPS_PORT if scheme == "https" else 80))
    return _Destination(scheme=scheme, host=parts["host"].lower(), port=port, target=parts["target"] or "/")


def _checked(destination: _Destination, answers: Sequence[str]) -> Sequence[Address]:
    """The addresses to connect to. All must pass: one bad address among good ones refuses the name (A20)."""
    if not answers:
        raise OutboundFailed(f"The name of {destination.origin} was not resolved. Check the address and the DNS.")
    addresses = list(dict.fromkeys(parse_address(answer) for answer in answers))
    for address in addresses:
        if is_allowed(address, settings.HANDOVER.outbound_allow):
            continue
        problem = _problem(destination, address)
        if problem:
            raise OutboundRefused(
                f"{destination.origin} was not called: {problem}. Use a public https address on port 443, "
                "or add its network to HANDOVER_OUTBOUND_ALLOW."
            )
    return addresses[:MAX_ADDRESSES_TRIED]


def _problem(destination: _Destination, address: Address) -> str:
    special = denial(address)
    if special:
        return f"its name leads to {special}"
    if destination.scheme != "https":
        return "it does not use https"
    return "" if destination.port == HTTPS_PORT else "its port is not 443"


def _certificate_end(response: httpcore.Response) -> datetime | None:
    connection = response.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = connection.getpeercert() if connection is not None else None
    if not certificate:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


def _check_status(status: int, origin: str) -> None:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise OutboundFailed(f"{origin} redirects. Redirects are never followed: register its target.", status=status)
    if status != HTTPStatus.OK:
        raise OutboundFailed(f"{origin} answered with status {status}.", status=status)


def _check_encoding(encoding: str, origin: str) -> None:
    if encoding.strip().lower() != "identity":
        raise OutboundFailed(f"{origin} sent a compressed answer although none is accepted.", status=HTTPStatus.OK)


def _tls_fault(error: httpcore.ConnectError) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "its certificate was not accepted; private authorities belong into the system's certificate store"
    return "TLS was not agreed on" if isinstance(cause, ssl.SSLError) else "it was refused or unreachable"
