"""What a partner proposes about the trusts in it, and what somebody of ours decides. Nothing counts before that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from partners.errors import ConfigurationError
from portal.api import queries
from portal.api.act_bodies import ANSWER
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.parties import party
from portal.api.partner_side_shapes import SHAPES
from portal.api.problems import not_found
from portal.api.reading import read
from portal.api.showing import shown
from portal.models import Proposal as Row
from portal.partner_side import letters, proposals
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.profiles import Profile
    from portal.partner_side.proposals import Proposed


class Proposals(Endpoint):
    """What one partner proposed, newest first."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Proposal", True
    parameters = (*queries.LIST, queries.word("state", Row.State.values, "Those in this state only."))

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's proposals."""
        known, state = party(partner), self.given.get("state", "")
        return queries.newest(request, self.given, partial(proposals.listed, known.id, state=state), _shown)


class Proposal(Endpoint):
    """One proposal, beside what is in force."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "ProposalTold", True

    def get(self, request: Request, partner: str, proposal: UUID) -> Response:
        """Read a proposal with what it would change."""
        known = party(partner)
        return told(request, _told(known, _proposed(known, proposal)))


class Approve(Endpoint):
    """A proposal put into force, in the name of whoever approves: for activation, they made this change."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, is_confirmed = "ProposalTold", True

    def post(self, request: Request, partner: str, proposal: UUID) -> Response:
        """Approve a proposal."""

        def decide(change: Change, known: Profile) -> None:
            proposals.approve(change, partner, known.id, proposal)

        return _decided(request, partner, proposal, decide)


class Decline(Endpoint):
    """No to a proposal, in words that the partner reads."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies, is_confirmed = "ProposalTold", {"POST": "AnswerToProposal"}, True

    def post(self, request: Request, partner: str, proposal: UUID) -> Response:
        """Decline a proposal."""

        def decide(change: Change, known: Profile) -> None:
            given = read(ANSWER, body_of(request))
            proposals.decline(change, known.id, proposal, given.answer)

        return _decided(request, partner, proposal, decide)


def _decided(request: Request, partner: str, proposal: UUID, decide: Callable[[Change, Profile], None]) -> Response:
    """The proposal once it is decided; its author hears of that by mail, once however often the call is sent."""
    done: list[Proposed] = []

    def work(change: Change) -> Reply:
        known = party(partner)
        require_match(request, _told(known, _proposed(known, proposal)), is_optional=True)
        decide(change, known)
        done.append(_proposed(known, proposal))
        return Reply(document=_told(known, done[0]))

    response = perform(request, work)
    for decided in done:
        letters.tell_author(decided)
    return response


def _proposed(partner: Profile, proposal_id: UUID) -> Proposed:
    found = proposals.find(partner.id, proposal_id)
    if found is None:
        raise not_found()
    return found


def _shown(proposed: Proposed) -> dict[str, Any]:
    return shown(SHAPES["Proposal"], proposed, author=proposed.author_email)


def _told(partner: Profile, proposed: Proposed) -> dict[str, Any]:
    """The proposal with each field that it would change; ``obstacle`` says why it could not be approved as it is."""
    differences: list[dict[str, Any]] = []
    obstacle = None
    if proposed.is_waiting:
        try:
            lines = proposals.compared(partner.slug, proposed)
            differences = [
                {"field": line.field, "before": line.before, "after": line.after} for line in lines if line.differs
            ]
        except ConfigurationError as error:
            obstacle = str(error)
    return {**_shown(proposed), "differences": differences, "obstacle": obstacle}
