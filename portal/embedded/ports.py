"""The TCP ports of the demo, looked at before anything starts."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from typing import Final

from portal.embedded.refusals import CannotStart

HOST: Final = "127.0.0.1"
HIGHEST: Final = 65_535
PROBE_SECONDS: Final = 2.0


def refuse_unusable(port: int, *, taken_by: str = "another program") -> None:
    """Raises ``CannotStart`` when a server of ours could not listen there."""
    if not 1 <= port <= HIGHEST:
        raise CannotStart(f"{port} is not a port: choose one from 1 to {HIGHEST}, for example `make run PORT=8100`.")
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(f"Port {port} needs root: choose another, for example `make run PORT=8100`.") from None
        except OSError:
            raise CannotStart(
                f"Port {port} is taken by {taken_by}: choose another, for example `make run PORT={_another(port)}`."
            ) from None


def answers_ok(port: int, path: str) -> bool:
    """Whether a server of ours on this machine answers 200. Loopback only: nothing here goes out to a network."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=PROBE_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _another(port: int) -> int:
    return port + 100 if port + 101 <= HIGHEST else 8100
