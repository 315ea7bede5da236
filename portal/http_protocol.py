"""HTTP/1.1 for uvicorn, by httptools, for callers that offer another protocol: they are answered in this one.

``curl --http2`` and Java's ``HttpClient`` send ``Upgrade: h2c`` with a plain request. A server may ignore that (RFC
9110 section 7.8). httptools leaves the rest of the connection to the other protocol, though, and hands nobody the
request's body: a form would arrive empty. So the head is read again without the offer, and after it what follows.

uvicorn takes an answer in two messages and writes it in two pieces: two system calls, two packets, and a caller that is
woken twice. The exchange's own answers leave at once (``exchange.wire``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from exchange.wire import DIRECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn._types import ASGI3Application

_INVALID: Final = "Invalid HTTP request received."


class AtOnce:
    """The short way for one request (``exchange.wire.Direct``): its body if it is there, its answer in one piece."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        """What ``receive`` would hand on, if that is the whole body and nobody waits to be told to send it."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Do what ``send`` does with a start and a body, in one write. Raises ``ValueError`` for a field of two lines.

        A field that holds a line break would be two fields, or another answer (CWE-113).
        """
        cycle = self._cycle
        if cycle.response_started or cycle.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        fields = [*cycle.default_headers, *headers]
        if not cycle.keep_alive:
            fields.append((b"connection", b"close"))
        head = STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % field for field in fields])
        if not head.count(b"\r") == head.count(b"\n") == len(fields) + 1:
            raise ValueError("a line break in a header field")
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(head + b"\r\n" + (b"" if cycle.scope["method"] == "HEAD" else body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class Http11Protocol(HttpToolsProtocol):
    """One connection. Neither WebSocket nor HTTP/2 is spoken here."""

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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Offer the short way; not where each answer is to be logged, which only ASGI's does."""
        if not cycle.access_log:
            cycle.scope["extensions"] = {DIRECT: AtOnce(cycle)}  # type: ignore[dict-item]  # ours, and no dictionary
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """The request is whole, unless it is read again."""
        if not self._is_offer:
            super().on_message_complete()
