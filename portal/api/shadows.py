"""Drafts of mappings in shadow: beside what is in force, each exchange is tried with the draft too, with no effect."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from partners import profiles, records
from partners.vocabulary import Kind
from portal.api import queries
from portal.api.answers import Reply, acted, perform, told
from portal.api.back_tests import EFFECT, counts, shown_line
from portal.api.drafts import matched_draft
from portal.api.endpoint import Endpoint
from portal.api.problems import not_found
from portal.api.showing import shown
from portal.api.tried_shapes import SHAPES
from portal.permissions import Permission
from portal.simulator import shadow_lists, shadows

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from portal.simulator.shadow_lists import Shown


class Shadow(Endpoint):
    """The shadow of a mapping's drafts that was started last. ``If-Match`` of a POST names the version of the draft."""

    needs = {"GET": Permission.EXCHANGES_READ, "POST": Permission.PARTNERS_WRITE}
    shape, creates, is_tagged = "Shadow", True, True

    def get(self, request: Request, partner: str, mapping: str) -> Response:
        """Read what a draft in shadow found so far."""
        return told(request, _document(_newest(partner, mapping)))

    def post(self, request: Request, partner: str, mapping: str) -> Response:
        """Run the draft in shadow, for 14 days at most."""

        def work(change: Change) -> Reply:
            records.held(Kind.MAPPING, partner)
            shadows.start(change, matched_draft(request, partner, mapping))
            location = reverse("api:shadow", args=[partner, mapping])
            return Reply(status=HTTPStatus.CREATED, document=_document(_newest(partner, mapping)), location=location)

        return perform(request, work)


class Stop(Endpoint):
    """The end of a shadow. What it found stays to be read."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Shadow"

    def post(self, request: Request, partner: str, mapping: str) -> Response:
        """Stop a shadow."""
        return acted(
            request,
            lambda: _document(_newest(partner, mapping)),
            lambda change: shadows.stop(change, _newest(partner, mapping).id),
        )


class Differences(Endpoint):
    """The exchanges that would have ended in another way with the draft in force: the first 1,000."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape, is_list = "Difference", True
    parameters = (*queries.LIST[1:], EFFECT)

    def get(self, request: Request, partner: str, mapping: str) -> Response:
        """List what a draft in shadow would have changed, newest first, 50 at a time."""
        effect, before = self.given.get("effect", ""), queries.before(request, self.given)
        lines, older = shadow_lists.differences(_newest(partner, mapping).id, effect=effect, before=before)
        return queries.page(request, list(map(shown_line, lines)), str(older) if older else "")


def _newest(partner: str, mapping: str) -> Shown:
    owner = profiles.profile(partner)
    found = None if owner is None else shadow_lists.newest(owner.id, mapping)
    if found is None:
        raise not_found()
    return found


def _document(found: Shown) -> dict[str, Any]:
    return shown(SHAPES["Shadow"], found, counts=counts(found.counts))
