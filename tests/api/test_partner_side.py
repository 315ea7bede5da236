"""A partner's own people by the API: invited by a person, let in by a letter, closed; what they propose is decided."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core import mail

from audit.models import Event
from partners import models
from portal.api.examples import EXAMPLES
from portal.models import Invitation, PartnerAdmin, Proposal, User
from portal.partner_side import invitations
from portal.permissions import Permission
from portal.roles import Role
from tests.api.test_care import items

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

MEI = "mei@kestrel.example"
INVITATIONS, PROPOSALS = "partners/kestrel/invitations", "partners/kestrel/proposals"


@pytest.fixture
def manager(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    """A partner manager through the client ``app``; Kestrel's contact is at its own domain."""
    models.Partner.objects.filter(slug="kestrel").update(contact_email="it@kestrel.example")
    return bearer(organisation.people[Role.PARTNER_MANAGER], *Permission)


def post(manager: Bearer, path: str, body: Any, /, **headers: str) -> Any:
    return manager.call("POST", path, json.dumps(body), **headers)


def kinds(about: str) -> list[str]:
    return list(Event.objects.filter(kind__startswith=about).order_by("id").values_list("kind", flat=True))


def proposed(**fields: Any) -> Proposal:
    """What Kestrel's own admin proposes."""
    author = PartnerAdmin.objects.get(partner__slug="kestrel").user
    kestrel = models.Partner.objects.get(slug="kestrel")
    return Proposal.objects.create(partner=kestrel, trust="kestrel-idp", author=author, fields=fields)


