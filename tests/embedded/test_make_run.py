"""The whole demo, as ``make run`` starts it: every process is real, and whoever stops it, nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from portal.embedded.accounts import own_account, service_account
from portal.embedded.ports import answers_ok
from tests.embedded.checkouts import Checkout, Run, copy_checkout, two_free_ports
from tests.embedded.conftest import eventually, readable_folder, remaining

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = "Stop: Ctrl-C"


@pytest.fixture
def folder() -> Iterator[Path]:
    with readable_folder() as folder:
        yield folder


def started(checkout: Checkout, port: int, *words: str) -> tuple[Run, list[str]]:
    """Start it and wait until it is ready; answers what it printed."""
    run = checkout.up("--port", str(port), *words)
    printed = []
    for line in run.lines():
        printed.append(line.rstrip("\n"))
        if READY in line:
            return run, printed
    raise AssertionError("\n".join(printed))


def nothing_is_left(checkout: Checkout) -> None:
    """No process, no socket, no lock."""
    eventually(lambda: remaining(*checkout.homes()) == [])
    for home in checkout.homes():
        assert not [path for path in home.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)]
    assert not (checkout.var / "supervisor.lock").exists()


def pasted(checkout: Checkout, printed: list[str]) -> dict[str, object]:
    """Paste the two commands it printed, as a newcomer does; answers what the token endpoint says."""
    commands = [line for line in printed if "curl" in line]
    assert len(commands) == 2
    answer: dict[str, object] = json.loads(checkout.shell("\n".join(commands)))
    return answer


@pytest.fixture(scope="module")
def newcomers() -> Iterator[Checkout]:
    """A checkout whose path is too long for a socket, as the tests below find and leave it: stopped."""
    with readable_folder() as folder:
        deep = folder / ("deep-" * 15)
        deep.mkdir()
        checkout = copy_checkout(deep, own_account())
        yield checkout
        for home in checkout.homes():
            shutil.rmtree(home, ignore_errors=True)


def test_a_newcomer_starts_it_pastes_two_commands_and_stops_it(newcomers: Checkout) -> None:
    port = two_free_ports()
    run, printed = started(newcomers, port)
    token = pasted(newcomers, printed)
    assert token["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert token["scope"] == "ledger:read"
    info = newcomers.demo_info()
    assert info["issuer"] == f"http://127.0.0.1:{port}"
    for person in info["sign_ins"]:
        assert any(
            person["role"] in line and person["email"] in line and person["password"] in line for line in printed
        )
    second = newcomers.manage("up", "--port", str(two_free_ports()))
    assert second.returncode == 1
    assert second.stdout.endswith(f"already (process {run.process.pid}): `make stop` stops it.\n")
    assert second.stdout.count("\n") == 1
    assert run.ends(signal.SIGINT) == 0
    nothing_is_left(newcomers)


def test_a_second_start_reuses_the_data_also_after_the_first_was_killed(newcomers: Checkout) -> None:
    port = two_free_ports()
    run, _ = started(newcomers, port)
    info = newcomers.demo_info()
    run.process.kill()
    run.process.communicate()
    eventually(lambda: remaining(*newcomers.homes()) == [])
    again, printed = started(newcomers, port)
    assert newcomers.demo_info() == info
    assert pasted(newcomers, printed)["scope"] == "ledger:read"
    assert again.ends(signal.SIGTERM) == 0
    nothing_is_left(newcomers)


def test_a_reset_starts_afresh_on_another_port(newcomers: Checkout) -> None:
    run, _ = started(newcomers, two_free_ports())
    clients = newcomers.demo_info()["clients"]
    assert run.ends(signal.SIGINT) == 0
    moved = two_free_ports()
    again, printed = started(newcomers, moved, "--reset")
    info = newcomers.demo_info()
    assert info["clients"] != clients
    assert info["issuer"] == f"http://127.0.0.1:{moved}"
    assert pasted(newcomers, printed)["scope"] == "ledger:read"
    stopped = newcomers.manage("up", "--stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    again.process.communicate(timeout=60)
    nothing_is_left(newcomers)


def test_an_unprivileged_user_runs_it_and_nothing_is_written_outside_var(folder: Path) -> None:
    checkout = copy_checkout(folder, service_account())
    before = _outside_var(checkout)
    run, printed = started(checkout, two_free_ports())
    users = {Path(f"/proc/{pid}").stat().st_uid for pid in remaining(*checkout.homes())}
    assert users == {checkout.account.uid} != {0}
    assert pasted(checkout, printed)["scope"] == "ledger:read"
    assert run.ends(signal.SIGTERM) == 0
    nothing_is_left(checkout)
    assert _outside_var(checkout) == before


def test_stopping_in_the_middle_of_the_first_start_leaves_nothing_and_the_next_start_works(folder: Path) -> None:
    checkout = copy_checkout(folder, own_account())
    port = two_free_ports()
    for moment in ("PostgreSQL ...", "migrations", "Web server ..."):
        run = checkout.up("--port", str(port))
        run.says(moment)
        assert run.ends(signal.SIGTERM) == 0
        nothing_is_left(checkout)
    run, _ = started(checkout, port)
    children = [pid for pid in remaining(*checkout.homes()) if _parent(pid) == run.process.pid]
    (server,) = [pid for pid in children if _program(pid) == "postgres"]
    os.kill(server, signal.SIGKILL)
    run.says("postgres stopped (killed by SIGKILL)")
    eventually(lambda: answers_ok(port, "/readyz") and checkout.manage("demo-info").returncode == 0, within=90)
    assert run.ends(signal.SIGHUP) == 0
    nothing_is_left(checkout)


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/exe").readlink().name


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _outside_var(checkout: Checkout) -> dict[Path, float]:
    """Every file of the checkout but those below ``var``, and when it was written."""
    paths = (path for path in checkout.folder.rglob("*") if not path.is_relative_to(checkout.var))
    return {path: path.lstat().st_mtime for path in paths if path.is_file()}
