"""TCP ports for the servers of tests."""

from __future__ import annotations

import random
import socket
from typing import Final

BELOW_EPHEMERAL: Final = range(10_000, 32_000)
"""Where no system takes the port of an outgoing connection from: one found free here stays free until it is used."""


def free_port() -> int:
    """A port nobody listens on now, and nobody is likely to take before its server does."""
    while True:
        port = random.SystemRandom().choice(BELOW_EPHEMERAL)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
