"""Partners: the organisations whose systems exchange tokens here, and the acts of their life."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

from django.urls import reverse

from partners import records, services
from partners.declarations import DeclaredPartner
from partners.lifecycle import PartnerAct
from partners.states import PartnerState
from partners.vocabulary import Kind
from portal.api import objects, queries
from portal.api.answers import Reply, acted, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change


class Partners(Endpoint):
    """All partners, by name."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Partner", {"POST": "NewPartner"}
    is_list = creates = True
    parameters = (*queries.NAMED_LIST, queries.word("state", PartnerState.values, "Partners in this state only."))

    def get(self, request: Request) -> Response:
        """List partners."""
        listing = records.partners(queries.window(request, self.given), state=self.given.get("state", ""))
        return queries.page(request, [objects.shown(record) for record in listing.records], listing.next)

    def post(self, request: Request) -> Response:
        """Register a partner, as a draft."""
        declared = objects.declared(DeclaredPartner, body_of(request))

        def work(change: Change) -> Reply:
            services.register_partner(change, declared)
            document = objects.shown(records.partner(declared.name))
            location = reverse("api:partner", args=[declared.name])
            return Reply(status=HTTPStatus.CREATED, document=document, location=location)

        return perform(request, work)


class Partner(Endpoint):
    """One partner."""

    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.PARTNERS_WRITE}
    shape, bodies = "Partner", {"PATCH": "PartnerChange"}
    is_tagged = True

    def get(self, request: Request, partner: str) -> Response:
        """Read a partner."""
        return told(request, objects.shown(records.partner(partner)))

    def patch(self, request: Request, partner: str) -> Response:
        """Change a partner's own fields."""

        def work(change: Change) -> Reply:
            records.held(Kind.PARTNER, partner)
            record = records.partner(partner)
            require_match(request, objects.shown(record))
            services.change_partner(change, objects.changed(DeclaredPartner, record, body_of(request)))
            return Reply(document=objects.shown(records.partner(partner)))

        return perform(request, work)


class Act(Endpoint):
    """One act of a partner's life: a call without a body."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Partner"
    act: ClassVar[PartnerAct]

    def post(self, request: Request, partner: str) -> Response:
        """Do it, where the partner's state allows it."""
        return acted(
            request,
            lambda: objects.shown(records.partner(partner)),
            lambda change: _SERVICES[self.act](change, partner),
            held=(Kind.PARTNER, partner),
        )


_SERVICES: Final[Mapping[PartnerAct, Callable[[Change, str], object]]] = {
    PartnerAct.PASS_TEST: services.pass_test,
    PartnerAct.ACTIVATE: services.activate_partner,
    PartnerAct.SUSPEND: services.suspend_partner,
    PartnerAct.REINSTATE: services.reinstate_partner,
    PartnerAct.OFFBOARD: services.offboard_partner,
}


class PassTest(Act):
    """The test: a token of the partner's own issuer was exchanged since its configuration last changed."""

    act = PartnerAct.PASS_TEST


class Activate(Act):
    """Activation: from now on the partner may exchange for real. A second person's to say, never a program's."""

    act, is_confirmed = PartnerAct.ACTIVATE, True


class Suspend(Act):
    """Suspension: its exchanges stop at the next request."""

    act = PartnerAct.SUSPEND


class Reinstate(Act):
    """Reinstatement: a suspended partner may exchange again."""

    act = PartnerAct.REINSTATE


class Offboard(Act):
    """The end: trusts and mappings are withdrawn, clients suspended. There is no way back."""

    act, is_confirmed = PartnerAct.OFFBOARD, True
