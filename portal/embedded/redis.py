"""Redis from its wheel: one server on a socket in a private directory, with nothing on disk and no TCP.

Redis is never the source of truth here, so the embedded one forgets everything when it stops.
"""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from portal.embedded.addresses import REDIS_SOCKET, redis_url
from portal.embedded.processes import Program, service_environment

if TYPE_CHECKING:
    from pathlib import Path

    from portal.embedded.directories import Places

TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """One embedded server."""

    places: Places
    programs: Path
    log: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.places.sockets / REDIS_SOCKET

    def url(self, number: int = 0) -> str:
        """A connection URL for one of its databases."""
        return redis_url(self.places.sockets, number)

    def serving(self) -> Program:
        """The server itself. ``--port 0``: with a port, it would listen on every address of the machine."""
        private = ("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700")
        forgetful = ("--save", "", "--appendonly", "no", "--dir", str(self.places.sockets))
        return Program(
            name="redis",
            command=(str(self.programs / "redis-server"), *private, *forgetful, "--maxmemory", "256mb"),
            environment=service_environment(self.places.var),
            directory=self.places.sockets,
            log=self.log,
            account=self.places.account,
        )

    def is_ready(self) -> bool:
        """Whether it answers. Asked in its own words: the client library takes longer to load than Redis to start."""
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(TIMEOUT_SECONDS)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False
