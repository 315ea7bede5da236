"""The system account the embedded services run as: never root, which PostgreSQL refuses to run as."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from portal.embedded.refusals import CannotStart

if TYPE_CHECKING:
    from pathlib import Path

CANDIDATES: Final = ("handover", "nobody", "postgres")
"""Tried in this order by root. An administrator who wants the data apart from ``nobody`` adds a user ``handover``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this machine that has a name, as ``initdb`` insists."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is the account of this very process."""
        return self.uid == os.geteuid()

    def process_options(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that give up root's rights, and its groups, before the program starts."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, *command: str | Path) -> bool:
        """Whether a command succeeds as this account: the kernel is asked, permission bits are not re-implemented."""
        options = {**self.process_options(), "stdin": subprocess.DEVNULL, "capture_output": True}
        try:
            return bool(subprocess.run(command, check=False, cwd="/", **options).returncode == 0)  # noqa: S603
        except OSError:
            return False

    def own(self, directory: Path) -> None:
        """Make the directory, for this account alone (mode 0700)."""
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
        if not self.is_ours:
            os.chown(directory, self.uid, self.gid)


def service_account() -> Account:
    """The account for PostgreSQL and Redis: the caller's own, and for root an unprivileged one that exists already.

    No account is made and no permission is widened for it. Raises ``CannotStart``.
    """
    if os.geteuid() != 0:
        return own_account()
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
        if account.can("true"):
            return account
    raise CannotStart(
        f"As root, PostgreSQL must run as an unprivileged account, and none of {', '.join(CANDIDATES)} can be used:"
        " add a system user `handover`, or run this as an ordinary user."
    )


def own_account() -> Account:
    """The account of this process. Raises ``CannotStart`` when it has no name."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise CannotStart(
            f"PostgreSQL needs an account with a name, and user id {os.geteuid()} has none:"
            " add it to /etc/passwd, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(name=entry.pw_name, uid=os.geteuid(), gid=os.getegid())
