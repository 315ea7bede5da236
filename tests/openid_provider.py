"""An organisation's OpenID provider: it checks what a client must prove, and really signs what it says."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from tests.introspection_endpoints import say
from tests.signers import Key, encode, make_key, public_jwks

CLIENT_ID = "handover at meridian"


@dataclass
class OpenIdProvider:
    """The provider. ``changes`` alter what its next ID tokens say.

    ``declines`` is what it sends back with the browser in place of a code, ``refuses`` what it says to one.
    """

    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24) + "+%:/")
    key: Key = field(default_factory=lambda: make_key("ES256", "first"))
    published: list[Key] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    declines: dict[str, str] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    @property
    def issuer(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser brings back after the person has signed in there."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert len(query["state"]) >= 43
        assert query["nonce"] not in {query["state"], query["code_challenge"]}
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def back(self, address: str) -> str:
        """Where the browser is sent once it has been here, with a code or with why there is none."""
        brought = self.authorize(address)
        if self.declines:
            brought = {"state": brought["state"], "iss": brought["iss"]} | self.declines
        return f"{parse_qs(urlsplit(address).query)['redirect_uri'][0]}?{urlencode(brought)}"

    def start(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.fetched.append(self.path)
                if self.path.startswith("/authorize?"):
                    self.send_response(302)
                    self.send_header("Location", provider.back(provider.issuer + self.path))
                    self.end_headers()
                    return
                documents = {"/.well-known/openid-configuration": provider.described, "/keys": provider.keys}
                say(self, documents[self.path]())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, body = provider.token(form, self.headers.get("Authorization", ""))
                say(self, body, status=status)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=meridian",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def keys(self) -> dict[str, Any]:
        return public_jwks(*(self.published or [self.key]))

    def token(self, form: dict[str, list[str]], authorization: str) -> tuple[int, dict[str, Any]]:
        """RFC 6749 section 4.1.3 with RFC 7636 section 4.6: a code is good once, for who asked for it."""
        name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        query = self._codes.pop(form["code"][0], None)
        verifier = form.get("code_verifier", [""])[0]
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if (unquote_plus(name), unquote_plus(secret)) != (CLIENT_ID, self.secret):
            return 401, {"error": "invalid_client"}
        if self.refuses:
            return 400, dict(self.refuses)
        if query is None or challenge != query["code_challenge"] or form["redirect_uri"][0] != query["redirect_uri"]:
            self.refused.append(json.dumps(form))
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self.sign(query)}

    def sign(self, query: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "ada-7",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": query["nonce"],
            "email": "ada@meridian.example",
            "email_verified": True,
            "name": "Ada Byron",
            "groups": ["auditors"],
        } | self.changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return encode({"alg": "ES256", "typ": "JWT", "kid": self.key.kid}, kept, self.key)
