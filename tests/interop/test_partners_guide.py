"""The programs of docs/partners.md, as they stand on the page, against the running server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from policy.reasons import Reason
from tests.interop import node
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer
    from tests.interop.conftest import Stock

    Word = str | Path

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "partners.md"
SECONDS: Final = 120
GO: Final = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}


def programs(language: str) -> list[str]:
    """The programs of one language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@dataclass
class Desk:
    """A partner's machine: a directory with its key, its tokens and its credentials, and the variables of the page."""

    server: ExchangeServer
    directory: Path

    def __post_init__(self) -> None:
        world = self.server.world
        self.put("client-key.pem", world.backend.key.as_pem(private=True).decode())
        self.put("subject-token", world.idp.subject_token(self.server.url))
        self.put("netrc", f"machine 127.0.0.1 login kestrel-batch password {world.secret}\n")
        self.put("gateway-netrc", f"machine 127.0.0.1 login ledger-gateway password {world.secret}\n")

    def put(self, name: str, content: str) -> Path:
        file = self.directory / name
        file.touch(mode=0o600)
        file.write_text(content, encoding="utf-8")
        return file

    def run(self, *command: Word, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "HANDOVER": self.server.url,
            "CLIENT_ID": "kestrel-backend",
            "CLIENT_KEY": str(self.directory / "client-key.pem"),
            "CLIENT_KEY_ID": self.server.world.backend.key.kid or "",
            "SUBJECT_TOKEN": str(self.directory / "subject-token"),
            "NETRC": str(self.directory / "netrc"),
            "AUDIENCE": LEDGER,
            "SCOPE": "ledger.read",
        }
        return subprocess.run(
            command, env=environment | variables, capture_output=True, text=True, timeout=SECONDS, check=False
        )


@pytest.fixture
def desk(stock: Stock, tmp_path: Path) -> Desk:
    return Desk(stock.server, tmp_path)


def curl(desk: Desk) -> list[Word]:
    return ["sh", desk.put("exchange.sh", programs("sh")[0])]


def python(desk: Desk) -> list[Word]:
    return [sys.executable, desk.put("exchange.py", programs("python")[0])]


def javascript(desk: Desk) -> list[Word]:
    (desk.directory / "node_modules").symlink_to(node.SCRIPTS / "node_modules")
    return [node.PROGRAM, desk.put("exchange.mjs", *programs("javascript"))]


def java(desk: Desk) -> list[Word]:
    return [which("java"), desk.put("Exchange.java", *programs("java"))]


def go(desk: Desk) -> list[Word]:
    """Built once, without any module but the standard library's."""
    source, program = desk.put("exchange.go", *programs("go")), desk.directory / "exchange"
    built = desk.run(which("go"), "build", "-o", program, source, **GO)
    assert built.returncode == 0, built.stderr
    return [program]


def which(program: str) -> str:
    found = shutil.which(program)
    assert found, f"there is no {program}: make interop gets it installed, or says whom to ask"
    return found


LANGUAGES: Final = [
    curl,
    python,
    javascript,
    pytest.param(java, marks=pytest.mark.long),
    pytest.param(go, marks=pytest.mark.long),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_gets_a_token_and_tells_a_refusal_with_its_reference(desk: Desk, language: Any) -> None:
    command = language(desk)
    done = desk.run(*command)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["scope"] == "ledger.read"
    about = desk.server.http.post(
        "/oauth/introspect",
        data={"token": answer["access_token"]},
        auth=("ledger-gateway", desk.server.world.secret),
    ).json()
    assert (about["active"], about["sub"]) == (True, "partner:kestrel:user-1")
    assert ("cnf" in about) is (language is javascript)
    done = desk.run(*command, SCOPE="ledger.admin")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "invalid_scope" in said
    found = re.search(r"Reference ([0-9a-f-]{36})", said)
    assert found, said
    rows = desk.server.rows("SELECT reason FROM audit_event WHERE correlation_id = %s", found[1])
    assert rows == [(Reason.SCOPE_NOT_GRANTED,)]


def test_a_resource_server_verifies_the_token_asks_about_it_and_its_client_gives_it_back(desk: Desk) -> None:
    token = desk.server.exchange(auth=desk.server.basic, scope="ledger.read").json()["access_token"]
    held = str(desk.put("token", token))
    verify: list[Word] = [sys.executable, desk.put("verify.py", programs("python")[2])]
    files = [desk.put(f"{number}.sh", text) for number, text in enumerate(programs("sh"))]
    ask, give_back = (["sh", str(file)] for file in files[2:])
    done = desk.run(*verify, TOKEN=held)
    assert json.loads(done.stdout)["aud"] == LEDGER, done.stderr
    for wrong in ({"AUDIENCE": REPORTS}, {"SCOPE": "ledger.write"}, {"HANDOVER": desk.server.url, "TOKEN": ""}):
        assert desk.run(*verify, **{"TOKEN": held} | wrong).returncode != 0
    gateway = str(desk.directory / "gateway-netrc")
    assert json.loads(desk.run(*ask, TOKEN=held, NETRC=gateway).stdout)["active"] is True
    assert desk.run(*give_back, TOKEN=held).returncode == 0
    assert json.loads(desk.run(*ask, TOKEN=held, NETRC=gateway).stdout) == {"active": False}


def test_a_client_gets_a_token_for_itself(desk: Desk) -> None:
    asks = ["sh", str(desk.put("itself.sh", programs("sh")[1]))]
    credentials = f"machine 127.0.0.1 login kestrel-cron password {desk.server.world.secret}\n"
    done = desk.run(*asks, NETRC=str(desk.put("netrc", credentials)))
    assert json.loads(done.stdout)["scope"] == "ledger.read", done.stderr
    done = desk.run(*asks, NETRC=str(desk.put("netrc", credentials)), AUDIENCE=REPORTS)
    assert done.returncode != 0
    assert json.loads(done.stdout)["error"] == "invalid_target"


def test_every_program_of_the_page_is_run_here() -> None:
    fences = re.findall(r"^```([a-z]+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(fences) == sorted(["sh", "python", "javascript", "java", "go", "sh", "python", "python", "sh", "sh"])
