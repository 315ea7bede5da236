"""What the application's role really may do in a migrated database, and what the deploy check says about it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import CommandError, call_command
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from audit import services as audit
from audit.events import SYSTEM, ExchangeGranted
from portal.database import grants
from portal.database.connections import connection_parameters
from portal.embedded.addresses import APPLICATION, OWNER

if TYPE_CHECKING:
    from tests.database.conftest import Trail
    from tests.services import Services


def problems() -> dict[str | None, CheckMessage]:
    found = run_checks(tags=[Tags.database], include_deployment_checks=True, databases=["default"])
    return {message.id: message for message in found}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET kind = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE {partition} SET kind = 'x'",
        "DELETE FROM {partition}",
        "TRUNCATE {partition}",
        "SELECT FROM {partition}",
        "INSERT INTO audit_event SELECT * FROM audit_event ON CONFLICT (id) DO UPDATE SET kind = 'x'",
        "UPDATE audit_pending SET event_id = event_id",
        "DELETE FROM audit_pending",
        "TRUNCATE audit_pending",
        "TRUNCATE partners_target CASCADE",
        "DELETE FROM django_migrations",
        "DROP TABLE audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "CREATE TABLE mine (id int)",
        "SET ROLE handover_owner",
    ],
)
def test_the_application_role_is_refused(trail: Trail, statement: str) -> None:
    with psycopg.connect(trail.application_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.format(partition=trail.partition))
    assert trail.is_whole()


def test_the_application_role_inserts_and_reads_events(committed_database: str) -> None:
    event_id = audit.record(ExchangeGranted(partner_id=uuid4()), SYSTEM)
    with psycopg.connect(committed_database) as connection:
        assert connection.execute("SELECT id FROM audit_event").fetchall() == [(event_id,)]
        assert connection.execute("SELECT event_id FROM audit_pending").fetchall() == [(event_id,)]


def test_every_other_table_can_be_worked_with_but_not_truncated(committed_database: str) -> None:
    with psycopg.connect(committed_database) as connection:
        names = [name for (name,) in connection.execute(grants.TABLES) if name not in grants.RIGHTS]
        query = "SELECT bool_and(has_table_privilege(%(t)s, r)) FROM unnest(%(r)s::text[]) AS r"
        for name in names:
            rights = {"t": name, "r": ["SELECT", "INSERT", "UPDATE", "DELETE"]}
            assert connection.execute(query, rights).fetchone() == (True,), name
            assert connection.execute("SELECT has_table_privilege(%s, 'TRUNCATE')", [name]).fetchone() == (False,)
        assert "partners_partner" in names


def test_granting_again_takes_back_what_was_granted_by_hand(committed_database: str) -> None:
    with psycopg.connect(settings.HANDOVER.database_owner_url) as owner:
        owner.execute("GRANT UPDATE, TRUNCATE ON audit_event TO handover")
        owner.execute("GRANT DELETE ON audit_pending TO PUBLIC")
    assert grants.held(committed_database).excess == (
        "DELETE on audit_pending",
        "TRUNCATE on audit_event",
        "UPDATE on audit_event",
    )
    for _ in range(2):
        grants.apply(settings.HANDOVER.database_owner_url, committed_database)
        assert grants.held(committed_database).excess == ()


@pytest.mark.usefixtures("committed_database")
def test_a_migrated_database_passes_the_check_except_for_the_old_redis_of_the_wheel() -> None:
    assert set(problems()) == {"handover.E043"}


@pytest.mark.usefixtures("committed_database")
def test_the_old_redis_is_no_fault_in_the_demo(settings: Any) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, demo=True)
    assert problems() == {}


@pytest.mark.usefixtures("committed_database")
def test_a_role_that_owns_the_tables_fails_the_check(settings: Any) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, database_url=settings.HANDOVER.database_owner_url)
    assert "UPDATE on audit_event" in problems()["handover.E040"].msg


@pytest.mark.usefixtures("committed_database")
def test_a_member_of_the_owner_fails_the_check(services: Services) -> None:
    with services.administration() as connection:
        connection.execute(f"GRANT {OWNER} TO {APPLICATION} WITH INHERIT FALSE")
        try:
            assert f"membership of the owner {OWNER}" in problems()["handover.E040"].msg
        finally:
            connection.execute(f"REVOKE {OWNER} FROM {APPLICATION}")


def test_asynchronous_commit_fails_the_check(services: Services, committed_database: str) -> None:
    name = sql.Identifier(connection_parameters(committed_database)["dbname"])
    with services.administration() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    assert set(problems()) == {"handover.E041", "handover.E043"}


def test_stores_that_are_away_fail_the_check(settings: Any) -> None:
    settings.HANDOVER = replace(
        settings.HANDOVER, database_url="postgresql://handover@/x?host=/nonexistent", redis_url="unix:///nonexistent"
    )
    assert set(problems()) == {"handover.E044", "handover.E045"}


def test_migrating_without_the_applications_role_says_how_to_make_it(committed_database: str, settings: Any) -> None:
    settings.HANDOVER = replace(
        settings.HANDOVER, database_url=committed_database.replace("//handover@", "//stranger@")
    )
    with pytest.raises(CommandError, match='CREATE ROLE "stranger" LOGIN'):
        call_command("migrate", stdout=StringIO())
