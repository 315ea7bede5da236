"""Partners and the acts of their life."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from partners import inventory, services
from partners.changes import Change
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.lifecycle import TRANSITIONS, PartnerAct, acts_towards, advance
from partners.models import Partner
from partners.states import PartnerState
from partners.vocabulary import Kind
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = (Kind.PARTNER, "", "kestrel")
ACTS: dict[PartnerAct, Callable[[Change, str], object]] = {
    PartnerAct.INVITE: services.mark_invited,
    PartnerAct.CONFIGURE: services.configure_partner,
    PartnerAct.PASS_TEST: services.pass_test,
    PartnerAct.ACTIVATE: services.activate_partner,
    PartnerAct.DECLARE: services.declare_active,
    PartnerAct.SUSPEND: services.suspend_partner,
    PartnerAct.REINSTATE: services.reinstate_partner,
    PartnerAct.OFFBOARD: services.offboard_partner,
}
LEGAL = {
    ("draft", "invite"): "invited",
    ("configuring", "invite"): "invited",
    ("draft", "configure"): "configuring",
    ("invited", "configure"): "configuring",
    ("tested", "configure"): "configuring",
    ("configuring", "pass_test"): "tested",
    ("tested", "activate"): "active",
    ("draft", "declare"): "active",
    ("invited", "declare"): "active",
    ("configuring", "declare"): "active",
    ("tested", "declare"): "active",
    ("active", "suspend"): "suspended",
    ("suspended", "reinstate"): "active",
    ("draft", "offboard"): "offboarded",
    ("invited", "offboard"): "offboarded",
    ("configuring", "offboard"): "offboarded",
    ("tested", "offboard"): "offboarded",
    ("active", "offboard"): "offboarded",
    ("suspended", "offboard"): "offboarded",
}


@pytest.mark.parametrize("state", list(PartnerState))
@pytest.mark.parametrize("act", list(PartnerAct))
def test_every_pair_of_state_and_act_is_in_the_table_or_refused(state: PartnerState, act: PartnerAct) -> None:
    expected = LEGAL.get((state.value, act.value))
    if expected is None:
        with pytest.raises(IllegalTransition, match=f"A partner that is {state.value} cannot be"):
            advance(state, act)
    else:
        assert advance(state, act).value == expected


def test_the_table_has_no_pair_beyond_those_listed_here() -> None:
    assert {(state.value, act.value): after.value for (state, act), after in TRANSITIONS.items()} == LEGAL


@pytest.mark.parametrize("state", list(PartnerState))
@pytest.mark.parametrize("act", list(PartnerAct))
def test_a_service_makes_exactly_the_transitions_of_the_table(
    change: Change, state: PartnerState, act: PartnerAct
) -> None:
    services.register_target(change, examples.target())
    services.register_partner(change, examples.partner())
    services.add_trust(change, examples.trust())
    examples.record_test()
    Partner.objects.update(state=state)
    expected = LEGAL.get((state.value, act.value))
    second = Change(examples.SECOND)
    if expected is None:
        with pytest.raises(IllegalTransition):
            ACTS[act](second, "kestrel")
    else:
        ACTS[act](second, "kestrel")
    assert Partner.objects.get().state == (expected or state.value)


def test_the_acts_towards_a_state_are_the_fewest_that_lead_there() -> None:
    assert acts_towards(PartnerState.DRAFT, PartnerState.SUSPENDED) == (PartnerAct.DECLARE, PartnerAct.SUSPEND)
    assert acts_towards(PartnerState.SUSPENDED, PartnerState.ACTIVE) == (PartnerAct.REINSTATE,)
    assert acts_towards(PartnerState.ACTIVE, PartnerState.ACTIVE) == ()


def test_nothing_leads_away_from_offboarded() -> None:
    with pytest.raises(IllegalTransition, match="cannot become active again"):
        acts_towards(PartnerState.OFFBOARDED, PartnerState.ACTIVE)


def test_a_registered_partner_is_a_draft_with_what_was_declared(change: Change) -> None:
    person = get_user_model().objects.create(email="Grace@meridian.example")
    services.register_target(change, examples.target())
    declared = examples.partner(
        owner="Grace@meridian.example",
        contact_email="ops@kestrel.example",
        purpose="Settlement\nand reporting",
        review_due_on=date(2027, 3, 31),
        contract_ends_on=date(2028, 1, 1),
        default_target="ledger-api",
    )
    services.register_partner(change, declared)
    row = Partner.objects.get()
    assert (row.state, row.owner_id) == ("draft", person.pk)
    assert inventory.everything()[KEY].declared == declared


def test_each_act_is_an_event_of_its_own_name(change: Change, events: Callable[[], list[dict[str, Any]]]) -> None:
    services.register_partner(change, examples.partner())
    for act in (PartnerAct.DECLARE, PartnerAct.SUSPEND, PartnerAct.REINSTATE, PartnerAct.OFFBOARD):
        ACTS[act](change, "kestrel")
    assert [event["kind"] for event in events()] == [
        "partner.registered",
        "partner.activated",
        "partner.suspended",
        "partner.reinstated",
        "partner.offboarded",
    ]
    assert {event["partner"] for event in events()} == {"kestrel"}
    assert events()[2]["data"]["fields"] == {"state": {"old": "active", "new": "suspended"}}


def test_offboarding_withdraws_every_trust_and_suspends_every_client(registered: Change) -> None:
    services.offboard_partner(registered, "kestrel")
    found = inventory.everything()
    assert [key[0] for key in found] == [Kind.TARGET, Kind.PARTNER, Kind.CLIENT]
    assert not any(item.is_in_use for key, item in found.items() if key[0] is not Kind.TARGET)


@pytest.mark.parametrize(
    "act",
    [
        lambda change: services.change_partner(change, examples.partner(title="Other")),
        lambda change: services.register_client(change, examples.client(name="another")),
        lambda change: services.change_client(change, examples.client(title="Other")),
        lambda change: services.reinstate_client(change, "kestrel-settlement"),
        lambda change: services.put_secrets(change, "kestrel-settlement", [examples.SECRET]),
        lambda change: services.generate_secret(change, "kestrel-settlement"),
        lambda change: services.add_trust(change, examples.trust(name="another", issuer="https://b.example")),
        lambda change: services.publish_mapping(change, examples.mapping(position=1)),
    ],
)
def test_nothing_of_an_offboarded_partner_can_change(registered: Change, act: Callable[[Change], object]) -> None:
    services.offboard_partner(registered, "kestrel")
    with pytest.raises(IllegalTransition, match="kestrel is offboarded, which is final"):
        act(registered)


def test_a_change_leaves_the_state_alone(change: Change, events: Callable[[], list[dict[str, Any]]]) -> None:
    services.register_partner(change, examples.partner())
    services.declare_active(change, "kestrel")
    services.change_partner(change, examples.partner(title="Kestrel", state=None))
    assert Partner.objects.get().state == "active"
    assert events()[-1]["data"]["fields"] == {"title": {"old": "Kestrel Payments", "new": "Kestrel"}}


def test_an_unchanged_partner_changes_nothing_and_audits_nothing(
    change: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_partner(change, examples.partner())
    assert services.change_partner(change, examples.partner()) == ()
    assert len(events()) == 1


def test_unknown_owner_and_target_are_both_named(change: Change) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        services.register_partner(change, examples.partner(owner="who@meridian.example", default_target="nowhere"))
    assert [problem.field for problem in refused.value.problems] == ["owner", "default_target"]


def test_a_partner_that_does_not_exist_is_named(change: Change) -> None:
    with pytest.raises(NotRegistered, match="There is no partner named 'nobody'"):
        services.suspend_partner(change, "nobody")
    with pytest.raises(NotRegistered):
        services.change_partner(change, examples.partner(name="nobody"))


def test_a_slug_is_taken_once(change: Change) -> None:
    services.register_partner(change, examples.partner())
    with pytest.raises(ConfigurationRefused, match="a name that is not taken"):
        services.register_partner(change, examples.partner())
