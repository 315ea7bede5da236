"""What ``manage.py`` uses when no database is named: the embedded installation that ``make run`` keeps running."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded.addresses import POSTGRES_SOCKET
from portal.embedded.installation import recall, state_directory, variables
from portal.embedded.refusals import CannotStart

if TYPE_CHECKING:
    from collections.abc import Mapping

STORES: Final = ("DATABASE_URL", "REDIS_URL")


def is_embedded(environ: Mapping[str, str]) -> bool:
    """Whether the embedded services are meant. Raises ``CannotStart`` when only one of the two stores is named."""
    named = [name for name in STORES if environ.get(name)]
    if len(named) == 1:
        missing = next(name for name in STORES if name not in named)
        raise CannotStart(f"{named[0]} is set and {missing} is not: set both, or neither for the embedded services.")
    return not named


def adopt() -> None:
    """Point this process at the running installation. Raises ``CannotStart`` when it does not run.

    Variables that are set already stay as they are.
    """
    var = state_directory()
    memory = recall(var)
    if memory is None or not _answers(Path(memory.sockets) / POSTGRES_SOCKET):
        raise CannotStart(
            "Handover is not running here: start it with `make run`,"
            " or set DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL."
        )
    for name, value in variables(var, memory).items():
        os.environ.setdefault(name, value)


def _answers(path: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True
