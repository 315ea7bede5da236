"""HTTP/1.1 for uvicorn, by httptools, for callers that offer another protocol: they are answered in this one.

``curl --http2`` and Java's ``HttpClient`` send ``Upgrade: h2c`` with a plain request. A server may ignore that (RFC
9110 section 7.8). httptools leaves the rest of the connection to the other protocol, though, and hands nobody the
request's body: a form would arrive empty. So the head is read again without the offer, and after it what follows.

uvicorn writes the head of an answer, then its body: two system calls, two packets, and a caller that is woken twice.
Here they leave together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_INVALID: Final = "Invalid HTTP request received."


class HeadWithBody:
    """A transport that keeps one piece for what follows it in the same pass of the loop, so that both leave at once.

    Never more than one: what is written faster than it leaves stays under the transport's own flow control.
    """

    def __init__(self, transport: asyncio.Transport, later: Callable[[Callable[[], None]], object]) -> None:
        self._transport = transport
        self._later = later
        self._kept = b""

    def write(self, data: bytes) -> None:
        """Write what was kept and this, or keep this until the pass is over."""
        if self._kept:
            data, self._kept = self._kept + data, b""
            self._transport.write(data)
        else:
            self._kept = data
            self._later(self._flush)

    def _flush(self) -> None:
        kept, self._kept = self._kept, b""
        if kept and not self._transport.is_closing():
            self._transport.write(kept)

    def close(self) -> None:
        """Write what was kept, then close."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport has
        return getattr(self._transport, name)


class Http11Protocol(HttpToolsProtocol):
    """One connection. Neither WebSocket nor HTTP/2 is spoken here."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Answer by a transport that sends a head with its body."""
        super().connection_made(HeadWithBody(transport, self.loop.call_soon))  # type: ignore[arg-type]

    _is_offer = False
    """The head that was read last offers another protocol: its request is not answered but read again."""
    _start_line = b""

    def data_received(self, data: bytes) -> None:
        """Read what came; behind an offer, by a new parser."""
        self._unset_keepalive_if_required()
        try:
            while (rest := self._read(data)) is not None:
                data = rest
        except HttpParserError:
            self.logger.warning(_INVALID)
            self.send_400_response(_INVALID)

    def _read(self, data: bytes) -> bytes | None:
        """Feed the parser. What is to be read anew, if it stopped at an offer; raises ``HttpParserError``."""
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as stopped:
            if self._is_offer:
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
                return self._head_without_offer() + data[stopped.args[0] :]
        return None

    def _head_without_offer(self) -> bytes:
        """The head as it was read, but for the ``Upgrade`` field."""
        fields = (b"%b: %b" % field for field in self.headers if field[0] != b"upgrade")
        return b"\r\n".join((self._start_line, *fields, b"", b""))

    def on_headers_complete(self) -> None:
        """Answer the request, unless it is read again. CONNECT is no offer: nothing of it could be left out."""
        method = self.parser.get_method()
        self._is_offer = self.parser.should_upgrade() and method != b"CONNECT"
        if self._is_offer:
            self._start_line = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole, unless it is read again."""
        if not self._is_offer:
            super().on_message_complete()
