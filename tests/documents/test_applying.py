"""Documents into force: the plan, the transaction, the author, what is left alone and what is pruned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Event
from partners import inventory, services
from partners.changes import Change
from partners.models import Client, FederationTrust, Partner, Registry, ScopeMapping
from partners.vocabulary import Kind
from portal.documents.errors import DocumentsRefused
from portal.documents.plan import Action
from tests.documents import texts
from tests.documents.texts import applied, applied_with
from tests.partners.examples import ADMIN

if TYPE_CHECKING:
    from portal.documents.plan import Plan

pytestmark = pytest.mark.django_db


def actions(plan: Plan) -> list[tuple[str, str]]:
    return [(step.action.value, step.subject) for step in plan.steps]


def refused(text: str, **options: bool) -> list[str]:
    with pytest.raises(DocumentsRefused) as refusal:
        applied(text, **options)
    return str(refusal.value).splitlines()


def events() -> list[dict[str, Any]]:
    return [json.loads(text) for text in Event.objects.order_by("id").values_list("canonical", flat=True)]


def test_everything_is_created_whatever_the_order_in_the_file() -> None:
    plan = applied(texts.EVERYTHING)
    assert actions(plan) == [
        ("create", "Target ledger-api"),
        ("create", "Partner kestrel"),
        ("create", "Client kestrel-settlement"),
        ("create", "Trust kestrel/kestrel-idp"),
        ("create", "Mapping kestrel/to-ledger"),
    ]
    assert Partner.objects.get().state == "active"
    assert Client.objects.get().secrets.count() == 1
    assert len(inventory.everything()) == 5


def test_applying_again_changes_nothing_and_audits_nothing() -> None:
    applied(texts.EVERYTHING)
    before = Event.objects.count(), Registry.objects.get().epoch
    plan = applied(texts.EVERYTHING)
    assert {action for action, _ in actions(plan)} == {"unchanged"}
    assert not plan.has_changes
    assert (Event.objects.count(), Registry.objects.get().epoch) == before


def test_every_change_is_audited_with_its_author() -> None:
    applied(texts.EVERYTHING)
    assert {event["actor"]["name"] for event in events()} == {ADMIN.name}
    assert [event["kind"] for event in events()] == [
        "configuration.applied",
        "partner.registered",
        "partner.activated",
        "configuration.applied",
        "configuration.applied",
        "trust.added",
        "mapping.published",
    ]


def test_a_change_names_each_field_with_its_old_and_new_value() -> None:
    applied(texts.EVERYTHING)
    text = texts.EVERYTHING.replace("title: Kestrel Payments", "title: Kestrel").replace("risk: high", "risk: critical")
    plan = applied(text.replace("default_scopes: [ledger:read]", "default_scopes: [ledger:read]\nlifetime: 90s"))
    lines = [line.strip() for line in plan.lines()]
    assert "title: Kestrel Payments -> Kestrel" in lines
    assert "lifetime: 5m -> 90s" in lines
    assert "version: 1 -> 2" in lines
    assert lines[-1] == "3 to change"
    assert any(line.startswith("scopes.ledger:write: {") and '"risk": "high"} -> {' in line for line in lines)


def test_a_rehearsal_says_the_same_and_writes_nothing() -> None:
    applied(texts.EVERYTHING)
    before = inventory.everything(), Event.objects.count(), Registry.objects.get().epoch
    text = texts.EVERYTHING.replace("title: Kestrel Payments", "title: Kestrel")
    rehearsed = applied(text, is_rehearsal=True)
    assert (inventory.everything(), Event.objects.count(), Registry.objects.get().epoch) == before
    assert applied(text) == rehearsed


_VARIATIONS = {
    "    title: Kestrel": ("title: Kestrel Payments", "title: Kestrel"),
    "purpose": ("state: active", "state: active\npurpose: Settlement"),
    "suspended": ("state: active", "state: suspended"),
    "scope": ("[ledger:read, ledger:write]", "[ledger:read]"),
    "method": ("[client_secret_basic]", "[client_secret_post]"),
    "rule": ("value: kestrel", "value: osprey"),
    "issuer": ("issuer: https://login.kestrel.example", "issuer: https://idp.kestrel.example"),
    "uri": ("issuer: https", "jwks_uri: https://keys.kestrel.example\nissuer: https"),
    "grant": ("ledger: [ledger:read]", "ledger: [ledger:read, ledger:write]"),
    "clients": ("clients: [kestrel-settlement]\n", ""),
    "audience": ("https://ledger.meridian", "https://books.meridian"),
    "new scope": ("scopes:\n", "scopes:\n  ledger:close: {description: Close, risk: critical}\n"),
}


def vary(names: list[str]) -> str:
    text = texts.EVERYTHING
    for name in names:
        old, new = _VARIATIONS[name]
        text = text.replace(old, new)
    return text


_names = st.lists(st.sampled_from(sorted(_VARIATIONS)), unique=True)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    first=_names,
    second=_names,
    options=st.fixed_dictionaries({"prunes": st.booleans(), "reinstates": st.booleans()}),
)
def test_a_plan_is_what_applying_then_does(first: list[str], second: list[str], options: dict[str, bool]) -> None:
    applied(vary(first), reinstates=True)
    plan = applied(vary(second), is_rehearsal=True, **options)
    assert applied(vary(second), **options) == plan
    again = applied(vary(second), **options)
    assert not again.has_changes


def test_an_absent_object_is_untouched() -> None:
    applied(texts.EVERYTHING)
    plan = applied(texts.TARGET)
    assert actions(plan) == [("unchanged", "Target ledger-api")]
    assert Partner.objects.get().state == "active"


class TestPruning:
    def test_what_the_file_lacks_of_a_partner_it_names_is_suspended_or_withdrawn(self) -> None:
        applied(texts.EVERYTHING)
        plan = applied(f"{texts.TARGET}---\n{texts.PARTNER}", prunes=True)
        assert actions(plan)[2:] == [
            ("withdraw", "Mapping kestrel/to-ledger"),
            ("withdraw", "Trust kestrel/kestrel-idp"),
            ("suspend", "Client kestrel-settlement"),
        ]
        assert FederationTrust.objects.get().state == "withdrawn"
        assert Client.objects.get().state == "suspended"
        assert ScopeMapping.objects.get().state == "withdrawn"

    def test_a_partner_that_the_file_lacks_is_suspended_with_all_it_has(self) -> None:
        applied(texts.EVERYTHING)
        assert actions(applied(texts.TARGET, prunes=True)) == [
            ("unchanged", "Target ledger-api"),
            ("suspend", "Partner kestrel"),
        ]
        assert FederationTrust.objects.get().state == "active"
        assert not applied(texts.TARGET, prunes=True).has_changes

    def test_nothing_is_deleted(self) -> None:
        applied(texts.EVERYTHING)
        applied(texts.TARGET, prunes=True)
        applied(f"{texts.TARGET}---\n{texts.PARTNER}", prunes=True, reinstates=True)
        counts = [model.objects.count() for model in (Partner, Client, FederationTrust, ScopeMapping)]
        assert counts == [1, 1, 1, 1]

    def test_what_the_file_still_refers_to_cannot_be_pruned(self) -> None:
        applied(texts.EVERYTHING)
        text = f"{texts.TARGET}---\n{texts.PARTNER}---\n{texts.CLIENT}---\n{texts.MAPPING}"
        (line,) = refused(text, prunes=True)
        assert "Mapping to-ledger, trust: expected the name of a Trust in these documents; 'kestrel-idp' came" in line
        assert line.endswith("which --prune would end")

    def test_a_pruned_mapping_may_come_back_as_a_new_version(self) -> None:
        applied(texts.EVERYTHING)
        without = f"{texts.TARGET}---\n{texts.PARTNER}---\n{texts.CLIENT}---\n{texts.TRUST}"
        applied(without, prunes=True)
        applied(texts.EVERYTHING)
        assert list(ScopeMapping.objects.order_by("version").values_list("version", "state")) == [
            (1, "withdrawn"),
            (2, "published"),
        ]


class TestSuspension:
    def test_an_older_file_does_not_bring_a_suspended_partner_back(self) -> None:
        applied(texts.EVERYTHING)
        services.suspend_partner(Change(ADMIN), "kestrel")
        plan = applied(texts.EVERYTHING)
        assert not plan.has_changes
        assert "Partner kestrel stays suspended. Add --reinstate to bring it back." in plan.notes
        assert Partner.objects.get().state == "suspended"

    def test_it_comes_back_when_asked_for(self) -> None:
        applied(texts.EVERYTHING)
        services.suspend_partner(Change(ADMIN), "kestrel")
        plan = applied(texts.EVERYTHING, reinstates=True)
        assert [(field.old, field.new) for field in plan.steps[1].fields] == [("suspended", "active")]
        assert Partner.objects.get().state == "active"

    def test_the_same_holds_for_a_client(self) -> None:
        text = texts.EVERYTHING.replace(
            "methods: [client_secret_basic]", "methods: [client_secret_basic]\nstate: active"
        )
        applied(text)
        services.suspend_client(Change(ADMIN), "kestrel-settlement")
        assert not applied(text).has_changes
        assert applied(text, reinstates=True).has_changes
        assert Client.objects.get().state == "active"

    def test_a_new_partner_can_be_declared_suspended(self) -> None:
        applied(texts.EVERYTHING.replace("state: active", "state: suspended"))
        assert Partner.objects.get().state == "suspended"

    def test_a_partner_without_a_state_waits_for_its_activation(self) -> None:
        plan = applied(texts.EVERYTHING.replace("state: active\n", ""))
        assert Partner.objects.get().state == "configuring"
        assert "state" not in [field.field for field in plan.steps[1].fields]

    def test_an_offboarded_partner_does_not_come_back(self) -> None:
        applied(texts.EVERYTHING)
        applied(texts.PARTNER.replace("state: active", "state: offboarded"))
        lines = refused(texts.PARTNER, reinstates=True)
        assert lines == ["acme.yaml:1: Partner kestrel: A partner that is offboarded cannot become active again."]


class TestRefusals:
    def test_every_reference_that_leads_nowhere_is_named_before_anything_is_written(self) -> None:
        lines = refused(f"{texts.CLIENT}---\n{texts.MAPPING}")
        assert [line.partition(": expected the name of a ")[0] for line in lines] == [
            "acme.yaml:4: Client kestrel-settlement, partner",
            "acme.yaml:12: Mapping to-ledger, partner",
            "acme.yaml:13: Mapping to-ledger, trust",
            "acme.yaml:14: Mapping to-ledger, target",
        ]
        assert lines[0].endswith("expected the name of a Partner in these documents or in force; 'kestrel' came")
        assert not Event.objects.exists()

    def test_what_only_the_whole_shows_is_named_at_its_line_and_nothing_is_written(self) -> None:
        text = texts.EVERYTHING.replace("  ledger: [ledger:read]", "  ledger: [ledger:read, ledger:fly]")
        text = text.replace("scopes: [ledger:read, ledger:write]", "scopes: [ledger:read, ledger:swim]")
        lines = refused(text)
        assert [line.split(": expected ")[1] for line in lines] == [
            'scopes of target ledger-api; ["ledger:fly"] came',
            'scopes of a registered target; ["ledger:swim"] came',
        ]
        assert [line.split(":")[1] for line in lines] == ["9", "17"]
        assert not Event.objects.exists()
        assert not Partner.objects.exists()
        assert not Registry.objects.filter(epoch__gt=1).exists()

    def test_what_refers_to_a_refused_document_is_not_blamed_for_it(self) -> None:
        applied(texts.TARGET.replace("ledger-api", "books-api"))
        (line,) = refused(texts.EVERYTHING)
        assert "Target ledger-api, audience: expected names that target books-api does not have" in line

    def test_a_withdrawn_trust_does_not_come_back(self) -> None:
        applied(texts.EVERYTHING)
        services.withdraw_trust(Change(ADMIN), "kestrel", "kestrel-idp")
        (line,) = refused(texts.TRUST)
        assert "a withdrawn trust keeps its name" in line

    def test_no_document_at_all_is_refused(self) -> None:
        assert refused("# nothing\n") == ["-f:1: There is no document in these files."]


def test_a_scope_leaves_the_catalogue_together_with_its_last_use() -> None:
    applied(texts.EVERYTHING)
    smaller = texts.EVERYTHING.replace("  ledger:write: {description: Post entries, risk: high}\n", "")
    (line,) = refused(smaller.replace("[ledger:read, ledger:write]", "[ledger:read, ledger:write]"))
    assert "ceiling of client kestrel-settlement" in line
    plan = applied(smaller.replace("[ledger:read, ledger:write]", "[ledger:read]"))
    (change,) = plan.steps[0].fields
    assert (change.field, change.new) == ("scopes.ledger:write", None)


def test_secrets_are_rotated_with_an_overlap_and_an_end() -> None:
    environ = {**texts.ENVIRON, "NEXT": "Zt7Rk1q3fXy0-mWcuVbN59JhAe8Ld2PsGi4xYTzKoB6"}
    applied(texts.EVERYTHING)
    both = texts.EVERYTHING.replace("[{env: KESTREL_SECRET}]", "[{env: KESTREL_SECRET}, {env: NEXT}]")
    plan = applied_with(environ, both)
    assert [(field.field, field.new) for field in plan.steps[2].fields] == [("secrets", "slot 2: put")]
    last = texts.EVERYTHING.replace("[{env: KESTREL_SECRET}]", "[{env: NEXT}]")
    plan = applied_with(environ, last)
    assert [field.new for field in plan.steps[2].fields] == ["slot 1: withdrawn"]
    assert not applied_with(environ, last).has_changes


def test_no_plan_and_no_event_holds_a_secret() -> None:
    plan = applied(texts.EVERYTHING)
    shown = "\n".join(plan.lines()) + json.dumps(plan.document()) + json.dumps(events())
    assert texts.ENVIRON["KESTREL_SECRET"] not in shown


def test_notes_tell_what_is_allowed_but_worth_a_look() -> None:
    text = texts.EVERYTHING.replace("rules:\n  - {claim: tenant, operator: equals, value: kestrel}\n", "")
    text = text.replace("scopes: [ledger:read, ledger:write]\n", "")
    text = text.replace("grants:\n  ledger: [ledger:read]\ndefault_scopes: [ledger:read]\n", "")
    notes = "\n".join(applied(text).notes)
    assert "Trust kestrel-idp: an audience-only trust" in notes
    assert "Client kestrel-settlement: has no scopes" in notes
    assert "Mapping to-ledger: grants no scope" in notes
    assert not applied(text.replace("issuer: https", "audiences: [x]\nissuer: https")).notes[2:]


def test_the_order_of_kinds_is_the_order_of_references() -> None:
    assert list(Kind) == ["Target", "Partner", "Client", "Trust", "Mapping"]
    assert Action.UNCHANGED.value == "unchanged"
