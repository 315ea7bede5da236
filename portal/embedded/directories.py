"""Where the embedded services keep their data and their sockets: under ``var``, or under the temporary folder.

The temporary folder takes over what cannot be under ``var``: sockets when the path is too long or unusual for one, and
the data too when the service account cannot reach ``var`` (a checkout inside root's home). Nothing is opened up for it.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded.addresses import POSTGRES_SOCKET
from portal.embedded.refusals import CannotStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.embedded.accounts import Account

LONGEST_SOCKET_PATH: Final = 107
"""``sun_path`` of unix(7) holds 108 bytes with its closing zero."""


PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._+~-]+")
"""What every client can carry: libpq takes a comma for a list of hosts, and broker URLs do not agree on quoting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are, and whose. ``temporary`` is our directory under the temporary folder, if one was needed."""

    var: Path
    account: Account
    data: Path
    sockets: Path
    temporary: Path | None


def fits_a_socket(directory: Path) -> bool:
    """Whether PostgreSQL and Redis can have their sockets in this directory, and every client can name them."""
    path = f"{directory}/{POSTGRES_SOCKET}"
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(path) is not None


def make_var(var: Path, account: Account) -> None:
    """The state directory: for its owner alone, and for root passable (not readable) for the service account.

    Raises ``CannotStart`` when it cannot be ours.
    """
    try:
        var.mkdir(parents=True, exist_ok=True)
        if var.stat().st_uid != os.geteuid():
            raise CannotStart(f"{var} belongs to {_owner_of(var)}: run this as that user, or remove it.")
        var.chmod(0o700 if account.is_ours else 0o711)
    except OSError as error:
        raise CannotStart(
            f"{var} cannot be made ({error.strerror}): set HANDOVER_VAR to a directory of yours."
        ) from error


def choose(var: Path, account: Account, remembered: Path | None) -> Places:
    """The places for this ``var``, made if need be; ``remembered`` is the temporary directory of an earlier run.

    Raises ``CannotStart``.
    """
    data_home = var if account.can("test", "-x", var) else None
    socket_home = data_home if data_home and fits_a_socket(var / "run") else None
    temporary = None
    if socket_home is None:
        temporary = remembered if remembered and is_ours(remembered) else _new_temporary(account)
    places = Places(
        var=var,
        account=account,
        data=(data_home or temporary or var) / "postgres",
        sockets=(socket_home or temporary or var) / "run",
        temporary=temporary,
    )
    account.own(places.data)
    account.own(places.sockets)
    return places


def _owner_of(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def is_ours(directory: Path) -> bool:
    """Not a link, not somebody else's, not writable for others: a known name in a shared folder proves nothing."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _new_temporary(account: Account) -> Path:
    for folder in _temporary_folders():
        if not fits_a_socket(folder / "handover-12345678/run") or not account.can("test", "-x", folder):
            continue
        directory = Path(tempfile.mkdtemp(prefix="handover-", dir=folder))
        directory.chmod(0o700 if account.is_ours else 0o711)
        return directory
    raise CannotStart(
        "The sockets of PostgreSQL and Redis need a short path that"
        f" the account {account.name} can reach, and no temporary folder has one: set TMPDIR to such a folder."
    )


def _temporary_folders() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    yield from (Path(name) for name in ("/tmp", "/var/tmp") if os.access(name, os.W_OK))  # noqa: S108 - mkdtemp in it
