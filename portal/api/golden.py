"""Golden tokens: tries that must come to the same end, and that block a publication while they do not.

Of a token its header and the claims that rules read are kept, never its signature.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from rest_framework.response import Response

from exchange import golden, golden_lists
from partners import profiles
from partners.errors import Problem
from portal.api import queries
from portal.api.act_bodies import GOLDEN_TOKEN_CHANGE
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.drafts import draft_of
from portal.api.endpoint import Endpoint, body_of
from portal.api.problems import not_found, wrong_fields
from portal.api.reading import read
from portal.api.showing import shown
from portal.api.tried_shapes import SHAPES
from portal.api.tries import NEW_CASE, OF_PARTNER
from portal.permissions import Permission
from portal.simulator import simulations

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from partners.changes import Change

_STATES: Final = {"green": True, "red": False}


class GoldenTokens(Endpoint):
    """Golden tokens, newest first."""

    needs = {"GET": Permission.EXCHANGES_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "GoldenToken", {"POST": "NewGoldenToken"}
    is_list = creates = True
    parameters = (
        *queries.LIST[1:],
        queries.text("partner", "Those of this partner only, by its name."),
        queries.word("state", _STATES, "Those that came to the end they must come to, or to another one, only."),
    )

    def get(self, request: Request) -> Response:
        """List golden tokens, 50 at a time."""
        is_green = _STATES.get(self.given.get("state", ""))
        before = queries.before(request, self.given)
        page = golden_lists.page(partner=self.given.get("partner", ""), is_green=is_green, before=before)
        return queries.page(request, [_shown(case) for case in page.cases], str(page.older) if page.older else "")

    def post(self, request: Request) -> Response:
        """Keep a try as a golden token, with the end that it comes to now."""
        wanted = read(NEW_CASE, body_of(request))
        question = wanted.question()

        def work(change: Change) -> Reply:
            answer, ground = simulations.run(question, draft=None, as_if_active=wanted.as_if_active)
            kept = simulations.kept_of(question, answer, ground, as_if_active=wanted.as_if_active)
            case = golden.keep(change, kept, wanted.name)
            location = reverse("api:golden-token", args=[case.id])
            return Reply(status=HTTPStatus.CREATED, document=_document(case.id), location=location)

        return perform(request, work)


class GoldenToken(Endpoint):
    """One golden token."""

    needs = {"GET": Permission.EXCHANGES_READ, "PATCH": Permission.PARTNERS_WRITE, "DELETE": Permission.PARTNERS_WRITE}
    shape, bodies, is_tagged = "GoldenToken", {"PATCH": "GoldenTokenChange"}, True

    def get(self, request: Request, case: UUID) -> Response:
        """Read a golden token, with the end it came to last."""
        return told(request, _document(case))

    def patch(self, request: Request, case: UUID) -> Response:
        """Call a golden token something else."""
        name = read(GOLDEN_TOKEN_CHANGE, body_of(request)).name

        def work(change: Change) -> Reply:
            require_match(request, _document(case))
            golden.rename(change, case, name)
            return Reply(document=_document(case))

        return perform(request, work)

    def delete(self, request: Request, case: UUID) -> Response:
        """Delete a golden token, which the answer shows once more."""

        def work(change: Change) -> Reply:
            document = _document(case)
            require_match(request, document)
            golden.delete(change, case)
            return Reply(document=document)

        return perform(request, work)


class Run(Endpoint):
    """A golden token tried again, now."""

    needs = {"POST": Permission.EXCHANGES_READ}
    shape, only_asks = "GoldenToken", True

    def post(self, request: Request, case: UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Try a golden token again. It changes nothing but what is known of it."""
        _document(case)
        golden.run_one(case)
        return Response(_document(case))


class RunOfPartner(Endpoint):
    """The golden tokens of one partner tried again, now. One has 200 at most."""

    needs = {"POST": Permission.EXCHANGES_READ}
    shape, bodies, only_asks = "GoldenRun", {"POST": "OfPartner"}, True

    def post(self, request: Request) -> Response:
        """Try the golden tokens of a partner again. It changes nothing but what is known of them."""
        slug = read(OF_PARTNER, body_of(request)).partner
        if profiles.profile(slug) is None:
            raise wrong_fields((Problem(path=("partner",), expected="the name of a partner"),))
        checked = golden.run_all(slug)
        red = [_shown(golden_lists.tried(one)) for one in checked if not one.is_green]
        return Response({"tried": len(checked), "red": red})


class BlockedBy(Endpoint):
    """What stops a draft from being published: golden tokens that would come to another end with it in force."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape, is_list = "GoldenToken", True

    def get(self, request: Request, partner: str, mapping: str) -> Response:
        """List what is in the way of a draft: `found` is the end with the draft in force. All in one part."""
        red = golden.in_the_way(draft_of(partner, mapping))
        return queries.page(request, [_shown(golden_lists.tried(one)) for one in red], "")


def _document(case_id: UUID) -> dict[str, Any]:
    found = golden_lists.case(case_id)
    if found is None:
        raise not_found()
    return _shown(found)


def _shown(case: golden_lists.Case) -> dict[str, Any]:
    return shown(SHAPES["GoldenToken"], case, partner=case.slug)
