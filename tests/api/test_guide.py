"""The programs and the document of docs/api.md, as they stand on the page, against the running server."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from django.core.management import call_command

from portal.roles import Role
from tests import exchange_server, static_files
from tests.exchange.devices import DEVICE_CODE, Browser
from tests.world import LEDGER, add_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "api.md"
SECONDS: Final = 60


def programs(language: str) -> list[str]:
    """The programs of one language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@dataclass
class Desk:
    """Somebody's machine: a directory, the variables of the page, and a person's password."""

    server: ExchangeServer
    directory: Path
    password: str

    def environment(self) -> dict[str, str]:
        address = {"ISSUER": self.server.url, "HOME": str(self.directory), "CLIENT_ID": "inventory-terminal"}
        return {"PATH": os.environ["PATH"], **address}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@pytest.fixture(scope="module")
def desk(
    services: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, worker_secret: str
) -> Iterator[Desk]:
    directory, password = tmp_path_factory.mktemp("desk"), secrets.token_urlsafe(16)

    def prepare() -> None:
        from tests.portal.organisation import person  # noqa: PLC0415 - inside the database in use

        document = directory / "client.yaml"
        document.write_text(programs("yaml")[0], encoding="utf-8")
        call_command("apply", "-f", str(document), verbosity=0)
        device: dict[str, Any] = {"authorization_grant_type": DEVICE_CODE, "grant_types": [DEVICE_CODE]}
        add_client(None, "inventory-terminal", client_type="public", scopes=["partners:read"], **device)
        mei = person(Role.PARTNER_MANAGER, email="mei@meridian.example", name="Mei")
        mei.set_password(password)
        mei.save()

    for name in ("netrc", ".netrc"):
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(f"machine 127.0.0.1 login inventory-sync password {worker_secret}\n", encoding="utf-8")
    static: dict[str, Any] = {"HANDOVER_TEST_STATIC": str(static_files.collected(tmp_path_factory))}
    with exchange_server.running(services, django_db_blocker, prepare=prepare, **static) as server:
        yield Desk(server, directory, password)


@pytest.fixture(scope="module")
def worker_secret() -> Iterator[str]:
    """The client's secret, where its document says that it is."""
    secret = secrets.token_urlsafe(32)
    os.environ["INVENTORY_SECRET"] = secret
    yield secret
    del os.environ["INVENTORY_SECRET"]


def test_a_partner_is_registered_changed_and_a_request_tried_with_curl_and_python(desk: Desk) -> None:
    done = desk.run("sh", "-euc", programs("sh")[0])
    assert done.returncode == 0, done.stderr
    assert '"name":"osprey"' in done.stdout
    done = desk.run(sys.executable, "-c", programs("python")[0])
    assert (done.returncode, done.stdout) == (0, "Books shipments.\n"), done.stderr
    rows = desk.server.rows("SELECT kind, actor FROM audit_event WHERE actor = 'client:inventory-sync' ORDER BY id")
    kinds = [kind for kind, _ in rows if kind.startswith(("partner.", "configuration."))]
    assert kinds == ["partner.registered", "configuration.applied"]
    world = desk.server.world
    asked = {"client": "kestrel-batch", "audience": [LEDGER], "subject_token": world.idp.subject_token(world.issuer)}
    (desk.directory / "request.json").write_text(json.dumps(asked), encoding="utf-8")
    done = desk.run("sh", "-euc", programs("sh")[1])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "granted"


def test_a_person_lets_a_program_in_and_it_may_what_both_may(desk: Desk) -> None:
    command = [sys.executable, "-c", programs("python")[1]]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=desk.environment(), **pipes) as program:
        assert program.stdout is not None
        address = program.stdout.readline().removeprefix("Open ").strip()
        assert address, program.communicate(timeout=SECONDS)
        with httpx.Client(base_url=desk.server.url, trust_env=False) as http:
            browser = Browser(http)
            browser.sign_in("mei@meridian.example", desk.password)
            page = browser.decide(address.rpartition("=")[2], "allow")
            assert page.status_code == 200, page.text
        said, complained = program.communicate(timeout=SECONDS)
    assert (program.returncode, said) == (0, "mei@meridian.example ['partners:read']\n"), complained


def test_the_page_names_every_code_that_the_api_answers_with() -> None:
    """Each code in our own modules stands in the table, and the table has no other."""
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z_]+)`", page[page.index("| code | status") :])) - {"fields", "scope", "roles"}
    root = PAGE.parents[1]
    sources = [*(root / "portal" / "api").glob("*.py"), root / "exchange" / "protocol" / "problems.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    unknown = {code for code in told if f'"{code}"' not in text}
    used = set(re.findall(r'HTTPStatus\.[A-Z_]+, "([a-z_]+)"', text)) | set(re.findall(r': \(\s*"([a-z_]+)"', text))
    assert unknown == set()
    assert used <= told
