"""A copy of this checkout somewhere else, for somebody else, with an interpreter they can run."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django

from tests.embedded.conftest import ROOT
from tests.ports import free_port

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator

    from portal.embedded.accounts import Account

SOURCES: Final = ("audit", "exchange", "partners", "policy", "portal", "static", "templates", "manage.py")
OURS: Final = ("HANDOVER_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_")
BIG: Final = shutil.ignore_patterns("test", "tests", "idlelib", "tkinter", "config-*", "site-packages", "__pycache__")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One ``manage.py up``."""

    process: subprocess.Popen[str]

    def says(self, words: str) -> str:
        """Read what it prints until a line has the words."""
        seen = []
        for line in self.lines():
            seen.append(line)
            if words in line:
                return line
        raise AssertionError(f"it never said {words!r}: {''.join(seen)}")

    def lines(self) -> Iterator[str]:
        """What it prints, as it prints it. Not a generator: that would close the pipe when it is left."""
        assert self.process.stdout is not None
        return iter(self.process.stdout)

    def ends(self, number: signal.Signals) -> int:
        """Signal it, and wait for its exit code; the rest of what it prints is read along the way."""
        self.process.send_signal(number)
        self.process.communicate(timeout=120)
        return self.process.returncode


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The copy, and how its owner runs things there."""

    folder: Path
    account: Account
    python: Path
    environment: dict[str, str]

    @property
    def var(self) -> Path:
        """Its state directory."""
        return self.folder / "var"

    def up(self, *words: str) -> Run:
        """Start it."""
        return Run(process=subprocess.Popen([self.python, "manage.py", "up", *words], **self._options()))

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command."""
        return subprocess.run([self.python, "manage.py", *words], check=False, timeout=120, **self._options())

    def shell(self, script: str) -> str:
        """Paste lines into a shell; answers what they print. Fails when they fail."""
        done = subprocess.run(["/bin/sh", "-e", "-c", script], check=False, timeout=60, **self._options())
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    def demo_info(self) -> dict[str, Any]:
        """What scripts are told."""
        done = self.manage("demo-info", "--json")
        assert done.returncode == 0, done.stdout
        info: dict[str, Any] = json.loads(done.stdout)
        return info

    def homes(self) -> list[Path]:
        """Where its processes live: its state directory, and the temporary one if it has one."""
        memory = json.loads((self.var / "installation.json").read_text(encoding="utf-8"))
        return [self.var, Path(memory["temporary"])] if memory["temporary"] else [self.var]

    def _options(self) -> dict[str, Any]:
        output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return {**output, "cwd": self.folder, "env": self.environment, **self.account.process_options()}


def copy_checkout(folder: Path, account: Account) -> Checkout:
    """Copy what runs to ``folder/checkout``, as this account's own."""
    place = folder / "checkout"
    place.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name)  # with what is compiled already: every process would do it again
        else:
            shutil.copy2(source, place)
    if not account.is_ours:
        for path in (place, *place.rglob("*")):
            os.chown(path, account.uid, account.gid)
    python, variables = interpreter(folder, account)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {**plain, **variables, "HOME": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    return Checkout(folder=place, account=account, python=python, environment=environment)


def interpreter(folder: Path, account: Account) -> tuple[Path, dict[str, str]]:
    """A Python the account can run, and what its environment needs; what it cannot reach is copied to the folder."""
    packages = Path(django.__file__).parents[1]
    if not account.can("test", "-r", packages / "django" / "__init__.py"):
        shutil.copytree(packages, folder / "packages", copy_function=_link_or_copy, symlinks=True)
        packages = folder / "packages"
    python, variables = Path(sys.executable), {"PYTHONPATH": str(packages)}
    if not account.can(python, "-c", "import os"):
        python = _copy_python(folder / "python")
        variables["LD_LIBRARY_PATH"] = str(folder / "python" / "lib")
    assignments = [f"{name}={value}" for name, value in variables.items()]
    assert account.can("env", *assignments, python, "-c", "import django, psycopg, uvicorn")
    return python, variables


def _copy_python(destination: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    shutil.copytree(base / "lib" / version, destination / "lib" / version, ignore=BIG, symlinks=True)
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, destination / "lib")
    (destination / "bin").mkdir()
    return Path(shutil.copy2(base / "bin" / version, destination / "bin"))


def _link_or_copy(source: str, destination: str) -> str:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)
    return destination


def two_free_ports() -> int:
    """A port that is free, and so is the one after it."""
    while True:
        port = free_port()
        try:
            socket.create_server(("127.0.0.1", port + 1)).close()
        except (OSError, OverflowError):
            continue
        return port
