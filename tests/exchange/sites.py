"""Other organisations' web servers, on loopback: real sockets that answer, misbehave and count as a case asks."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    Answer = Callable[["Request"], "bytes | Iterable[bytes]"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: its path and its header fields, names in lower case."""

    path: str
    headers: dict[str, str]


@dataclass
class Site:
    """A running server. ``answer`` may be exchanged while it runs; ``connections`` counts the accepted ones."""

    answer: Answer
    listener: socket.socket
    port: int
    tls: ssl.SSLContext | None = None
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def serve(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as reader:
                line = reader.readline().decode("latin-1").split(" ")
                if len(line) < 2:
                    return
                headers = {}
                while (text := reader.readline().decode("latin-1").strip()) != "":
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                request = Request(line[1], headers)
                self.requests.append(request)
                answer = self.answer(request)
                for chunk in [answer] if isinstance(answer, bytes) else answer:
                    if self.stopping.is_set():
                        return
                    connection.sendall(chunk)

    def drip(self, head: bytes, *, pause: float = 0.02) -> Iterator[bytes]:
        """``head``, then one byte now and then, for ever."""
        yield head
        while not self.stopping.wait(pause):
            yield b" "

    def silence(self) -> Iterator[bytes]:
        """Nothing, for ever."""
        self.stopping.wait()
        yield from ()


@contextmanager
def site(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a server for the time of a block."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = Site(answer, listener, listener.getsockname()[1], tls)
    thread = Thread(target=running.serve, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def reply(body: bytes | str | object, *, status: str = "200 OK", **headers: str) -> bytes:
    """A complete HTTP/1.1 answer. A body that is no text is sent as JSON."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for a condition. Raises ``TimeoutError`` when it does not come true."""
    pause, ends_at = Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError("the condition did not come true")
        pause.wait(0.01)


def resolving(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows one answer."""
    return lambda _host, _port: addresses


def always(answer: bytes) -> Answer:
    """The same answer to every request."""
    return lambda _request: answer


def not_found() -> bytes:
    """There is nothing at that path."""
    return reply(b"", status="404 Not Found")


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the test's own, as files and contexts."""

    trusting: Callable[[], ssl.SSLContext]
    serving: Callable[[str], ssl.SSLContext]
    anchor: str


def authority(directory: Path) -> Authority:
    """Make an authority; ``serving(name)`` is the server side of a certificate for that name or address."""
    key, certificate = _issue("Test authority", None)
    anchor = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cadata=anchor)

    def serving(name: str) -> ssl.SSLContext:
        own_key, own = _issue(name, (key, certificate))
        path = directory / f"{name}.pem"
        path.write_bytes(
            own_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + own.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    return Authority(trusting, serving, anchor)


def _issue(name: str, signer: tuple[Any, x509.Certificate] | None) -> tuple[Any, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[1].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if signer is not None:
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer[0].public_key())
        builder = builder.add_extension(authority_key, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
    return key, builder.sign(signer[0] if signer else key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
