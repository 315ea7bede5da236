"""The triggers: what is written once is not changed, not even by the owner of the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import IntegrityError, connection
from psycopg.errors import RestrictViolation

from audit.models import Event
from partners.models import FederationTrust, KeySource, Partner, ScopeMapping, Target

if TYPE_CHECKING:
    from tests.database.conftest import Trail


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET kind = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "TRUNCATE audit_event_default",
        "TRUNCATE {partition}",
        "UPDATE {partition} SET kind = 'x'",
        "DELETE FROM {partition}",
        "UPDATE audit_pending SET event_id = event_id",
        "TRUNCATE audit_pending",
        "TRUNCATE audit_event, audit_pending CASCADE",
    ],
)
def test_the_owner_is_refused_too(trail: Trail, statement: str) -> None:
    with (
        psycopg.connect(trail.owner_url) as owner,
        pytest.raises(RestrictViolation, match="written once and never changed"),
    ):
        owner.execute(statement.format(partition=trail.partition))
    assert trail.is_whole()


def test_the_owner_may_take_events_off_the_sealers_queue(trail: Trail) -> None:
    with psycopg.connect(trail.owner_url) as owner:
        assert owner.execute("DELETE FROM audit_pending").rowcount == 1
        owner.rollback()


@pytest.fixture
def mapping(db: None) -> ScopeMapping:  # noqa: ARG001 - rolled back
    target = Target.objects.create(name="ledger", audience="https://ledger.example")
    partner = Partner.objects.create(slug="kestrel", name="Kestrel")
    source = KeySource.objects.create(partner=partner, method="uploaded")
    trust = FederationTrust.objects.create(
        partner=partner,
        name="idp",
        issuer="https://idp.example",
        key_source=source,
        token_types=["urn:ietf:params:oauth:token-type:jwt"],
        algorithms=["ES256"],
    )
    return ScopeMapping.objects.create(
        partner=partner, name="ledger", version=1, state="published", trust=trust, target=target
    )


@pytest.mark.parametrize(
    "change",
    [
        {"grants": {"*": ["ledger.read"]}},
        {"rules": [{"claim": "tier", "equals": "gold"}]},
        {"always": ["ledger.write"]},
        {"clients": ["other"]},
        {"lifetime": timedelta(minutes=20)},
        {"allows_impersonation": True},
        {"max_depth": 3},
        {"version": 2},
        {"name": "other"},
        {"author": "somebody else"},
        {"position": 1},
        {"state": "draft"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("state", ["published", "superseded", "withdrawn"])
def test_a_version_that_was_published_is_not_edited(mapping: ScopeMapping, state: str, change: dict[str, Any]) -> None:
    mapping.state = state
    mapping.save()
    with pytest.raises(IntegrityError, match="publish a new version"):
        ScopeMapping.objects.filter(pk=mapping.pk).update(**change)


def test_a_version_that_was_published_is_not_deleted(mapping: ScopeMapping) -> None:
    with pytest.raises(IntegrityError, match="only drafts are deleted"):
        mapping.delete()


@pytest.mark.parametrize("state", ["superseded", "withdrawn"])
def test_a_published_version_may_change_its_state(mapping: ScopeMapping, state: str) -> None:
    mapping.state = state
    mapping.save()
    assert ScopeMapping.objects.get().state == state


def test_a_draft_is_edited_published_and_deleted_freely(mapping: ScopeMapping) -> None:
    draft = ScopeMapping.objects.create(
        partner=mapping.partner, name="other", version=1, trust=mapping.trust, target=mapping.target
    )
    draft.grants, draft.state = {"*": ["ledger.read"]}, "draft"
    draft.save()
    second = ScopeMapping.objects.get(pk=draft.pk)
    assert second.grants == {"*": ["ledger.read"]}
    assert second.delete()[0] == 1


@pytest.mark.django_db
def test_the_columns_of_the_event_table_are_those_of_the_model() -> None:
    query = """
        SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull
        FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0
    """
    with connection.cursor() as cursor:
        cursor.execute(query, ["audit_event"])
        columns = {name: (kind.replace("character varying", "varchar"), null) for name, kind, null in cursor.fetchall()}
    assert columns == {field.column: (field.db_type(connection), field.null) for field in Event._meta.concrete_fields}
