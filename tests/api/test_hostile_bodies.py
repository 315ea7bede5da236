"""Every member of every body, and every parameter of every address, with what nobody should send.

Generated from the description of the API: a member that is new is covered. Each value is refused with a problem that
names the member, or it is kept and shown as it was sent; never a fault, and nothing is written by halves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import Event
from exchange.models import GoldenToken
from exchange.protocol.request import TOKEN_EXCHANGE
from partners.models import FederationTrust, Registry, ScopeMapping
from portal.api import description
from portal.models import Proposal
from portal.permissions import Permission
from portal.roles import Role
from tests.api.test_rights import ARGUMENTS
from tests.attacks import attack
from tests.world import ACCESS_TOKEN, LEDGER, add_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

Path = tuple[str | int, ...]

TEXT: Final = "=cmd|' /C calc'!A1 <script>alert(1)</script>\"; DROP TABLE partners_partner; --"
HOSTILE: Final[dict[str, Any]] = {
    "formula, script, SQL": TEXT,
    "NUL": "a\x00b",
    "right to left": "\u202egpj.exe",
    "too long": "x" * 5000,
    "half a character": "\ud800",
    "object": {"$ne": [None, {"": []}]},
    "list": [10**30, -1.5e300, True],
    "number": 10**30,
}
NOT_NAMED: Final = {"half a character"}
"""What no parser of JSON reads: such a body is refused whole."""
RIGHT: Final[dict[str, dict[str, Any]]] = {
    "Rule": {"claim": "tier", "operator": "equals", "value": "gold"},
    "Scope": {"description": "Read entries.", "risk": "low"},
    "Introspection": {"endpoint": "https://idp.kestrel.example/introspect", "client_id": "handover"},
    "Workload": {
        "issuer": "https://platform.example",
        "rules": [{"claim": "sub", "operator": "equals", "value": "x"}],
        "audiences": ["https://handover.meridian.example"],
    },
}
"""A right value of each shape within bodies."""
END: Final = {"outcome": "refused", "reason": "token.issuer_untrusted", "step": "issuer"}
QUESTION: Final = {
    "client_id": "kestrel-settlement",
    "grant_type": TOKEN_EXCHANGE,
    "at": "2026-11-01T00:00:00+00:00",
    "parameters": {"subject_token_type": [ACCESS_TOKEN], "audience": [LEDGER]},
    "subject": {"header": {"alg": "ES256", "typ": "at+jwt"}, "claims": {"iss": "https://nobody.example"}},
    "actor": None,
    "has_proof": False,
    "has_certificate": False,
    "as_if_active": False,
}
"""What the golden token among the objects asks again."""
REFERRED_TO: Final[tuple[tuple[str, Any], ...]] = (
    ("partner", "kestrel"),
    ("trust", "kestrel-idp"),
    ("target", "ledger-api"),
    ("audience", ["https://ledger.meridian.example"]),
    ("audience", "https://other.meridian.example"),
    ("client", "kestrel-settlement"),
)
"""What bodies refer to, as it is called in the organisation under test; the audience of a new target is new."""
SAID_OTHERWISE: Final = {"golden_token_refused", "not_possible", "illegal_transition"}
"""Refusals that are about what a member leads to, not about how it is written: their words say what is wrong."""


CONTRADICTED: Final = {"methods", "subject_claims"}
"""What is named where a value is right by itself, and only does not go with what these members say."""
AT_ONCE: Final = 12
"""More of the longest texts would be too long for one body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call with a body: where it goes, a body that is right, and every place in it."""

    path: str
    method: str
    example: dict[str, Any]
    places: tuple[Path, ...]


@cache
def document() -> dict[str, Any]:
    return description.document()


def operations(shapes: dict[str, Any], paths: dict[str, Any]) -> Iterator[Operation]:
    for path, item in paths.items():
        for method, operation in item.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                shape = shapes[ref.rpartition("/")[2]]
                found = tuple(places(shapes, shape, ()))
                example = shape["examples"][0]
                known = {name: value for name, value in REFERRED_TO if type(example.get(name)) is type(value)}
                yield Operation(path=path, method=method.upper(), example={**example, **known}, places=found)


def places(shapes: dict[str, Any], shape: dict[str, Any], above: Path) -> Iterator[Path]:
    """Every member of a shape, and what is within it: items of lists, values of mappings, members of objects."""
    for name, member in shape.get("properties", {}).items():
        yield (*above, name)
        yield from within(shapes, member, (*above, name))


def within(shapes: dict[str, Any], shape: dict[str, Any], above: Path) -> Iterator[Path]:
    for way in shape.get("anyOf", [shape]):
        if "$ref" in way:
            yield from places(shapes, shapes[way["$ref"].rpartition("/")[2]], above)
        elif "items" in way:
            yield (*above, 0)
            yield from within(shapes, way["items"], (*above, 0))
        elif isinstance(way.get("additionalProperties"), dict):
            yield (*above, "key")
            yield from within(shapes, way["additionalProperties"], (*above, "key"))


def written_as(path: Path) -> str:
    """A place as problems name it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def put(into: Any, path: Path, value: Any) -> Any:
    """A body with a value at a place; what is missing on the way there is made, and right."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        return [put(into[0] if isinstance(into, list) and into else None, rest, value)]
    there = into if isinstance(into, dict) and into else sample(part)
    return {**there, part: put(there.get(part), rest, value)}


def sample(member: str) -> dict[str, Any]:
    """The right value of the shape within bodies that has this member."""
    shapes = document()["components"]["schemas"]
    return next((right for name, right in RIGHT.items() if member in shapes[name]["properties"]), {})


def written() -> tuple[int, int]:
    """What a change of configuration, or anything that is audited, moves."""
    return Event.objects.count(), Registry.objects.values_list("epoch", flat=True).get()


@dataclass
class Attacker:
    """An admin's token and the addresses of an organisation; each call of theirs is undone."""

    caller: Bearer
    arguments: dict[str, str]
    calls: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    before: tuple[int, int] = field(default_factory=written)

    def address(self, path: str) -> str:
        for name, value in self.arguments.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path
        return path.removeprefix("/api/v1/")

    def call(self, operation: Operation, body: dict[str, Any]) -> Any:
        path, point = self.address(operation.path), transaction.savepoint()
        if operation.method == "PATCH" and path not in self.tags:
            read = self.caller.call("GET", path)
            assert read.status_code == 200, (path, read.content)
            self.tags[path] = read["ETag"]
        answer = self.caller.call(operation.method, path, json.dumps(body), **{"if-match": self.tags.get(path, "*")})
        assert answer.status_code < 500, (operation.method, path, body, answer.content)
        if answer.status_code >= 400:
            assert written() == self.before, (operation.method, path, body)
        transaction.savepoint_rollback(point)
        self.calls += 1
        return answer


