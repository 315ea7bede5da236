"""Every member of every body, and every parameter of every address, with what nobody should send.

Generated from the description of the API: a member that is new is covered. Each value is refused with a problem that
names the member, or it is kept and shown as it was sent; never a fault, and nothing is written by halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from portal.api.objects import FIXED
from tests.api.described import operations, paths, put, written_as
from tests.attacks import attack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.attackers import Attacker
    from tests.api.described import Operation, Path

TEXT: Final = "=cmd|' /C calc'!A1 <script>alert(1)</script>\"; DROP TABLE partners_partner; --"
HOSTILE: Final[dict[str, Any]] = {
    "formula, script, SQL": TEXT,
    "NUL": "a\x00b",
    "right to left": "\u202egpj.exe",
    "too long": "x" * 5000,
    "half a character": "\ud800",
    "object": {"$ne": [None, {"": []}]},
    "number": 10**30,
}
NOT_NAMED: Final = {"half a character"}
"""What no parser of JSON reads: such a body is refused whole."""
SAID_OTHERWISE: Final = {"golden_token_refused", "not_possible", "illegal_transition"}
"""Refusals that are about what a member leads to, not about how it is written: their words say what is wrong."""
CONTRADICTED: Final = {"methods", "subject_claims"}
"""What is named where a value is right by itself, and only does not go with what these members say."""
AT_ONCE: Final = 12
"""More of the long texts would be too long for one body."""


@attack("A27")
def test_no_body_breaks_a_call_none_is_written_by_halves_and_each_wrong_member_is_named(attacker: Attacker) -> None:
    found = list(operations())
    assert len(found) > 20
    faults: list[str] = []
    for operation in found:
        as_it_is = attacker.call(operation, operation.example)
        if as_it_is.status_code >= 400 and as_it_is.json()["code"] not in SAID_OTHERWISE:
            faults.append(f"{operation.method} {operation.path}, its example: {as_it_is.json()}")
        for kind in HOSTILE:
            for some in groups(operation.places, AT_ONCE if kind == "too long" else len(operation.places)):
                faults += unlike(attacker, operation, some, kind)
    assert not faults, "\n".join(faults)
    assert attacker.calls > len(found) * len(HOSTILE)


def groups(places: tuple[Path, ...], most: int) -> Iterator[list[Path]]:
    """Places that go into one body: none within another; and what never changes alone, since it is told first."""
    fixed: list[Path] = [(name,) for name in FIXED]
    yield from ([place] for place in fixed if place in places)
    for depth in sorted({len(place) for place in places}):
        level = [place for place in places if len(place) == depth and place not in fixed]
        yield from (level[first : first + most] for first in range(0, len(level), most))


def unlike(attacker: Attacker, operation: Operation, some: list[Path], kind: str) -> Iterator[str]:
    """The value in all of these places at once; then, alone, in each that was not named as wrong."""
    body = operation.example
    for path in some:
        body = put(body, path, HOSTILE[kind])
    answer = attacker.call(operation, body)
    if answer.json().get("code") == "malformed_json":
        yield from () if kind in NOT_NAMED else [f"{operation} {kind}: {answer.content}"]
        return
    named = fields(answer)
    for path in some:
        place = written_as(path)
        if not any(name == place or name.startswith((f"{place}.", f"{place}[")) for name in named):
            answer = attacker.call(operation, put(operation.example, path, HOSTILE[kind]))
            if not is_right(answer, path, kind):
                yield f"{operation.method} {operation.path} {place}, {kind}: {answer.status_code} {fields(answer)}"


def is_right(answer: Any, path: Path, kind: str) -> bool:
    """Whether the value was kept as it was sent, or refused by the name of its place."""
    told, value = answer.json(), HOSTILE[kind]
    if answer.status_code < 400:
        return not isinstance(value, str) or shown_at(told, path) in {value, None}
    place, named = written_as(path), fields(answer)
    return told["code"] in SAID_OTHERWISE or any(
        name.startswith(place) or place.startswith(f"{name}.") or name in CONTRADICTED for name in named
    )


def fields(answer: Any) -> list[str]:
    return [one["field"] for one in answer.json().get("fields", ())] if answer.status_code == 422 else []


def shown_at(told: Any, path: Path) -> Any:
    """What an answer has at a place; None where it has no such place."""
    for part in path:
        try:
            told = told[part]
        except (KeyError, IndexError, TypeError):
            return None
    return told


@attack("A27")
def test_no_parameter_breaks_a_call_and_each_wrong_one_is_named(attacker: Attacker) -> None:
    tried = 0
    for path, item in paths().items():
        for parameter in item.get("get", {}).get("parameters", ()):
            if parameter["in"] != "query":
                continue
            for text in (TEXT, "\x00", "9" * 300, ""):
                address = f"{attacker.address(path)}?{parameter['name']}={quote(text)}"
                answer = attacker.caller.call("GET", address)
                assert answer.status_code in {200, 400, 404}, (address, answer.content)
                if answer.status_code == 400:
                    assert answer.json()["parameter"] == parameter["name"], address
                tried += 1
    assert tried > 150
