"""The identity provider's web site: discovery, keys, tokens, and the switches that break it on command."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from argparse import ArgumentParser
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote_plus

import uvicorn

from portal.demo.identity_provider import TOKEN_LIFETIME, Fault, IdentityProvider
from portal.demo.partner_people import CLIENTS, USERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    Form = Mapping[str, list[str]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]

HOST: Final = "127.0.0.1"
MAX_FORM: Final = 64 * 1024
MAX_AGE: Final = 300
HUGE: Final = 1024 * 1024
DRIP_SECONDS: Final = 0.5
DISCOVERY: Final = "/.well-known/openid-configuration"


class Refused(Exception):
    """An answer that says no, in the words of RFC 6749 section 5.2."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


class Site:
    """The ASGI application around one identity provider."""

    def __init__(self, provider: IdentityProvider) -> None:
        self._provider = provider
        self._routes: dict[tuple[str, str], Callable[[str, Form], dict[str, Any]]] = {
            ("POST", "/token"): self._token,
            ("POST", "/rotate"): self._rotate,
            ("POST", "/fault"): self._break,
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request. ``uvicorn`` is told not to ask for anything but HTTP."""
        path, method = scope["path"], scope["method"]
        self._provider.fetches[path] += 1
        if method == "GET" and path in {"/jwks", "/elsewhere/jwks"}:
            await self._keys(dict(scope["headers"]), send, fault=self._provider.fault if path == "/jwks" else None)
        elif method == "GET" and path == DISCOVERY:
            await _answer(send, 200, self._provider.metadata(), {"cache-control": f"public, max-age={MAX_AGE}"})
        elif method == "GET" and path == "/stats":
            await _answer(send, 200, dict(self._provider.fetches))
        elif (method, path) in self._routes:
            await self._command(self._routes[method, path], dict(scope["headers"]), receive, send)
        else:
            await _answer(send, 404, {"error": "not_found"})

    async def _command(
        self,
        handle: Callable[[str, Form], dict[str, Any]],
        headers: Mapping[bytes, bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        """A form post of an authenticated client."""
        try:
            form = await _form(receive)
            body = handle(self._authenticate(headers), form)
        except Refused as refused:
            challenge = {"www-authenticate": 'Basic realm="partner"'} if refused.status == 401 else {}  # noqa: PLR2004
            await _answer(send, refused.status, refused.body, challenge)
        else:
            await _answer(send, 200, body, {"cache-control": "no-store"})

    def _authenticate(self, headers: Mapping[bytes, bytes]) -> str:
        scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
        try:
            text = b64decode(encoded, validate=True).decode() if scheme.lower() == b"basic" else ""
        except ValueError:
            text = ""
        client_id, _, secret = text.partition(":")
        if not self._provider.is_client(unquote_plus(client_id), unquote_plus(secret)):
            raise Refused(401, "invalid_client", "Unknown client or wrong secret.")
        return unquote_plus(client_id)

    def _token(self, client_id: str, form: Form) -> dict[str, Any]:
        if form.get("grant_type") != ["client_credentials"]:
            raise Refused(400, "unsupported_grant_type", "Only client_credentials.")
        user = _one(form, "login_hint") or _one(form, "username")
        scopes = self._scopes(user, _one(form, "scope"))
        provider = self._provider
        claims = provider.user_claims(user, scopes) if user else provider.client_claims(client_id)
        claims["client_id"] = client_id
        try:
            key = provider.key_for(_one(form, "alg") or None)
        except KeyError:
            raise Refused(400, "invalid_request", "This alg is not offered.") from None
        audience = form.get("audience")
        if audience:
            claims["aud"] = audience[0] if len(audience) == 1 else audience
        if _one(form, "token_type") == "id_token":
            identity = {**claims, "scope": None, "client_id": None, "azp": client_id}
            token = provider.id_token(user or client_id, client_id, key=key, **identity)
            return {"id_token": token, "token_type": "N_A", "expires_in": TOKEN_LIFETIME}
        token = provider.access_token(user or client_id, key=key, **claims)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME,
            "scope": " ".join(scopes),
        }

    def _scopes(self, user: str, asked: str) -> tuple[str, ...]:
        """What was asked for, which may not be more than the user has; all of it when nothing was."""
        if user and user not in USERS:
            raise Refused(400, "invalid_request", "There is no such user.")
        allowed = USERS[user].scopes if user else ()
        if not set(asked.split()) <= set(allowed):
            raise Refused(400, "invalid_scope", "More than this user has.")
        return tuple(asked.split()) or allowed

    def _rotate(self, _client_id: str, form: Form) -> dict[str, Any]:
        kid = self._provider.rotate(keeps_old=_one(form, "keeps_old") != "false")
        return {"kid": kid, "keys": [key["kid"] for key in self._provider.jwks()["keys"]]}

    def _break(self, _client_id: str, form: Form) -> dict[str, Any]:
        mode = _one(form, "mode")
        try:
            self._provider.fault = Fault(mode) if mode not in {"", "null"} else None
        except ValueError:
            raise Refused(400, "invalid_request", f"mode is one of {', '.join(Fault)}, or null.") from None
        return {"mode": self._provider.fault}

    async def _keys(self, headers: Mapping[bytes, bytes], send: Send, *, fault: Fault | None) -> None:
        keys = self._provider.jwks()
        if fault is Fault.DOWN:
            await _answer(send, 503, {"error": "temporarily_unavailable"})
        elif fault is Fault.REDIRECT:
            await _answer(send, 302, {}, {"location": f"{self._provider.issuer}/elsewhere/jwks"})
        elif fault is Fault.SLOW:
            await _send(send, 200, _dripping(json.dumps(keys).encode()), {})
        elif fault is Fault.TRUNCATED:
            body = json.dumps(keys).encode()
            await _send(send, 200, _whole(body[: len(body) // 2]), {})
        else:
            await _answer_keys(headers, send, _broken(keys, fault, self._provider))


def _broken(keys: dict[str, Any], fault: Fault | None, provider: IdentityProvider) -> dict[str, Any]:
    if fault is Fault.EMPTY:
        return {"keys": []}
    if fault is Fault.HUGE:
        return {**keys, "padding": "x" * HUGE}
    return {"keys": [provider.stranger.public()]} if fault is Fault.TAKEOVER else keys


async def _answer_keys(headers: Mapping[bytes, bytes], send: Send, keys: dict[str, Any]) -> None:
    """A key set with its entity tag: the ``kid`` values, which change whenever the set does."""
    tag = '"' + ".".join(key["kid"] for key in keys["keys"]) + '"'
    caching = {"cache-control": f"public, max-age={MAX_AGE}", "etag": tag}
    if headers.get(b"if-none-match") == tag.encode():
        await _send(send, 304, _whole(b""), caching)
    else:
        await _answer(send, 200, keys, caching)


def _one(form: Form, name: str) -> str:
    values = form.get(name, [])
    if len(values) > 1:
        raise Refused(400, "invalid_request", f"{name} is given twice.")
    return values[0] if values else ""


async def _form(receive: Receive) -> Form:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_FORM:
            raise Refused(413, "invalid_request", "The form is too large.")
        if not message.get("more_body"):
            return parse_qs(body.decode("utf-8", "replace"))


async def _answer(send: Send, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    typed = {"content-type": "application/json", **(headers or {})}
    await _send(send, status, _whole(json.dumps(body).encode()), typed)


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _dripping(body: bytes) -> AsyncIterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        await asyncio.sleep(DRIP_SECONDS)


async def _send(send: Send, status: int, chunks: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _server(provider: IdentityProvider) -> uvicorn.Server:
    config = uvicorn.Config(
        Site(provider),
        lifespan="off",
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextmanager
def running(*, audience: str, directory: Path | None = None, algorithm: str = "RS256") -> Iterator[IdentityProvider]:
    """An identity provider behind a real socket on a free loopback port, until the block ends."""
    with socket.create_server((HOST, 0)) as listener:
        issuer = f"http://{HOST}:{listener.getsockname()[1]}"
        provider = IdentityProvider(issuer, audience=audience, directory=directory, algorithm=algorithm)
        server = _server(provider)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="identity-provider", daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join()


def main() -> None:
    """Run the identity provider until it is told to stop. SIGUSR1 rotates its key."""
    parser = ArgumentParser(prog="python -m portal.demo.identity_provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where its keys and its clients' secret are")
    parser.add_argument("--audience", required=True, help="whom its tokens are for: Handover's issuer identifier")
    parser.add_argument("--algorithm", default="RS256", help="of the keys it makes")
    options = parser.parse_args()
    try:
        listener = socket.create_server((HOST, options.port))
    except OSError as error:
        sys.exit(f"The identity provider cannot use port {options.port}: {error.strerror}.")
    provider = IdentityProvider(
        f"http://{HOST}:{options.port}",
        audience=options.audience,
        directory=options.directory,
        algorithm=options.algorithm,
    )
    signal.signal(signal.SIGUSR1, lambda *_: provider.rotate())
    sys.stdout.write(f"The demo partners' identity provider: {provider.issuer} ({', '.join(CLIENTS)})\n")
    sys.stdout.flush()
    _server(provider).run(sockets=[listener])
