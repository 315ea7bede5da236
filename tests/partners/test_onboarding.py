"""From a draft to an active partner: what is asked for on the way, of whom, and what sets a partner back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit import services as audit
from audit.events import SYSTEM, Actor, ActorKind, ExchangeGranted
from partners import services
from partners.changes import Change
from partners.errors import IllegalTransition, SecondPersonNeeded
from partners.models import FederationTrust, Partner
from partners.readiness import readiness
from partners.states import PartnerState, TrustState
from partners.vocabulary import DeclaredPartnerState
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

THIRD = Actor(ActorKind.USER, "lin@meridian.example")


def state() -> str:
    return Partner.objects.get(slug="kestrel").state


@pytest.fixture
def configuring(change: Change) -> Change:
    """A partner with a trust, a mapping to a test target and a client, registered by one person."""
    services.register_target(change, examples.target(is_test=True))
    services.register_partner(change, examples.partner())
    services.register_client(change, examples.client())
    services.add_trust(change, examples.trust())
    services.publish_mapping(change, examples.mapping())
    return change


@pytest.fixture
def tested(configuring: Change) -> Change:
    """The same, after its test exchange."""
    examples.record_test()
    services.pass_test(configuring, "kestrel")
    return configuring


@pytest.mark.parametrize(
    "first",
    [
        lambda change: services.register_client(change, examples.client()),
        lambda change: services.add_trust(change, examples.trust()),
    ],
    ids=["a client", "a trust"],
)
@pytest.mark.parametrize("before", [PartnerState.DRAFT, PartnerState.INVITED])
def test_the_first_thing_that_is_configured_makes_it_configuring(
    change: Change, first: Callable[[Change], object], before: PartnerState, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_target(change, examples.target())
    services.register_partner(change, examples.partner())
    Partner.objects.update(state=before)
    first(change)
    assert state() == "configuring"
    assert events()[-1]["data"]["fields"] == {"state": {"old": before.value, "new": "configuring"}}


def test_a_green_exchange_of_its_own_key_makes_it_tested(
    configuring: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    examples.record_test()
    services.pass_test(configuring, "kestrel")
    assert state() == "tested"
    assert events()[-1]["kind"] == "partner.tested"


def test_without_a_green_exchange_it_is_not_tested(configuring: Change) -> None:
    with pytest.raises(IllegalTransition, match="No exchange of kestrel has been granted since its trusts"):
        services.pass_test(configuring, "kestrel")
    assert state() == "configuring"


@pytest.mark.parametrize("data", [{}, {"trust": {"id": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2"}}])
def test_an_exchange_that_no_trust_of_it_vouches_for_is_no_test(configuring: Change, data: dict[str, Any]) -> None:
    row = Partner.objects.get(slug="kestrel")
    event = ExchangeGranted(partner_id=row.id, partner="kestrel", client="kestrel-settlement", data=data)
    audit.record(event, Actor(ActorKind.CLIENT, "kestrel-settlement"))
    with pytest.raises(IllegalTransition, match="No exchange"):
        services.pass_test(configuring, "kestrel")


def test_an_exchange_by_a_trust_that_is_quarantined_meanwhile_does_not_count(tested: Change) -> None:
    FederationTrust.objects.update(state=TrustState.QUARANTINED)
    with pytest.raises(IllegalTransition, match="No exchange"):
        services.activate_partner(Change(THIRD), "kestrel")
    assert tested.actor != THIRD


@pytest.mark.parametrize(
    "later",
    [
        lambda change: services.change_trust(change, examples.trust(max_depth=2)),
        lambda change: services.publish_mapping(change, examples.mapping(position=7)),
        lambda change: services.withdraw_mapping(change, "kestrel", "to-ledger"),
    ],
    ids=["of a trust", "of a mapping", "a withdrawal"],
)
def test_a_change_of_what_was_tested_asks_for_another_test(tested: Change, later: Callable[[Change], object]) -> None:
    later(tested)
    assert state() == "configuring"
    assert readiness(Partner.objects.get(slug="kestrel").id).test is None
    with pytest.raises(IllegalTransition, match="No exchange"):
        services.pass_test(tested, "kestrel")
    examples.record_test()
    services.pass_test(tested, "kestrel")
    assert state() == "tested"


def test_a_new_secret_does_not_void_the_test(tested: Change) -> None:
    services.generate_secret(tested, "kestrel-settlement")
    assert state() == "tested"


def test_a_second_person_activates(tested: Change, events: Callable[[], list[dict[str, Any]]]) -> None:
    services.activate_partner(Change(examples.SECOND), "kestrel")
    assert tested.actor == examples.ADMIN
    assert state() == "active"
    assert (events()[-1]["kind"], events()[-1]["actor"]["name"]) == ("partner.activated", "grace@meridian.example")


def test_who_registered_it_does_not_activate_it(tested: Change) -> None:
    with pytest.raises(SecondPersonNeeded, match=r"ada@meridian\.example made .* has to activate") as refused:
        services.activate_partner(tested, "kestrel")
    assert refused.value.authors == ("user:ada@meridian.example",)
    assert state() == "tested"


def test_who_made_the_last_change_of_its_mappings_does_not_activate_it(configuring: Change) -> None:
    services.publish_mapping(Change(examples.SECOND), examples.mapping(position=7))
    examples.record_test()
    services.pass_test(configuring, "kestrel")
    for actor in (examples.ADMIN, examples.SECOND):
        with pytest.raises(SecondPersonNeeded):
            services.activate_partner(Change(actor), "kestrel")
    services.activate_partner(Change(THIRD), "kestrel")


@pytest.mark.parametrize("actor", [SYSTEM, Actor(ActorKind.CLIENT, "some-program")])
@pytest.mark.usefixtures("tested")
def test_a_program_is_no_second_person(actor: Actor) -> None:
    with pytest.raises(SecondPersonNeeded, match="A person has to activate kestrel"):
        services.activate_partner(Change(actor), "kestrel")


def test_a_document_may_declare_it_active_without_a_test(configuring: Change) -> None:
    services.lead_partner(configuring, "kestrel", DeclaredPartnerState.ACTIVE)
    assert state() == "active"


def test_an_active_partner_stays_active_when_its_mappings_change(registered: Change) -> None:
    services.publish_mapping(registered, examples.mapping(position=7))
    assert state() == "active"