def test_somebody_is_invited_once_and_only_the_letter_has_the_link(manager: Bearer) -> None:
    first = post(manager, INVITATIONS, {"email": MEI}, **{"idempotency-key": "i-1"})
    again = post(manager, INVITATIONS, {"email": MEI}, **{"idempotency-key": "i-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    row = Invitation.objects.get()
    assert first["Location"] == f"/api/v1/{INVITATIONS}/{row.pk}"
    assert (first.json()["email"], first.json()["condition"]) == (MEI, "waiting")
    (letter,) = mail.outbox
    (token,) = re.findall(r"/invitation/([\w-]{43})", str(letter.body))
    assert token not in first.content.decode()
    assert kinds("invite.") == ["invite.sent"]
    assert items(manager, INVITATIONS) == [manager.call("GET", f"{INVITATIONS}/{row.pk}").json()]
    person = invitations.accept(token)
    assert person is not None
    assert [item["condition"] for item in items(manager, INVITATIONS)] == ["accepted"]
    assert MEI in [item["email"] for item in items(manager, "partners/kestrel/people")]


def test_a_letter_that_is_not_taken_leaves_the_invitation_and_says_so(manager: Bearer, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    answer = post(manager, INVITATIONS, {"email": MEI})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_mailed")
    assert [item["condition"] for item in items(manager, INVITATIONS)] == ["waiting"]


def test_an_invitation_that_a_rule_forbids_names_its_field(manager: Bearer) -> None:
    for body in (
        {"email": "mei@elsewhere.example"},
        {"email": "no address"},
        {"email": ""},
        {"email": ["x"]},
        {"email": MEI, "domain": "elsewhere.example"},
        {},
    ):
        answer, field = post(manager, INVITATIONS, body), "domain" if "domain" in body else "email"
        assert (answer.status_code, [item["field"] for item in answer.json()["fields"]]) == (422, [field]), body
    assert (
        "is at kestrel.example" in post(manager, INVITATIONS, EXAMPLES["NewInvitation"]).json()["fields"][0]["expected"]
    )
    assert (kinds("invite."), mail.outbox) == ([], [])


def test_who_lost_every_way_in_is_invited_anew_and_theirs_are_forgotten(manager: Bearer) -> None:
    theirs = User.objects.get(partner_side__partner__slug="kestrel")
    models.Partner.objects.filter(slug="kestrel").update(contact_email=f"it@{theirs.email.partition('@')[2]}")
    assert post(manager, INVITATIONS, {"email": theirs.email, "anew": "yes"}).status_code == 422
    assert post(manager, INVITATIONS, {"email": theirs.email}).status_code == 201
    assert User.objects.get(pk=theirs.pk).has_usable_password()
    assert post(manager, INVITATIONS, {"email": theirs.email, "anew": True}).status_code == 201
    assert not User.objects.get(pk=theirs.pk).has_usable_password()
    assert kinds("person.factor") == ["person.factor_removed"]
    assert kinds("invite.") == ["invite.sent", "invite.revoked", "invite.sent"]


def test_an_invitation_is_taken_back_once(manager: Bearer) -> None:
    models.Partner.objects.filter(slug="kestrel").update(contact_email="it@osprey.example")
    path = f"{INVITATIONS}/{post(manager, INVITATIONS, EXAMPLES['NewInvitation']).json()['id']}/revoke"
    assert manager.call("POST", path, None, **{"if-match": '"old"'}).status_code == 412
    assert manager.call("POST", path).json()["condition"] == "revoked"
    late = manager.call("POST", path)
    assert (late.status_code, late.json()["code"]) == (409, "not_possible")
    assert kinds("invite.") == ["invite.sent", "invite.revoked"]


def test_the_account_of_somebody_of_a_partner_is_closed(manager: Bearer) -> None:
    (insider,) = items(manager, "partners/kestrel/people")
    path = f"partners/kestrel/people/{insider['id']}"
    read = manager.call("GET", path)
    assert (read.json(), read.json()["is_active"]) == (insider, True)
    closed = manager.call("POST", f"{path}/close", None, **{"if-match": read["ETag"]})
    assert (closed.status_code, closed.json()["is_active"]) == (200, False)
    assert manager.call("POST", f"{path}/close").json() == closed.json()
    assert kinds("person.disabled") == ["person.disabled"]
    assert not User.objects.get(pk=insider["id"]).is_active


def test_no_program_invites_and_none_closes_an_account(
    organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    clerk = bearer("clerk", *Permission)
    theirs = PartnerAdmin.objects.get(partner=organisation.kestrel).pk
    for path, body in ((INVITATIONS, {"email": MEI}), (f"partners/kestrel/people/{theirs}/close", {})):
        refused = post(clerk, path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "person_needed")
    assert (kinds("invite."), kinds("person.disabled"), mail.outbox) == ([], [], [])


def test_a_proposal_counts_once_it_is_approved(manager: Bearer) -> None:
    row = proposed(audiences=["api://handover"], max_depth=2)
    path = f"{PROPOSALS}/{row.pk}"
    (listed,) = items(manager, f"{PROPOSALS}?state=waiting")
    read = manager.call("GET", path)
    assert {name: read.json()[name] for name in listed} == listed
    assert {line["field"]: line["after"] for line in read.json()["differences"]} == {
        "audiences": ["api://handover"], "max_depth": 2,
    }  # fmt: skip
    assert models.FederationTrust.objects.get(name="kestrel-idp").max_depth == 1
    headers = {"if-match": read["ETag"], "idempotency-key": "approve"}
    approved = manager.call("POST", f"{path}/approve", None, **headers)
    assert (approved.status_code, approved.json()["state"], approved.json()["differences"]) == (200, "approved", [])
    assert manager.call("POST", f"{path}/approve", None, **headers).json() == approved.json()
    assert [letter.to for letter in mail.outbox] == [[row.author.email]]
    assert models.FederationTrust.objects.get(name="kestrel-idp").max_depth == 2
    late = post(manager, f"{path}/decline", EXAMPLES["AnswerToProposal"])
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    assert "partner.manager@meridian.example" in late.json()["detail"]
    assert kinds("proposal.") == ["proposal.approved"]
    assert items(manager, f"{PROPOSALS}?state=waiting") == []


def test_a_proposal_is_declined_with_words_for_the_partner(manager: Bearer) -> None:
    row = proposed(max_depth=2)
    path = f"{PROPOSALS}/{row.pk}/decline"
    for body in ({}, {"answer": " "}, {"answer": 7}, {"answer": "x" * 2001}, {"answer": "no", "state": "approved"}):
        refused, field = post(manager, path, body), "state" if "state" in body else "answer"
        assert (refused.status_code, [item["field"] for item in refused.json()["fields"]]) == (422, [field]), body
    words = EXAMPLES["AnswerToProposal"]["answer"]
    declined = post(manager, path, {"answer": words}).json()
    assert (declined["state"], declined["answer"]) == ("declined", words)
    assert words in str(mail.outbox[0].body)
    assert models.FederationTrust.objects.get(name="kestrel-idp").max_depth == 1
    assert manager.call("POST", f"{PROPOSALS}/{uuid4()}/approve").status_code == 404


def test_a_proposal_that_can_no_longer_be_approved_says_why(manager: Bearer) -> None:
    row = proposed(max_depth=2)
    models.FederationTrust.objects.filter(name="kestrel-idp").update(state="withdrawn")
    path = f"{PROPOSALS}/{row.pk}"
    assert "withdrawn" in manager.call("GET", path).json()["obstacle"]
    refused = manager.call("POST", f"{path}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    row.refresh_from_db()
    assert (row.state, kinds("proposal."), mail.outbox) == ("waiting", [], [])
