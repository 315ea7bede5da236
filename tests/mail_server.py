"""A mail server of the tests' own: it speaks SMTP (RFC 5321) over a socket, and keeps what it takes."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """``refused`` are addresses it takes no mail for; ``hangs_up`` is whether it goes silent once it has a message."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.taken: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.hangs_up = False

    def settings(self) -> dict[str, Any]:
        """What Django needs to send through it."""
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": self.server_address[1],
            "EMAIL_TIMEOUT": 10,
        }


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail.meridian.example")
        for line in iter(self.rfile.readline, b""):
            command = line.decode().strip()
            verb = command.upper().partition(" ")[0]
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "DATA" and not self._take():
                return
            if verb == "RCPT" and any(address in command for address in self.server.refused):
                self._say("550 nobody here")
            elif verb != "DATA":
                self._say("250 ok")

    def _take(self) -> bool:
        self._say("354 go on")
        lines = list(iter(self.rfile.readline, b".\r\n"))
        self.server.taken.append(message_from_bytes(b"".join(lines), policy=policy.default))
        if self.server.hangs_up:
            return False
        self._say("250 taken")
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that listens on a port of its own."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
