"""What templates print: instants, lengths, counts, names; and changes told in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from audit import events
from audit.selectors import CHANGE_PREFIXES, Entry, Record
from portal.overview.recent import happening
from portal.templatetags import handover

NOW = datetime(2026, 3, 17, 14, 4, 18, 221000, tzinfo=UTC)


def test_an_instant_is_printed_in_utc_wherever_it_comes_from() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert handover.clock(there) == (
        '<ho-time datetime="2026-03-17T14:04:18.221+00:00">17 Mar 2026, 14:04:18 UTC</ho-time>'
    )
    assert ">14:04</ho-time>" in str(handover.clock(there, "hour"))
    assert handover.clock(None) == "never"
    assert handover.day_of(there) == "17 Mar 2026"
    assert handover.day(date(2026, 6, 30)) == "30 Jun 2026"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 s"), (90, "90 s"), (60, "1 min"), (300, "5 min"), (3600, "1 h"), (5400, "1 h 30 min"), (259_200, "3 days")],
)
def test_a_length_of_time_has_units_that_fit(seconds: int, words: str) -> None:
    assert handover.lasting(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=9), "just now"),
        (timedelta(minutes=41), "41 min ago"),
        (timedelta(hours=23, minutes=59), "23 h 59 min ago"),
        (timedelta(days=1), "16 Mar 2026"),
    ],
)
def test_time_is_relative_up_to_a_day(passed: timedelta, words: str) -> None:
    assert handover.ago(NOW - passed, NOW) == words


def test_counts_are_exact_and_shares_are_rounded_and_never_divide_by_nothing() -> None:
    assert handover.thousands(1_234_567) == "1,234,567"
    assert handover.share(7, 9) == "77.8%"
    assert handover.share(0, 0) == "0.0%"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Kestrel Payments", "KP"), ("ada@meridian.example", "A"), ("", ""), ("Ångström", "Å"), ("a b c", "AB")],
)
def test_initials_stand_for_any_name(name: str, letters: str) -> None:
    assert handover.initials(name) == letters


def test_an_icon_is_drawn_in_the_colour_of_its_text_and_has_no_name() -> None:
    drawn = str(handover.icon("check", "icon-s"))
    assert drawn.startswith('<svg class="icon icon-s" viewBox="0 0 24 24" aria-hidden="true"><path d="')
    assert "stroke=" not in drawn


def test_an_icon_that_is_not_vendored_is_a_fault_of_the_template() -> None:
    with pytest.raises(FileNotFoundError):
        handover.icon("no-such-icon")


def test_a_badge_cannot_be_broken_out_of() -> None:
    assert "<script" not in str(handover.badge("<script>", '"><script>'))


def told(kind: str, **document: object) -> str:
    entry = Entry(
        id=UUID(int=0),
        kind=kind,
        reason="",
        partner_id=None,
        client="",
        target="",
        actor="",
        correlation_id=UUID(int=0),
    )
    return happening(Record(entry=entry, document=document)).what


@pytest.mark.parametrize(
    "kind", sorted({event.kind for event in events.Event.__subclasses__() if event.kind.startswith(CHANGE_PREFIXES)})
)
def test_every_kind_of_change_has_words(kind: str) -> None:
    assert told(kind) != kind


def test_a_change_names_what_changed() -> None:
    data = {"object": "Client", "name": "kestrel-batch", "change": "suspended", "fields": []}
    assert told("configuration.applied", data=data) == "Client kestrel-batch suspended"
    assert told("mapping.published", data={"name": "settle"}) == "Mapping published: settle"
    assert told("mapping.published", data=None) == "Mapping published"
    assert told("mapping.compared") == "mapping.compared"


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ({"kind": "system", "name": "handover"}, "Handover"),
        ({"kind": "system", "name": "demo data"}, "demo data"),
        ({"kind": "user", "name": "ada@meridian.example"}, "ada@meridian.example"),
        (None, ""),
    ],
)
def test_a_change_names_who_made_it(actor: object, name: str) -> None:
    entry = Entry(
        id=UUID(int=0), kind="partner.registered", reason="", partner_id=None, client="", target="", actor="",
        correlation_id=UUID(int=0),
    )  # fmt: skip
    assert happening(Record(entry=entry, document={"actor": actor})).actor == name
