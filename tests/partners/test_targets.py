"""Targets and their catalogues (rule 153: audience names are approved by an admin)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from partners import inventory, models, selectors, services
from partners.declarations import DeclaredScope, DeclaredTarget
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.services import FieldChange
from partners.vocabulary import Kind
from policy.parties import Risk, TokenFormat
from tests.conformance.rules import rule
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change


def declared_target() -> DeclaredTarget:
    found = inventory.everything()[Kind.TARGET, "", "ledger-api"].declared
    assert isinstance(found, DeclaredTarget)
    return found


def test_a_registered_target_is_what_was_declared(change: Change) -> None:
    declared = examples.target(resources=("https://ledger.meridian.example/v1",), lifetime=timedelta(minutes=2))
    services.register_target(change, declared)
    assert declared_target() == declared


def test_the_format_of_a_targets_tokens_is_a_jwt_until_a_reference_is_declared(change: Change) -> None:
    services.register_target(change, examples.target())
    (before,) = selectors.configuration().targets or ()
    fields = services.change_target(change, examples.target(token_format=TokenFormat.REFERENCE))
    assert fields == (FieldChange(field="token_format", old="jwt", new="reference"),)
    (after,) = selectors.configuration().targets or ()
    assert (before.token_format, after.token_format) == (TokenFormat.JWT, TokenFormat.REFERENCE)


@pytest.mark.usefixtures("change")
def test_the_database_refuses_a_format_nobody_knows() -> None:
    with pytest.raises(IntegrityError, match="target_token_format_is_known"), transaction.atomic():
        models.Target.objects.create(name="odd", audience="odd", token_format="paseto")


def test_registering_a_target_leaves_one_event_with_its_author(
    change: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_target(change, examples.target())
    (event,) = events()
    assert event["kind"] == "configuration.applied"
    assert event["actor"] == {"kind": "user", "name": "ada@meridian.example"}
    assert event["target"] == "https://ledger.meridian.example"
    assert (event["data"]["object"], event["data"]["name"], event["data"]["change"]) == (
        "Target",
        "ledger-api",
        "registered",
    )
    assert event["data"]["fields"]["audience"] == {"old": None, "new": "https://ledger.meridian.example"}


def test_a_change_reports_old_and_new_values_of_what_changed_only(
    change: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_target(change, examples.target())
    fields = services.change_target(change, examples.target(lifetime=timedelta(minutes=2)))
    assert fields == (FieldChange(field="lifetime", old="5m", new="2m"),)
    assert events()[-1]["data"]["fields"] == {"lifetime": {"old": "5m", "new": "2m"}}


def test_an_unchanged_target_changes_nothing_and_audits_nothing(
    change: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_target(change, examples.target())
    assert services.change_target(change, examples.target()) == ()
    assert len(events()) == 1


def test_a_scope_is_added_and_changed_by_a_declaration_but_not_removed(change: Change) -> None:
    services.register_target(change, examples.target())
    scopes = {
        "ledger:read": DeclaredScope(description="Read entries", risk=Risk.MODERATE),
        "ledger:close": DeclaredScope(description="Close a period", risk=Risk.CRITICAL),
    }
    fields = services.change_target(change, examples.target(scopes=scopes))
    assert [field.field for field in fields] == ["scopes.ledger:close", "scopes.ledger:read"]
    assert sorted(declared_target().scopes) == ["ledger:close", "ledger:read", "ledger:write"]
    services.withdraw_scope(change, "ledger-api", "ledger:write")
    assert sorted(declared_target().scopes) == ["ledger:close", "ledger:read"]


def test_a_scope_that_a_published_mapping_grants_cannot_be_withdrawn(registered: Change) -> None:
    with pytest.raises(IllegalTransition, match="mapping to-ledger of partner kestrel grants it"):
        services.withdraw_scope(registered, "ledger-api", "ledger:read")


def test_a_scope_in_the_ceiling_of_a_client_cannot_be_withdrawn(registered: Change) -> None:
    services.change_client(registered, examples.client(scopes=("ledger:read", "ledger:write")))
    with pytest.raises(IllegalTransition, match="ceiling of client kestrel-settlement"):
        services.withdraw_scope(registered, "ledger-api", "ledger:write")


def test_a_scope_that_is_not_there_cannot_be_withdrawn(registered: Change) -> None:
    with pytest.raises(NotRegistered):
        services.withdraw_scope(registered, "ledger-api", "ledger:fly")


@rule(153, "OWASP ASVS", "9.2.4")
@pytest.mark.parametrize(
    "fields",
    [
        {"audience": "https://ledger.meridian.example"},
        {"audience": "https://ledger.meridian.example/v1"},
        {"audience": "other", "resources": ("https://ledger.meridian.example",)},
        {"audience": "other", "resources": ("https://ledger.meridian.example/v1", "urn:x:y")},
    ],
)
def test_no_two_targets_share_a_name_of_any_kind(change: Change, fields: dict[str, Any]) -> None:
    services.register_target(change, examples.target(resources=("https://ledger.meridian.example/v1",)))
    with pytest.raises(ConfigurationRefused, match="names that target ledger-api does not have"):
        services.register_target(change, examples.target(name="second", **fields))


def test_a_target_may_keep_its_own_names(change: Change) -> None:
    declared = examples.target(resources=("https://ledger.meridian.example/v1",))
    services.register_target(change, declared)
    services.change_target(change, replace(declared, audience="https://ledger.meridian.example/v1", resources=()))
    assert declared_target().audience == "https://ledger.meridian.example/v1"


@rule(153, "OWASP ASVS", "9.2.4")
@pytest.mark.parametrize("suffix", ["", "/api"])
def test_our_own_names_are_nobodys_audience(change: Change, suffix: str) -> None:
    with pytest.raises(ConfigurationRefused, match="another name than our own"):
        services.register_target(change, examples.target(audience=settings.HANDOVER.issuer + suffix))


def test_a_name_is_registered_once(change: Change) -> None:
    services.register_target(change, examples.target())
    with pytest.raises(ConfigurationRefused, match="name: expected a name that is not taken"):
        services.register_target(change, examples.target(audience="another"))


def test_an_unknown_target_cannot_be_changed(change: Change) -> None:
    with pytest.raises(NotRegistered, match="There is no target named 'ledger-api'"):
        services.change_target(change, examples.target())
