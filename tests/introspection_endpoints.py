"""An issuer of opaque tokens: it signs nothing, and says over HTTP what its tokens are (RFC 7662)."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64decode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER = "https://sessions.kestrel.example"


@dataclass
class Endpoint:
    """The endpoint, the tokens it knows, and what it was asked. ``fault`` answers instead while it is set."""

    issuer: str = ISSUER
    client_id: str = "meridian at kestrel"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24) + "+%:/")
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    fault: Callable[[BaseHTTPRequestHandler], None] | None = None
    stopping: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/introspect"

    def token(self, audience: Any, **changes: Any) -> str:
        """A new opaque token, good for five minutes; members of the answer changed to None are left out."""
        text, now = secrets.token_urlsafe(32), int(time.time())
        answer = {
            "active": True,
            "iss": self.issuer,
            "sub": "session-1",
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_hex(8),
            "token_type": "Bearer",
            "client_id": "kestrel-app",
            "scope": "settle:write reports:read",
            "tier": "gold",
        } | changes
        self.known[text] = {name: value for name, value in answer.items() if value is not None}
        return text

    def start(self) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.answer(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        with self._lock:
            self.asked.append(body)
        if self.fault is not None:
            self.fault(handler)
        elif self._credentials(handler) != (self.client_id, self.secret):
            say(handler, {"error": "invalid_client"}, status=401)
        else:
            say(handler, self.known.get(body["token"][0], {"active": False}))

    def _credentials(self, handler: BaseHTTPRequestHandler) -> tuple[str, str]:
        """RFC 6749 section 2.3.1: each half is form-decoded."""
        encoded = handler.headers.get("Authorization", "").removeprefix("Basic ")
        name, _, secret = b64decode(encoded).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)


def say(
    handler: BaseHTTPRequestHandler,
    body: object,
    *,
    status: int = 200,
    kind: str = "application/json",
    location: str = "",
) -> None:
    """One answer."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(text)))
    if location:
        handler.send_header("Location", location)
    handler.end_headers()
    handler.wfile.write(text)