@pytest.fixture
def attacker(organisation: Organisation, bearer: Callable[..., Bearer]) -> Attacker:
    """With a draft, a proposal, a golden token and keys that wait: every address with a body leads somewhere."""
    kestrel, people = organisation.kestrel, organisation.people
    current = ScopeMapping.objects.get(name="settle", state="published")
    current.pk, current.version, current.state = None, 4, "draft"
    current.save(force_insert=True)
    ours = {"source": "client", "target": current.target, "always": ["ledger.read"], "author": "sara@meridian.example"}
    ScopeMapping.objects.create(name="settle", version=1, state="draft", **ours)
    add_client(None, "inventory-sync", secret="s" * 43, scopes=["ledger.read"])
    proposal = Proposal.objects.create(
        partner=kestrel, trust="kestrel-idp", fields={"max_depth": 2}, author=people[Role.PARTNER_ADMIN]
    )
    source = FederationTrust.objects.get(name="kestrel-idp").key_source
    source.pending_jwks_uri = "https://idp.kestrel.example/other"
    source.save()
    case = GoldenToken.objects.create(
        partner=kestrel, name="gold", question=QUESTION, expected=END, found=END,
        author="sara@meridian.example", checked_at=timezone.now(), checked_epoch=1,
    )  # fmt: skip
    known: dict[str, Any] = {place.strip("<>").partition(":")[2]: value for place, value in ARGUMENTS.items()}
    kestrel.contact_email = "it@osprey.example"
    kestrel.save()
    client = add_client(kestrel, "kestrel-batch", secret="s" * 43, scopes=["ledger.read"])
    known |= {"client": client.pk, "person": people[Role.AUDITOR].pk}
    known |= {"proposal": proposal.pk, "source": source.pk, "case": case.pk, "reference": organisation.granted}
    caller = bearer(people[Role.SECURITY_ADMIN], *Permission)
    return Attacker(caller=caller, arguments={name: str(value) for name, value in known.items()})


@attack("A27")
def test_no_body_breaks_a_call_none_is_written_by_halves_and_each_wrong_member_is_named(attacker: Attacker) -> None:
    made = document()
    found = list(operations(made["components"]["schemas"], made["paths"]))
    assert len(found) > 20
    faults: list[str] = []
    for operation in found:
        as_it_is = attacker.call(operation, operation.example)
        if as_it_is.status_code >= 400 and as_it_is.json()["code"] not in SAID_OTHERWISE:
            faults.append(f"{operation.method} {operation.path}, its example: {as_it_is.json()}")
        for depth in sorted({len(place) for place in operation.places}):
            level = [place for place in operation.places if len(place) == depth]
            for some in (level[first : first + AT_ONCE] for first in range(0, len(level), AT_ONCE)):
                for kind in HOSTILE:
                    faults += unlike(attacker, operation, some, kind)
    assert not faults, "\n".join(faults)
    assert attacker.calls > len(found) * len(HOSTILE)


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
    for path, item in document()["paths"].items():
        for parameter in item.get("get", {}).get("parameters", ()):
            if parameter["in"] != "query":
                continue
            for text in (TEXT, "\x00", "\u202e", "9" * 300, "-1", ""):
                address = f"{attacker.address(path)}?{parameter['name']}={quote(text)}"
                answer = attacker.caller.call("GET", address)
                assert answer.status_code in {200, 400, 404}, (address, answer.content)
                if answer.status_code == 400:
                    assert answer.json()["parameter"] == parameter["name"], address
                tried += 1
    assert tried > 200
