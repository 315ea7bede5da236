"""What every test finds: a database of its worker's, no way out to the internet."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import exchange_server, in_memory
from tests import services as plugin
from tests.own_services import OwnServices, own_services
from tests.portal.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exchange_server import ExchangeServer


pytest.register_assert_rewrite("tests.oracle")
hypothesis.settings.register_profile("handover", deadline=None)  # machines differ; no test asserts how long one takes
hypothesis.settings.load_profile("handover")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that its workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def django_db_setup(
    services: plugin.Services,
    django_test_environment: None,  # noqa: ARG001 - pytest-django prepares the settings first
    django_db_blocker: Any,
) -> Iterator[None]:
    """The worker's own clone of the template, connected to as the application's role; each test rolls back."""
    name = f"handover_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        plugin.make_template(services)
        services.clone(name)
        with plugin.database_in_use(services, name):
            yield
        services.drop(name)


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Tests talk to servers they started themselves; a connection that leaves the machine is a mistake."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    if not (host.startswith("127.") or host in {"::1", "localhost", "0.0.0.0", "::"}):
        raise PermissionError(f"A test tried to connect to {host}: tests stay on this machine.")


sys.addaudithook(_stay_on_this_machine)


@pytest.fixture(scope="session")
def server(services: plugin.Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """One server for all tests that only exchange; a test that changes the configuration starts its own."""
    with exchange_server.running(services, django_db_blocker) as running:
        yield running


@pytest.fixture(scope="session")
def standing(
    services: plugin.Services,
    django_db_setup: None,  # noqa: ARG001 - the template is there then
    django_db_blocker: Any,
) -> Iterator[Standing]:
    """The organisation that the tests of pages and calls look at, in a database of this worker's own."""
    name = f"handover_standing_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        services.clone(name)
        standing = Standing(services, name)
        yield standing
        standing.close()
        services.drop(name)


@pytest.fixture(scope="session")
def durable() -> Iterator[OwnServices]:
    """Stores of a test's own that are set to lose no commit. A test that stops or kills them starts them again.

    What a kill leaves of their files is the same in memory as on a disk; only the machine's own end would tell them
    apart, and no test brings that about.
    """
    with own_services(in_memory.folder()) as services:
        yield services
