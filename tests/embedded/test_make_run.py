"""The whole demo, as ``make run`` starts it: every process is real, and whoever stops it, nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.embedded.accounts import own_account, service_account
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


def test_a_newcomer_stops_it_halfway_starts_it_kills_it_and_starts_it_again(folder: Path) -> None:
    deep = folder / ("deep-" * 15)  # too long for a socket
    deep.mkdir()
    checkout = copy_checkout(deep, own_account())
    port = two_free_ports()
    _stopped_in_the_middle_of_a_start_it_leaves_nothing(checkout, port, "PostgreSQL ...", signal.SIGINT)
    _stopped_in_the_middle_of_a_start_it_leaves_nothing(checkout, port, "migrations", signal.SIGHUP)
    first = _the_first_start_is_ready_for_use_and_refuses_a_second_instance(checkout, port)
    _stopped_in_the_middle_of_a_start_it_leaves_nothing(checkout, port, "Web server ...", signal.SIGTERM)
    _the_second_start_has_the_data_of_the_first_and_survives_the_loss_of_its_database(checkout, port, first)
    for home in checkout.homes():
        shutil.rmtree(home, ignore_errors=True)


def _stopped_in_the_middle_of_a_start_it_leaves_nothing(
    checkout: Checkout, port: int, moment: str, way: signal.Signals
) -> None:
    run = checkout.up("--port", str(port))
    run.says(moment)
    assert run.ends(way) == 0
    nothing_is_left(checkout)


def _the_first_start_is_ready_for_use_and_refuses_a_second_instance(checkout: Checkout, port: int) -> dict[str, Any]:
    run, printed = started(checkout, port)
    token = pasted(checkout, printed)
    assert token["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert token["scope"] == "ledger:read"
    info = checkout.demo_info()
    assert info["issuer"] == f"http://127.0.0.1:{port}"
    for person in info["sign_ins"]:
        assert any(
            person["role"] in line and person["email"] in line and person["password"] in line for line in printed
        )
    second = checkout.manage("up", "--port", str(two_free_ports()))
    assert second.returncode == 1
    assert second.stdout.endswith(f"already (process {run.process.pid}): `make stop` stops it.\n")
    assert second.stdout.count("\n") == 1
    run.process.kill()
    run.process.communicate()
    eventually(lambda: remaining(*checkout.homes()) == [])
    return info


def _the_second_start_has_the_data_of_the_first_and_survives_the_loss_of_its_database(
    checkout: Checkout, port: int, first: dict[str, Any]
) -> None:
    run, printed = started(checkout, port)
    assert checkout.demo_info() == first
    children = [pid for pid in remaining(*checkout.homes()) if _parent(pid) == run.process.pid]
    (server,) = [pid for pid in children if _program(pid) == "postgres"]
    os.kill(server, signal.SIGKILL)
    run.says("postgres stopped (killed by SIGKILL)")
    eventually(lambda: _exchanges(checkout, printed), within=90)
    assert run.ends(signal.SIGINT) == 0
    nothing_is_left(checkout)


def test_an_unprivileged_user_stops_it_halfway_starts_afresh_and_nothing_is_written_outside_var(folder: Path) -> None:
    checkout = copy_checkout(folder, service_account())
    before = _outside_var(checkout)
    _stopped_in_the_middle_of_a_start_it_leaves_nothing(checkout, two_free_ports(), "migrations", signal.SIGHUP)
    half = _identity(checkout)
    _a_reset_makes_everything_anew_on_another_port(checkout)
    assert not set(_identity(checkout)) & set(half)
    assert _outside_var(checkout) == before


def _a_reset_makes_everything_anew_on_another_port(checkout: Checkout) -> None:
    port = two_free_ports()
    run, printed = started(checkout, port, "--reset")
    users = {Path(f"/proc/{pid}").stat().st_uid for pid in remaining(*checkout.homes())}
    assert users == {checkout.account.uid} != {0}
    assert checkout.demo_info()["issuer"] == f"http://127.0.0.1:{port}"
    assert pasted(checkout, printed)["scope"] == "ledger:read"
    stopped = checkout.manage("up", "--stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    run.process.communicate(timeout=60)
    nothing_is_left(checkout)


def _identity(checkout: Checkout) -> tuple[bytes, bytes]:
    """What tells one installation from another: the key of its keys, and what PostgreSQL calls its data."""
    (control,) = checkout.var.rglob("pg_control")
    return (checkout.var / "kek").read_bytes(), control.read_bytes()[:8]


def _exchanges(checkout: Checkout, printed: list[str]) -> bool:
    try:
        return "access_token" in pasted(checkout, printed)
    except (AssertionError, ValueError):  # the service says, in its own words, that it cannot answer yet
        return False


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/exe").readlink().name


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _outside_var(checkout: Checkout) -> dict[Path, float]:
    """Every file of the checkout but those below ``var``, and when it was written."""
    paths = (path for path in checkout.folder.rglob("*") if not path.is_relative_to(checkout.var))
    return {path: path.lstat().st_mtime for path in paths if path.is_file() and path.suffix != ".pyc"}
