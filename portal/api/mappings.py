"""Mappings: what a partner's token is worth at a target, with every version that ever was."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from partners import records, services
from partners.declarations import DeclaredMapping
from partners.errors import NotRegistered
from partners.vocabulary import Kind
from portal.api import objects, queries
from portal.api.answers import Reply, acted, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.partner_side import second_people
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.records import Record

OURS: Final = ""
"""Where an address names no partner: the mappings for clients of our own (``portal.api.own_mappings``)."""


class Mappings(Endpoint):
    """The mappings of one partner, by name."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Mapping", {"POST": "NewMapping"}
    is_list = creates = True
    parameters = queries.NAMED_LIST

    def get(self, request: Request, partner: str = OURS) -> Response:
        """List mappings: of each the version in force, or the newest where none is."""
        listing = records.mappings(partner, queries.window(request, self.given))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)

    def post(self, request: Request, partner: str = OURS) -> Response:
        """Write the first version of a mapping, as a draft."""

        def work(change: Change) -> Reply:
            records.held(Kind.MAPPING, partner)
            declared = objects.declared(DeclaredMapping, body_of(request), partner=partner or None)
            services.save_draft(change, declared, seen="")
            location = _draft_address(partner, declared.name)
            document = objects.shown(records.draft(partner, declared.name))
            return Reply(status=HTTPStatus.CREATED, document=document, location=location)

        return perform(request, work)


class Mapping(Endpoint):
    """One mapping."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "Mapping", True

    def get(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Read a mapping: the version in force, or the newest where none is."""
        return told(request, objects.shown(records.mapping(partner, mapping)))


class Versions(Endpoint):
    """Every version of one mapping, newest first. Versions never change."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Mapping", True
    parameters = queries.LIST

    def get(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """List the versions of a mapping."""
        listing = records.versions(partner, mapping, queries.window(request, self.given))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)


class Draft(Endpoint):
    """The next version of a mapping, as it is being written. Nothing is in force by it."""

    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.PARTNERS_WRITE, "DELETE": Permission.PARTNERS_WRITE}
    shape, bodies = "Mapping", {"PATCH": "MappingChange"}
    is_tagged = True

    def get(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Read the draft of a mapping."""
        return told(request, objects.shown(records.draft(partner, mapping)))

    def patch(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Change the draft; where there is none, begin one with what the mapping says now."""

        def work(change: Change) -> Reply:
            records.held(Kind.MAPPING, partner)
            begun = _begun(partner, mapping)
            require_match(request, objects.shown(begun))
            declared = objects.changed(DeclaredMapping, begun, body_of(request))
            services.save_draft(change, declared, seen=records.stamp(partner, mapping))
            return Reply(document=objects.shown(records.draft(partner, mapping)))

        return perform(request, work)

    def delete(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Discard the draft, which the answer shows once more. What is in force stays."""

        def work(change: Change) -> Reply:
            records.held(Kind.MAPPING, partner)
            document = objects.shown(records.draft(partner, mapping))
            require_match(request, document)
            services.discard_draft(change, partner, mapping, seen=records.stamp(partner, mapping))
            return Reply(document=document)

        return perform(request, work)


class Publish(Endpoint):
    """The draft into force. Once the partner is active that takes another person than its author, never a program."""

    needs = {"POST": Permission.MAPPINGS_PUBLISH}
    shape, is_confirmed = "Mapping", True

    def post(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Publish the draft of a mapping."""

        def work(change: Change) -> Reply:
            records.held(Kind.MAPPING, partner)
            require_match(request, objects.shown(records.draft(partner, mapping)), is_optional=True)
            second_people.require_not_the_inviter(change, partner, mapping)
            services.publish_draft(change, partner, mapping, seen=records.stamp(partner, mapping))
            return Reply(document=objects.shown(records.mapping(partner, mapping)))

        return perform(request, work)


def _draft_address(partner: str, mapping: str) -> str:
    if partner == OURS:
        return reverse("api:own-draft", args=[mapping])
    return reverse("api:draft", args=[partner, mapping])


def _begun(partner: str, mapping: str) -> Record:
    """What a change of the draft starts from. Raises ``NotRegistered``."""
    try:
        return records.draft(partner, mapping)
    except NotRegistered:
        return records.mapping(partner, mapping)


class Withdraw(Endpoint):
    """The end of the version in force; another can be published later."""

    needs = {"POST": Permission.MAPPINGS_PUBLISH}
    shape = "Mapping"

    def post(self, request: Request, mapping: str, partner: str = OURS) -> Response:
        """Withdraw a mapping."""
        return acted(
            request,
            lambda: objects.shown(records.mapping(partner, mapping)),
            lambda change: services.withdraw_mapping(change, partner, mapping),
            held=(Kind.MAPPING, partner),
        )
