"""PostgreSQL and Redis from their wheels: whoever starts them, wherever the checkout lies, nothing is opened up."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from redis import Redis as RedisClient

from portal.embedded import accounts, binaries, directories, processes
from portal.embedded.addresses import APPLICATION, OWNER
from portal.embedded.postgres import Postgres
from portal.embedded.redis import Redis
from portal.embedded.stopping import Group, stop
from tests.embedded.conftest import eventually, readable_folder, remaining

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

LONG = "a-folder-with-a-name-that-is-longer-than-one-would-think" * 2


class Running:
    """Both servers under a state directory, started the way the supervisor starts them."""

    def __init__(self, var: Path, remembered: Path | None = None) -> None:
        self.account = accounts.service_account()
        directories.make_var(var, self.account)
        self.places = directories.choose(var, self.account, remembered)
        programs = self.places.data / "programs"
        self.postgres = Postgres(
            places=self.places, programs=binaries.POSTGRES.programs(self.account, programs), log=var / "postgres.log"
        )
        self.redis = Redis(
            places=self.places, programs=binaries.REDIS.programs(self.account, programs), log=var / "redis.log"
        )
        self._programs: list[processes.Program] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        if not self.postgres.is_made():
            assert processes.start(self.postgres.making()).wait() == 0, self.postgres.log.read_text()
            self.postgres.made()
        self._programs = [server.serving() for server in (self.postgres, self.redis)]
        self._processes = [processes.start(program) for program in self._programs]
        eventually(lambda: self.postgres.is_ready() and self.redis.is_ready())
        self.postgres.make_roles()

    def stop(self) -> None:
        started = zip(self._processes, self._programs, strict=True)
        groups = [Group(id=process.pid, stage=0, signals=program.signals) for process, program in started]
        stop(groups, grace=10, collect=lambda: [each.poll() for each in self._processes], hurry=lambda: False)

    def started(self) -> set[int]:
        return {process.pid for process in self._processes}

    def users(self) -> set[int]:
        return {Path(f"/proc/{process.pid}").stat().st_uid for process in self._processes}


@pytest.fixture
def folder() -> Iterator[Path]:
    with readable_folder() as folder:
        yield folder


@pytest.fixture(scope="module", params=["reachable", "inside a folder of its owner alone", "too long for a socket"])
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with readable_folder() as folder:
        inside = folder / "checkout"
        if request.param == "inside a folder of its owner alone":
            inside.mkdir(mode=0o700)
        elif request.param == "too long for a socket":
            inside = inside / LONG
        before = _modes(folder)
        running = Running(inside / "var")
        running.start()
        yield running
        running.stop()
        assert before.items() <= _modes(folder).items(), "a permission outside our own directories was changed"
        if running.places.temporary:
            shutil.rmtree(running.places.temporary, ignore_errors=True)


def test_the_servers_work_as_an_unprivileged_user(running: Running) -> None:
    with psycopg.connect(running.postgres.url(APPLICATION)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APPLICATION,)
    with psycopg.connect(running.postgres.url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE mine ()")
    with RedisClient(unix_socket_path=str(running.redis.socket)) as client:
        assert client.set("key", "value")
    assert running.users() == {running.account.uid}
    found = set(remaining(running.places.var, running.places.temporary))
    assert running.started() < found  # and PostgreSQL's children
    assert 0 not in running.users()


def test_data_sockets_and_temporary_directory_are_private(running: Running) -> None:
    for directory in (running.places.data, running.places.sockets, running.postgres.cluster):
        status = directory.stat()
        assert stat.S_IMODE(status.st_mode) == 0o700, directory
        assert status.st_uid == running.account.uid
    if running.places.temporary:
        assert stat.S_IMODE(running.places.temporary.stat().st_mode) & 0o066 == 0


def test_nobody_listens_on_tcp(running: Running) -> None:
    with psycopg.connect(running.postgres.url(APPLICATION)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with RedisClient(unix_socket_path=str(running.redis.socket), decode_responses=True) as client:
        assert client.config_get("port") == {"port": "0"}


def test_stopping_leaves_nothing_and_a_second_start_finds_the_data_of_the_first(running: Running) -> None:
    with psycopg.connect(running.postgres.url(OWNER)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    running.stop()
    assert remaining(running.places.var, running.places.temporary) == []
    assert list(running.places.sockets.iterdir()) == []
    again = Running(running.places.var, running.places.temporary)
    assert again.places == running.places
    running.start()
    with psycopg.connect(again.postgres.url(OWNER)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_embedded_server_is_durable_and_the_tests_server_is_not(running: Running) -> None:
    with psycopg.connect(running.postgres.url(APPLICATION)) as connection:
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert settings == [("on",), ("on",)]
    hasty = replace(running.postgres, is_durable=False).serving()
    assert "fsync=off" in hasty.command


def test_half_a_data_directory_is_not_taken_for_one(folder: Path) -> None:
    running = Running(folder / "var")
    making = processes.start(running.postgres.making())
    eventually((running.places.data / "cluster.new").exists)
    making.kill()
    making.wait()
    assert not running.postgres.is_made()
    running.start()
    running.stop()
    assert running.postgres.is_made()


def test_programs_out_of_reach_are_copied_and_the_originals_are_left_alone(folder: Path) -> None:
    """Only root has an account beside its own; for anybody else the wheel is always within reach."""
    account = accounts.service_account()
    wheel = folder / "site"
    wheel.mkdir(mode=0o700)
    for part in binaries.REDIS.parts:
        (wheel / part).parent.mkdir(parents=True)
        (wheel / part).symlink_to(binaries.REDIS.root() / part)
    before = _modes(folder)
    private = folder / "private"
    account.own(private)
    programs = _WheelAt(place=wheel, **asdict(binaries.REDIS)).programs(account, private)
    assert account.can(programs / "redis-server", "--version")
    assert (programs.is_relative_to(private)) is (os.geteuid() == 0)
    assert before.items() <= _modes(folder).items()


@dataclass(frozen=True, kw_only=True)
class _WheelAt(binaries.Wheel):
    """A wheel, as if it were installed elsewhere."""

    place: Path

    def root(self) -> Path:
        return self.place


def _modes(folder: Path) -> dict[Path, int]:
    """The permissions of a folder, of what is in it, and of everything above it; ours under ``var`` are left out."""
    inside = (path for path in folder.rglob("*") if "var" not in path.relative_to(folder).parts)
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.parents, *inside)}
