"""The running API with clients of our own that hold different scopes, and people of each role in process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.urls import resolve

from audit.identifiers import new_id
from exchange.admission import ADMITTED, Admitted
from exchange.own_tokens import OwnToken
from exchange.protocol.request import CLIENT_CREDENTIALS
from portal.roles import Role
from tests import exchange_server
from tests.api import attackers
from tests.portal import organisation as organisations
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from portal.models import User
    from tests.api.attackers import Attacker
    from tests.exchange_server import ExchangeServer
    from tests.portal.organisation import Organisation
    from tests.portal.standing import Standing

SECRET = "s" * 43
CLIENTS = {
    "clerk": ["partners:read", "partners:write", "mappings:publish", "exchanges:read", "settings:write"],
    "reader": ["partners:read"],
    "nothing": [],
}


@dataclass
class Api:
    """The running server, and calls in the name of one of its clients."""

    server: ExchangeServer
    session: str
    """The session of somebody who is a partner manager."""

    def token(self, client: str = "clerk", **options: Any) -> str:
        form = {"grant_type": CLIENT_CREDENTIALS, "audience": f"{self.server.url}/api"}
        answer = self.server.post(form, auth=(client, SECRET), **options)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def call(self, method: str, path: str, *, client: str = "clerk", **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token(client)}", **options.pop("headers", {})}
        return self.server.http.request(method, f"/api/v1/{path}", headers=headers, **options)


@pytest.fixture(scope="module")
def api(services: Any, django_db_blocker: Any) -> Iterator[Api]:
    """A server of this module's own: its tests change the configuration."""

    session: list[str] = []

    def prepare() -> None:
        session.append(_signed_in(organisations.person(Role.PARTNER_MANAGER)))
        for name, scopes in CLIENTS.items():
            add_client(None, name, secret=SECRET, grant_types=[CLIENT_CREDENTIALS], scopes=scopes)

    with exchange_server.running(services, django_db_blocker, prepare=prepare) as server:
        yield Api(server, session[0])


def _signed_in(person: User) -> str:
    """The key of a session of this person, as signing in makes one."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key


class Bearer:
    """Calls of the API in this process, past lane and middleware: with what the lane would have verified."""

    def __init__(self, subject: str, scope: str, client_id: str = "app") -> None:
        self._claims = {"sub": subject, "scope": scope}
        self._client_id = client_id

    def call(self, method: str, path: str, body: str | None = None, /, **headers: str) -> Any:
        own = OwnToken(
            id=str(uuid4()),
            client_id=self._client_id,
            audience=(),
            claims=self._claims,
            expires_at=None,  # type: ignore[arg-type]  # the lane has looked at it
            key_id="",
        )
        admitted = Admitted(own=own, correlation_id=new_id(), description="https://sts.example/resource")
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        request: Any = RequestFactory().generic(method, f"/api/v1/{path}", **options)
        request.user, request.scope = AnonymousUser(), {ADMITTED: admitted}
        match = resolve(request.path_info)
        answer = match.func(request, *match.args, **match.kwargs)
        answer.render()
        answer.json = lambda: json.loads(answer.content)
        return answer


@pytest.fixture
def bearer(db: None) -> Callable[..., Bearer]:  # noqa: ARG001 - asked for its transaction
    """Somebody with a token for the API: a person through a client, or a client of our own."""

    def make(who: User | str, *scopes: str) -> Bearer:
        if isinstance(who, str):
            return Bearer(f"client:{who}", " ".join(scopes), who)
        return Bearer(f"user:{who.pk}", " ".join(scopes))

    return make


@pytest.fixture
def organisation(db: None, standing: Standing) -> Iterator[Organisation]:  # noqa: ARG001 - asked for its permission
    """Partners, people and a day of exchanges, as the pages' tests have them."""
    with standing.seen() as organisation:
        yield organisation


@pytest.fixture(autouse=True)
def _organisation_first(request: pytest.FixtureRequest) -> None:
    """What other fixtures write is to be where the organisation is."""
    if "organisation" in request.fixturenames:
        request.getfixturevalue("organisation")


@pytest.fixture
def attacker(organisation: Organisation, bearer: Callable[..., Bearer]) -> Attacker:
    """An admin who sends what nobody should, and addresses that all lead somewhere."""
    return attackers.build(organisation, bearer)
