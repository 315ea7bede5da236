"""Several hands at once: whole changes or none, one winner, and never two meanings for one name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from audit.models import Event
from partners.changes import CHANNEL
from partners.errors import ConfigurationError
from partners.models import Partner, Registry, ScopeMapping, Target
from portal.documents.errors import DocumentsRefused
from tests.documents import texts
from tests.documents.texts import applied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

HANDS = 6


@pytest.fixture
def at_once(committed_database: str, django_db_blocker: Any) -> Iterator[Callable[[Sequence[str]], list[str]]]:
    """Apply texts in as many threads, all let go at the same moment; what became of each."""
    del committed_database

    def run(documents: Sequence[str]) -> list[str]:
        barrier = Barrier(len(documents))

        def hand(text: str) -> str:
            barrier.wait()
            try:
                return "changed" if applied(text).has_changes else "unchanged"
            except (ConfigurationError, DocumentsRefused, IntegrityError, OperationalError) as error:
                return type(error).__name__
            finally:
                connection.close()

        with ThreadPoolExecutor(len(documents)) as pool:
            return list(pool.map(hand, documents))

    with django_db_blocker.unblock():
        yield run


def test_the_same_file_from_many_hands_is_created_once(at_once: Callable[[Sequence[str]], list[str]]) -> None:
    outcomes = at_once([texts.EVERYTHING] * HANDS)
    assert outcomes.count("changed") == 1
    assert set(outcomes) <= {"changed", "unchanged", "IntegrityError", "DocumentsRefused"}
    assert Event.objects.filter(kind="partner.registered").count() == 1
    assert not applied(texts.EVERYTHING).has_changes


def test_versions_of_one_mapping_follow_each_other_whoever_publishes(
    at_once: Callable[[Sequence[str]], list[str]],
) -> None:
    applied(texts.EVERYTHING)
    outcomes = at_once([f"{texts.MAPPING}lifetime: {n + 10}s\n" for n in range(HANDS)])
    assert outcomes == ["changed"] * HANDS
    rows = list(ScopeMapping.objects.order_by("version").values_list("version", "state"))
    assert rows == [*((n + 1, "superseded") for n in range(HANDS)), (HANDS + 1, "published")]


def test_a_name_is_never_given_to_two_targets(at_once: Callable[[Sequence[str]], list[str]]) -> None:
    documents = [
        f"version: 1\nkind: Target\nname: t{n}\naudience: a{n}\nresources: [urn:meridian:shared]\n"
        for n in range(HANDS)
    ]
    outcomes = at_once(documents)
    assert sorted(outcomes) == [*["DocumentsRefused"] * (HANDS - 1), "changed"]
    assert Target.objects.count() == 1


def test_different_partners_do_not_stand_in_each_others_way(at_once: Callable[[Sequence[str]], list[str]]) -> None:
    applied(texts.TARGET)
    documents = [texts.PARTNER.replace("kestrel", f"partner-{n}") for n in range(HANDS)]
    before = Registry.objects.get().epoch
    assert at_once(documents) == ["changed"] * HANDS
    assert Partner.objects.filter(state="active").count() == HANDS
    assert Registry.objects.get().epoch == before + HANDS
    assert sorted(Partner.objects.values_list("version", flat=True)) == list(range(before + 1, before + HANDS + 1))


def test_a_file_applied_by_the_command_is_announced_to_every_process(
    committed_database: str, tmp_path: Path, django_db_blocker: Any
) -> None:
    """One process with its own connection, as an operator runs it; another listens, as a server does."""
    place = tmp_path / "all.yaml"
    place.write_text(texts.EVERYTHING)
    environ = {**os.environ, **texts.ENVIRON, "DATABASE_URL": committed_database}
    command = [sys.executable, "manage.py", "apply", "-f", str(place), "--json", "--author", "pipeline"]
    with psycopg.connect(committed_database, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
        (notice,) = list(listener.notifies(timeout=20, stop_after=1))
    assert json.loads(done.stdout)["written"]
    with django_db_blocker.unblock():
        assert notice.payload == str(Registry.objects.get().epoch)
        authors = {json.loads(text)["actor"]["name"] for text in Event.objects.values_list("canonical", flat=True)}
    assert authors == {"pipeline"}
