"""A connection to one address that was checked before, under one deadline for everything (RFC 8725bis section 3.10).

The name is never resolved again, so an answer that changes between the check and the call (DNS rebinding) changes
nothing. Every read, write and handshake gets only the time that is left, so a server that drips one byte at a time
cannot hold the call longer than one that is silent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore

from exchange.addresses import Address, parse_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant of the monotonic clock, which no change of the wall clock moves."""

    ends_at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline this many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left. Raises ``httpcore.TimeoutException`` when none are."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("the total time is used up")
        return left


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the given addresses, in their order, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[Address], *, deadline: Deadline, connect_timeout: float) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._connect = Deadline.after(connect_timeout)
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was resolved and checked before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadlines rule
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the checked addresses that answers, within what is left of the deadline."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for tried, address in enumerate(self._addresses):
            share = min(self._connect.left(), self._deadline.left()) / (len(self._addresses) - tried)
            try:
                stream = self._sockets.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return BoundedStream(_of(stream, address), self._deadline)
        raise failure or httpcore.ConnectError("there is no address to connect to")


def _of(stream: httpcore.NetworkStream, address: Address) -> httpcore.NetworkStream:
    peer = parse_address(stream.get_extra_info("server_addr")[0])
    if peer != address:
        stream.close()
        raise httpcore.ConnectError("the connection reached another address than the one that was checked")
    return stream


class BoundedStream(httpcore.NetworkStream):
    """A stream whose every operation shares one deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read within the deadline, whatever the caller's own limit is."""
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write within the deadline."""
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Begin TLS within the deadline; the name, not the address, is what the certificate must show."""
        return BoundedStream(
            self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """What the connection underneath knows."""
        return self._stream.get_extra_info(info)
