"""Drafts of mappings tried against recorded exchanges: the figures, and which exchanges would end in another way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from portal.api import queries
from portal.api.answers import Reply, perform, told
from portal.api.drafts import draft_of, matched_draft
from portal.api.endpoint import Endpoint, body_of
from portal.api.problems import not_found
from portal.api.reading import read
from portal.api.showing import shown
from portal.api.tried_shapes import SHAPES
from portal.api.tries import SPAN
from portal.permissions import Permission
from portal.simulator import back_tests, shadow_lists
from portal.simulator.replaying import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.excerpts import Draft
    from portal.simulator.shadow_lists import Line

BOUNDS: Final = back_tests.Bounds()
EFFECT: Final = queries.word("effect", Effect, "Those that the draft has this effect on only.")


class BackTest(Endpoint):
    """The last back-test of a draft as it is written now. ``If-Match`` of a POST names the version of the draft."""

    needs = {"GET": Permission.EXCHANGES_READ, "POST": Permission.EXCHANGES_READ}
    shape, bodies, is_tagged = "BackTest", {"POST": "Span"}, True

    def get(self, request: Request, partner: str, mapping: str) -> Response:
        """Read what the last back-test of a draft found."""
        return told(request, _document(draft_of(partner, mapping)))

    def post(self, request: Request, partner: str, mapping: str) -> Response:
        """Try a draft against the recorded exchanges of the last days; it takes seconds."""
        span = read(SPAN, body_of(request))

        def work(change: Change) -> Reply:
            draft = matched_draft(request, partner, mapping)
            back_tests.take_turns(draft)
            since = timezone.now() - timedelta(days=span.days)
            report = back_tests.back_test(draft, since=since, bounds=BOUNDS)
            back_tests.keep(draft, report, change.actor, since=since)
            return Reply(document=_document(draft))

        return perform(request, work)


class Differences(Endpoint):
    """The exchanges that would end in another way with a draft in force, as its last back-test found: 1,000 at most."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape, is_list = "Difference", True
    parameters = (*queries.LIST[1:], EFFECT)

    def get(self, request: Request, partner: str, mapping: str) -> Response:
        """List what a draft would change, newest first, 50 at a time."""
        draft = draft_of(partner, mapping)
        _document(draft)
        effect, before = self.given.get("effect", ""), queries.before(request, self.given)
        lines, older = shadow_lists.tested_differences(draft.id, effect=effect, before=before)
        return queries.page(request, list(map(shown_line, lines)), str(older) if older else "")


def _document(draft: Draft) -> dict[str, Any]:
    found = shadow_lists.back_test(draft.id, draft.saved_at)
    if found is None:
        raise not_found()
    return shown(SHAPES["BackTest"], found, draft=draft.id, counts=counts(found.counts))


def counts(found: Mapping[str, int]) -> dict[str, int]:
    """How many exchanges each effect was found on; always all effects."""
    return {effect.value: found.get(effect, 0) for effect in Effect}


def shown_line(line: Line) -> dict[str, Any]:
    """One exchange that would end in another way. ``exchange`` is the event by which it can be read."""
    return shown(SHAPES["Difference"], line, exchange=line.event_id)
