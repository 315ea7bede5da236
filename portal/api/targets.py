"""Targets and their scope catalogues: what can be asked for at all. A security admin's to change (rule 153)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.urls import reverse

from partners import records, services
from partners.declarations import DeclaredTarget
from partners.errors import NotRegistered
from partners.vocabulary import Kind
from portal.api import objects, queries
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change


class Targets(Endpoint):
    """All targets, by name."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.SETTINGS_WRITE}
    shape, bodies = "Target", {"POST": "NewTarget"}
    is_list = creates = True
    parameters = queries.NAMED_LIST

    def get(self, request: Request) -> Response:
        """List targets."""
        listing = records.targets(queries.window(request, self.given))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)

    def post(self, request: Request) -> Response:
        """Register a target with its scopes."""

        def work(change: Change) -> Reply:
            declared = objects.declared(DeclaredTarget, body_of(request))
            services.register_target(change, declared)
            document = objects.shown(records.target(declared.name))
            location = reverse("api:target", args=[declared.name])
            return Reply(status=HTTPStatus.CREATED, document=document, location=location)

        return perform(request, work)


class Target(Endpoint):
    """One target."""

    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.SETTINGS_WRITE}
    shape, bodies = "Target", {"PATCH": "TargetChange"}
    is_tagged = True

    def get(self, request: Request, target: str) -> Response:
        """Read a target with its scopes."""
        return told(request, objects.shown(records.target(target)))

    def patch(self, request: Request, target: str) -> Response:
        """Change a target, add scopes or change them. A scope leaves by a call of its own."""

        def work(change: Change) -> Reply:
            records.held(Kind.TARGET, target)
            record = records.target(target)
            require_match(request, objects.shown(record))
            services.change_target(change, objects.changed(DeclaredTarget, record, body_of(request)))
            return Reply(document=objects.shown(records.target(target)))

        return perform(request, work)


class Scope(Endpoint):
    """One scope of a target's catalogue."""

    needs = {"DELETE": Permission.SETTINGS_WRITE}
    shape = "Target"

    def delete(self, request: Request, target: str, scope: str) -> Response:
        """Take a scope out of the catalogue, where nothing grants it any more."""

        def work(change: Change) -> Reply:
            records.held(Kind.TARGET, target)
            record = records.target(target)
            if scope not in getattr(record.declared, "scopes", {}):
                raise NotRegistered(Kind.TARGET, f"{target} {scope}")
            require_match(request, objects.shown(record))
            services.withdraw_scope(change, target, scope)
            return Reply(document=objects.shown(records.target(target)))

        return perform(request, work)
