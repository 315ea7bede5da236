"""What the partner proposes about its issuer: nothing of it counts before somebody of ours has approved it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from audit.events import Actor, ActorKind
from audit.models import Event
from partners import models, services
from partners.changes import changing
from portal.models import Proposal, User
from portal.roles import Role
from tests.portal import happenings, partner_side
from tests.portal import organisation as organisations
from tests.portal.conftest import prove

if TYPE_CHECKING:
    from tests.portal.partner_side import Sides

ISSUER = "https://login.kestrel.example"
SARA = "partner.manager@meridian.example"


@pytest.fixture
def sides(db: None) -> Sides:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    built = partner_side.build()
    Proposal.objects.all().delete()
    return built


@pytest.fixture
def manager(db: None) -> Client:  # noqa: ARG001 - asked for its transaction
    client = Client()
    client.force_login(organisations.person(Role.PARTNER_MANAGER, name="Sara Haddad"))
    prove(client)
    return client


def propose(sides: Sides, path: str = "/connect/issuer", **fields: Any) -> Any:
    form = {"issuer": ISSUER, "method": "discovery", "algorithms": ["ES256"], "audiences": "", **fields}
    return sides.browser.post(path, form)


def waiting() -> Proposal:
    return Proposal.objects.get(state="waiting")


def page_of(proposal: Proposal) -> str:
    return f"/partners/kestrel/people/proposals/{proposal.pk}"


def trusts() -> dict[str, str]:
    return dict(models.FederationTrust.objects.filter(partner__slug="kestrel").values_list("name", "issuer"))


def test_an_issuer_counts_once_it_is_approved_and_in_the_name_of_who_approved(sides: Sides, manager: Client) -> None:
    before = trusts()
    models.Partner.objects.filter(slug="kestrel").update(owner=User.objects.get(email=SARA))
    assert propose(sides)["Location"] == "/connect"
    assert (mail.outbox[0].to, ISSUER in str(mail.outbox[0].body)) == ([SARA], True)
    assert "It counts once somebody" in sides.browser.get("/connect").content.decode()
    assert trusts() == before
    row = waiting()
    assert row.trust == "kestrel-idp-2"
    listed = manager.get("/partners/kestrel/people").content.decode()
    assert page_of(row) in listed
    assert ISSUER in manager.get(page_of(row)).content.decode()
    assert trusts() == before
    assert manager.post(f"{page_of(row)}/approve")["Location"] == "/partners/kestrel/trust"
    assert trusts() == before | {"kestrel-idp-2": ISSUER}
    assert (mail.outbox[1].to, "approved what you proposed" in str(mail.outbox[1].body)) == ([partner_side.MEI], True)
    added = Event.objects.get(kind="trust.added")
    assert added.actor == "user:partner.manager@meridian.example"
    again = manager.post(f"{page_of(row)}/approve")
    assert again.status_code == 409
    assert "partner.manager@meridian.example decided this meanwhile" in again.content.decode()
    kinds = Event.objects.filter(kind__startswith="proposal.").order_by("id").values_list("kind", "actor")
    assert [kind for kind, _ in kinds] == ["proposal.made", "proposal.approved"]
    assert kinds[0][1] == f"user:{partner_side.MEI}"


def test_approving_a_change_takes_back_nothing_that_we_changed_meanwhile(sides: Sides, manager: Client) -> None:
    assert propose(sides, "/connect/trusts/kestrel-idp", audiences="api://handover").status_code == 302
    models.FederationTrust.objects.filter(name="kestrel-idp").update(max_depth=3)
    compared = manager.get(page_of(waiting())).content.decode()
    assert compared.index("audiences") < compared.index("max_depth")
    manager.post(f"{page_of(waiting())}/approve")
    row = models.FederationTrust.objects.get(name="kestrel-idp")
    assert (row.issuer, row.audiences, row.max_depth) == (ISSUER, ["api://handover"], 3)


def test_a_declined_proposal_says_why_to_the_partner(sides: Sides, manager: Client) -> None:
    propose(sides)
    row = waiting()
    empty = manager.post(f"{page_of(row)}/decline", {"answer": " "})
    assert empty.status_code == 422
    assert "Say why it is declined" in empty.content.decode()
    words = "This issuer is <b>not</b> yours alone."
    assert manager.post(f"{page_of(row)}/decline", {"answer": words})["Location"] == "/partners/kestrel/people"
    assert "This issuer is &lt;b&gt;not&lt;/b&gt; yours alone." in sides.browser.get("/connect").content.decode()
    assert words in str(mail.outbox[-1].body)
    assert SARA not in str(mail.outbox[-1].body)
    assert "kestrel-idp-2" not in trusts()
    late = manager.post(f"{page_of(row)}/decline", {"answer": "once more"})
    assert late.status_code == 409
    assert "once more" in late.content.decode()


def test_a_newer_proposal_replaces_the_waiting_one_and_one_can_be_withdrawn(sides: Sides, manager: Client) -> None:
    propose(sides)
    first = waiting()
    propose(sides, issuer="https://other.kestrel.example")
    second = waiting()
    assert manager.post(f"{page_of(first)}/approve").status_code == 409
    path = f"/connect/proposals/{second.pk}/withdraw"
    assert sides.browser.post(path).status_code == 302
    late = sides.browser.post(path)
    assert late.status_code == 409
    assert "decided this meanwhile" in late.content.decode()
    states = Proposal.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["replaced", "withdrawn"]
    assert manager.get(f"/partners/kestrel/people/proposals/{uuid4()}").status_code == 404
    assert manager.post(f"/partners/fjord/people/proposals/{second.pk}/approve").status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"issuer": ""}, "Issuer is empty"),
        ({"issuer": "http://login.kestrel.example"}, "https URL"),
        ({"method": "jwks_uri", "jwks_uri": "http://127.0.0.1/keys"}, "https URL"),
        ({"method": "uploaded", "jwks": "{"}, "not readable as JSON"),
        ({"method": "uploaded", "jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}'}, "symmetric"),
        ({"algorithms": []}, "Signatures your tokens carry: nothing is chosen"),
        ({"audiences": "x" * 300}, "audiences"),
    ],
)
def test_what_nobody_could_approve_is_refused_beside_its_field(
    sides: Sides, fields: dict[str, Any], words: str
) -> None:
    answer = propose(sides, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Proposal.objects.exists()


def test_what_the_configuration_no_longer_takes_is_said_where_it_is_approved(sides: Sides, manager: Client) -> None:
    propose(sides)
    proposal = waiting()
    with changing(Actor(ActorKind.USER, "ada@meridian.example")) as change:
        services.withdraw_trust(change, "kestrel", "kestrel-idp")
    propose(sides, "/connect/trusts/kestrel-idp")
    models.FederationTrust.objects.filter(partner__slug="fjord").update(partner=sides.kestrel, issuer=ISSUER)
    answer = manager.post(f"{page_of(proposal)}/approve")
    assert answer.status_code == 409
    assert "an issuer that trust" in answer.content.decode()
    assert waiting() == proposal


def test_an_issuer_is_checked_by_the_partner_before_it_is_proposed(sides: Sides) -> None:
    typed = {"issuer": "https://10.0.0.1", "method": "discovery", "algorithms": ["RS256"]}
    page = sides.browser.post("/connect/issuer/check", typed).content.decode()
    assert "https://10.0.0.1" in page
    assert "failed" in page
    part = sides.browser.post("/connect/issuer/check", typed, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    uploaded = {"method": "uploaded", "jwks": json.dumps({"keys": []})}
    assert "failed" in sides.browser.post("/connect/issuer/check", uploaded).content.decode()


def test_it_is_handed_over_when_a_token_of_their_own_issuer_was_exchanged_and_not_before(sides: Sides) -> None:
    early = sides.browser.post("/connect/hand-over")
    assert early.status_code == 409
    assert "for a token that its own issuer signed" in re.sub(r"\s+", " ", early.content.decode())
    trust = models.FederationTrust.objects.get(name="kestrel-idp")
    happenings.granted(sides.kestrel, trust={"id": str(trust.pk)}, client="kestrel-batch")
    assert "Hand it over as tested" in sides.browser.get("/connect/try/newest").content.decode()
    assert sides.browser.post("/connect/hand-over")["Location"] == "/connect"
    assert models.Partner.objects.get(slug="kestrel").state == "tested"
    assert "Nothing is left for you to do" in sides.browser.get("/connect").content.decode()
    assert Event.objects.get(kind="partner.tested").actor == f"user:{partner_side.MEI}"
