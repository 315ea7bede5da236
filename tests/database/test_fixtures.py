"""The database fixtures themselves: whose connection it is, and what is left of a test."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from partners.models import Registry, Target
from tests import services as plugin

if TYPE_CHECKING:
    from tests.services import Services


def test_a_committed_database_is_the_tests_own(committed_database: str) -> None:
    Target.objects.create(name="ledger", audience="https://ledger.example")
    with psycopg.connect(committed_database) as other:
        assert other.execute("SELECT count(*) FROM partners_target").fetchone() == (1,)


@pytest.mark.usefixtures("committed_database")
def test_a_committed_database_starts_with_the_registry_row_only() -> None:
    assert Registry.objects.get().epoch == 1
    assert not Target.objects.exists()


def test_settings_and_environment_name_the_committed_database(committed_database: str) -> None:
    assert settings.HANDOVER.database_url == os.environ["DATABASE_URL"] == committed_database
    assert settings.HANDOVER.database_owner_url == os.environ["DATABASE_OWNER_URL"] != committed_database


@pytest.mark.usefixtures("committed_database")
def test_threads_see_what_the_test_committed() -> None:
    Target.objects.create(name="ledger", audience="https://ledger.example")
    seen: list[int] = []

    def look() -> None:
        seen.append(Target.objects.count())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


def test_a_committed_database_is_gone_afterwards(services: Services, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), plugin.own_database(services) as url:
        psycopg.connect(url).close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_two_committed_databases_do_not_know_each_other(committed_database: str, services: Services) -> None:
    Target.objects.create(name="ledger", audience="https://ledger.example")
    with plugin.own_database(services):
        assert not Target.objects.exists()
    assert Target.objects.count() == 1
    assert settings.HANDOVER.database_url == committed_database


def test_a_test_that_ends_with_a_setting_of_its_own_does_not_leave_its_database_behind(
    services: Services, django_db_blocker: Any
) -> None:
    before = settings.HANDOVER
    override = override_settings(HANDOVER=replace(before, demo=True))
    with django_db_blocker.unblock(), plugin.own_database(services):
        override.enable()
    override.disable()
    assert before == settings.HANDOVER


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db
def test_the_workers_database_forgets_each_test(turn: int) -> None:
    assert not Target.objects.exists()
    Target.objects.create(name=f"t{turn}", audience=str(uuid4()))


@pytest.mark.django_db
def test_the_workers_database_is_used_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("handover", connection.settings_dict["NAME"])
    assert f"/{connection.settings_dict['NAME']}?" in settings.HANDOVER.database_url
