"""OAuth clients: partners' systems, and resource servers and programs of our own. By id: names may hold anything.

A client of our own may hold scopes of this API, so whoever can change one, or get a secret of it, can do what it can:
that takes the permission to change settings, not the one to change partners.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from partners import records, services
from partners.declarations import DeclaredClient
from partners.errors import NotRegistered
from partners.vocabulary import Kind
from portal.api import objects, queries
from portal.api.act_bodies import NEW_SECRET
from portal.api.answers import Reply, acted, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of, caller_of, require
from portal.api.reading import read
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.records import Record


class Clients(Endpoint):
    """All clients, by client id."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Client", {"POST": "NewClient"}
    is_list = creates = True
    parameters = (
        *queries.NAMED_LIST,
        queries.text("partner", "Those of this partner only, by its name."),
        queries.text("client_id", "The one with this client id."),
    )

    def get(self, request: Request) -> Response:
        """List clients."""
        window, given = queries.window(request, self.given), self.given
        listing = records.clients(window, partner=given.get("partner"), client_id=given.get("client_id", ""))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)

    def post(self, request: Request) -> Response:
        """Register a client. It gets its secret by a call of its own."""
        declared = objects.declared(DeclaredClient, body_of(request))
        if declared.partner is None:
            require(caller_of(request), Permission.SETTINGS_WRITE)

        def work(change: Change) -> Reply:
            services.register_client(change, declared)
            (record,) = records.clients(records.Window(size=1), client_id=declared.name).records
            location = reverse("api:client", args=[record.id])
            return Reply(status=HTTPStatus.CREATED, document=objects.shown(record), location=location)

        return perform(request, work)


class Client(Endpoint):
    """One client."""

    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.PARTNERS_WRITE}
    shape, bodies = "Client", {"PATCH": "ClientChange"}
    is_tagged = True

    def get(self, request: Request, client: UUID) -> Response:
        """Read a client. Of its secrets only that they exist."""
        return told(request, objects.shown(records.client(client)))

    def patch(self, request: Request, client: UUID) -> Response:
        """Change a client's own fields."""

        def work(change: Change) -> Reply:
            record = _held(request, client)
            require_match(request, objects.shown(record))
            services.change_client(change, objects.changed(DeclaredClient, record, body_of(request)))
            return Reply(document=objects.shown(records.client(client)))

        return perform(request, work)


class Suspend(Endpoint):
    """Suspension: the client gets the answer of an unknown one."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Client"

    def post(self, request: Request, client: UUID) -> Response:
        """Suspend a client."""
        return _act(request, client, services.suspend_client)


class Reinstate(Endpoint):
    """Reinstatement: a suspended client is served again."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Client"

    def post(self, request: Request, client: UUID) -> Response:
        """Reinstate a client."""
        return _act(request, client, services.reinstate_client)


class Secrets(Endpoint):
    """The secrets of a client: two live at a time, so that a rotation has an overlap (rule 148)."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies = "ClientWithSecret", {"POST": "NewSecret"}
    creates = True

    def post(self, request: Request, client: UUID) -> Response:
        """Make a new secret. It is shown in this answer and never again."""
        overlap = read(NEW_SECRET, body_of(request)).overlap

        def work(change: Change) -> Reply:
            record = _held(request, client)
            require_match(request, objects.shown(record), is_optional=True)
            ends_at = None if overlap is None else timezone.now() + overlap
            secret = services.generate_secret(change, record.declared.name, older_ends_at=ends_at)
            document = objects.shown(records.client(client))
            return Reply(status=HTTPStatus.CREATED, document=document, secret=secret)

        return perform(request, work)


class Secret(Endpoint):
    """One live secret of a client, by its slot."""

    needs = {"DELETE": Permission.PARTNERS_WRITE}
    shape = "Client"

    def delete(self, request: Request, client: UUID, slot: int) -> Response:
        """End a secret now."""

        def work(change: Change) -> Reply:
            record = _held(request, client)
            if slot not in {secret["slot"] for secret in record.more["secrets"]}:
                raise NotRegistered(Kind.CLIENT, f"{record.declared.name} secret {slot}")
            require_match(request, objects.shown(record))
            services.withdraw_secret(change, record.declared.name, slot)
            return Reply(document=objects.shown(records.client(client)))

        return perform(request, work)


def _act(request: Request, client: UUID, act: Callable[[Change, str], Any]) -> Response:
    return acted(
        request,
        lambda: objects.shown(_held(request, client)),
        lambda change: act(change, records.client(client).declared.name),
    )


def _held(request: Request, client: UUID) -> Record:
    """The client under its locks, for a caller who may change it. Raises ``NotRegistered``, ``InsufficientScope``."""
    found = records.client(client)
    if getattr(found.declared, "partner", None) is None:
        require(caller_of(request), Permission.SETTINGS_WRITE)
    records.held(Kind.CLIENT, found.declared.name)
    return records.client(client)
