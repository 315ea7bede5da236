"""Trusts: whose tokens are accepted for a partner, and under which conditions."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.urls import reverse

from partners import records, services
from partners.declarations import DeclaredTrust
from partners.vocabulary import Kind
from portal.api import objects, queries
from portal.api.answers import Reply, acted, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change


class Trusts(Endpoint):
    """The trusts of one partner, by name."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Trust", {"POST": "NewTrust"}
    is_list = creates = True
    parameters = queries.NAMED_LIST

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's trusts."""
        listing = records.trusts(partner, queries.window(request, self.given))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)

    def post(self, request: Request, partner: str) -> Response:
        """Trust an issuer for a partner."""

        def work(change: Change) -> Reply:
            records.held(Kind.PARTNER, partner)
            declared = objects.declared(DeclaredTrust, body_of(request), partner=partner)
            services.add_trust(change, declared)
            document = objects.shown(records.trust(partner, declared.name))
            location = reverse("api:trust", args=[partner, declared.name])
            return Reply(status=HTTPStatus.CREATED, document=document, location=location)

        return perform(request, work)


class Trust(Endpoint):
    """One trust."""

    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.PARTNERS_WRITE}
    shape, bodies = "Trust", {"PATCH": "TrustChange"}
    is_tagged = True

    def get(self, request: Request, partner: str, trust: str) -> Response:
        """Read a trust."""
        return told(request, objects.shown(records.trust(partner, trust)))

    def patch(self, request: Request, partner: str, trust: str) -> Response:
        """Change a trust."""

        def work(change: Change) -> Reply:
            records.held(Kind.TRUST, partner)
            record = records.trust(partner, trust)
            require_match(request, objects.shown(record))
            services.change_trust(change, objects.changed(DeclaredTrust, record, body_of(request)))
            return Reply(document=objects.shown(records.trust(partner, trust)))

        return perform(request, work)


class Withdraw(Endpoint):
    """The end of a trust, and of the mappings that rest on it. There is no way back."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Trust"

    def post(self, request: Request, partner: str, trust: str) -> Response:
        """Withdraw a trust."""
        return acted(
            request,
            lambda: objects.shown(records.trust(partner, trust)),
            lambda change: services.withdraw_trust(change, partner, trust),
            held=(Kind.TRUST, partner),
        )
