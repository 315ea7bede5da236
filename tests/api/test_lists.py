"""Lists of the API: parts that meet without a gap, cursors that only fit their list, and a fixed number of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from partners import models
from portal.permissions import Permission
from tests.portal import organisation as organisations
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer

LISTS = {
    "partners": 1,
    "partners?state=active": 1,
    "partners/kestrel/trusts": 2,
    "partners/kestrel/mappings": 2,
    "partners/kestrel/mappings/settle/versions": 1,
    "clients": 3,
    "clients?partner=kestrel": 4,
    "targets": 2,
    "alerts": 1,
    "alerts?partner=kestrel&state=open": 2,
    "endings": 6,
    "partners/kestrel/people": 2,
    "exchanges": 2,
    "exchanges?partner=kestrel&outcome=refused": 3,
}


@pytest.fixture
def reader(bearer: Callable[..., Bearer]) -> Bearer:
    """A client that may read everything."""
    return bearer("reader", Permission.PARTNERS_READ, Permission.EXCHANGES_READ)


def walk(reader: Bearer, path: str, limit: int) -> list[dict[str, Any]]:
    """The whole list, part by part."""
    joint, found, cursor = "&" if "?" in path else "?", [], ""
    while True:
        answer = reader.call("GET", f"{path}{joint}limit={limit}{cursor}")
        assert answer.status_code == 200, answer.content
        part = answer.json()
        found.extend(part["items"])
        assert len(part["items"]) <= limit
        if part["next"] is None:
            return found
        cursor = f"&cursor={quote(part['next'])}"


@pytest.mark.parametrize(("path", "queries"), LISTS.items())
@pytest.mark.usefixtures("organisation")
def test_a_list_costs_the_same_however_long_it_is(reader: Bearer, path: str, queries: int) -> None:
    few = counted(reader, path)
    kestrel = models.Partner.objects.get(slug="kestrel")
    for number in range(5):
        organisations.partner(f"more-{number}")
        add_client(kestrel, f"more-{number}", secret="s" * 43)
    many = counted(reader, path)
    assert (few, many) == (queries, queries)


def counted(reader: Bearer, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert reader.call("GET", path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("organisation")
def test_the_parts_of_a_list_are_the_list(reader: Bearer, path: str) -> None:
    assert walk(reader, path, 2)[:20] == walk(reader, path, 100)[:20] if path != "exchanges" else True
    whole = walk(reader, path, 100)
    assert len({str(item["id"]) for item in whole}) == len(whole) > 0


@pytest.mark.usefixtures("organisation")
def test_names_go_up_or_down(reader: Bearer) -> None:
    up = [item["name"] for item in walk(reader, "partners", 1)]
    assert up == sorted(up)
    assert [item["name"] for item in walk(reader, "partners?order=descending", 1)] == up[::-1]


@pytest.mark.usefixtures("organisation")
def test_a_cursor_fits_its_list_and_nobody_can_make_one_up(reader: Bearer) -> None:
    cursor = reader.call("GET", "partners?limit=1").json()["next"]
    assert "alder" not in cursor.split(":")[0]
    for path in (
        f"clients?cursor={quote(cursor)}",
        f"partners?state=active&cursor={quote(cursor)}",
        f"partners?order=descending&cursor={quote(cursor)}",
        f"partners?cursor={quote(cursor[:-1])}",
        "partners?cursor=kestrel",
        "exchanges?cursor=%00",
    ):
        answer = reader.call("GET", path)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1e9", "limit"),
        ("limit=1&limit=2", "limit"),
        ("state=gone", "state"),
        ("colour=red", "colour"),
        ("order=%27", "order"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(reader: Bearer, query: str, parameter: str) -> None:
    answer = reader.call("GET", f"partners?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert answer.json()["parameter"] == parameter


@pytest.mark.parametrize("since", ["2027-03-31", "yesterday", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_an_instant_has_an_offset_and_a_sensible_year(reader: Bearer, since: str) -> None:
    assert reader.call("GET", f"exchanges?since={since}").status_code == 400
