"""nginx with the configuration that ``deploy/nginx`` ships, in front of a server of the tests."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.ports import free_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.certificates import Holder

PROGRAM: Final = "/usr/sbin/nginx"
MODULES: Final = Path("/usr/lib/nginx/modules")
SHIPPED: Final = Path(__file__).resolve().parents[2] / "deploy" / "nginx"


@contextmanager
def proxying(
    directory: Path,
    upstream: int,
    identity: Holder,
    *,
    outgoing: str,
    apis: Callable[[int], dict[str, str]] = lambda _port: {},
) -> Iterator[int]:
    """Run it for the time of a block. Yields its TLS port; it calls the upstream from the address ``outgoing``.

    ``apis`` gives the files of the APIs behind it, by their names, for its port.
    """
    port = free_port()
    for shared in ("asked.conf", "verify.conf", "verified.conf"):
        (directory / shared).write_bytes((SHIPPED / shared).read_bytes())
    (directory / "apis").mkdir()
    for name, text in apis(port).items():
        (directory / "apis" / name).write_text(text, encoding="ascii")
    (directory / "modules").symlink_to(MODULES)
    (directory / "certificate.pem").write_text(identity.pem, encoding="ascii")
    (directory / "key.pem").write_text(identity.key_pem, encoding="ascii")
    configuration = directory / "nginx.conf"
    configuration.write_text(_adapted(directory, port, upstream, outgoing), encoding="ascii")
    log = directory / "error.log"
    command = [PROGRAM, "-p", str(directory), "-c", str(configuration), "-e", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or listens(port), "nginx listens")
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def example(port: int, api: int, audiences: Mapping[str, str]) -> dict[str, str]:
    """The shipped example of an API, for each of these names with its audience, at the places of a test."""
    shipped = (SHIPPED / "apis" / "ledger.conf.example").read_text(encoding="ascii")
    files = {}
    for name, audience in audiences.items():
        text = shipped
        for pattern, place in (
            ("http://ledger:8000/", f"http://127.0.0.1:{api}/"),
            ("https://handover.example", f"https://127.0.0.1:{port}"),
            ("https%3A%2F%2Fledger.example", encoded(audience)),
            ("ledger.read", f"{name}.read"),
            ("/ledger", f"/{name}"),
        ):
            assert pattern in text
            text = text.replace(pattern, place)
        files[f"{name}.conf"] = text
    return files


def encoded(audience: str) -> str:
    """An audience as the value of a query parameter."""
    return quote(audience, safe="")


def listens(port: int) -> bool:
    """Whether something accepts connections there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _adapted(directory: Path, port: int, upstream: int, outgoing: str) -> str:
    """The shipped configuration at the places of this test. Debian's nginx is older than ``http2 on``."""
    text = (SHIPPED / "nginx.conf").read_text(encoding="ascii")
    own = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy"))
    own += "".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("fastcgi", "uwsgi", "scgi"))
    for pattern, place in (
        (r"worker_processes auto;", f"daemon off; pid {directory}/pid; worker_processes 1;{_as_root()}"),
        (r"http \{", f"http {{ {own}"),
        (r"js_path [^;]+;", f"js_path {SHIPPED};"),
        (r"server (?:exchange|portal):8000;", f"server 127.0.0.1:{upstream};"),
        (r"listen 443 ssl;\s+http2 on;", f"listen 127.0.0.1:{port} ssl; proxy_bind {outgoing};"),
        (r"/run/secrets/tls_certificate", f"{directory}/certificate.pem"),
        (r"/run/secrets/tls_key", f"{directory}/key.pem"),
    ):
        text, count = re.subn(pattern, lambda _, place=place: place, text)  # type: ignore[misc]
        assert count, f"deploy/nginx/nginx.conf has no {pattern}"
    return text


def _as_root() -> str:
    """Started by root, nginx would leave the test's directory to an account that may not read it."""
    return " user root;" if os.getuid() == 0 else ""
