"""The notation of values, and that its limits are those of the database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from partners import checking, inventory, models, services
from partners.declarations import KINDS
from partners.errors import ConfigurationRefused, Problem
from partners.notation import format_duration, parse_duration
from partners.schema import fields_of
from partners.vocabulary import Kind
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change


@given(st.integers(0, 10**8))
def test_a_duration_reads_back_as_it_was_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("300s", 300), ("5m", 300), ("1h", 3600), ("1d", 86400), ("90m", 5400)]
)
def test_durations_have_four_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "m",
        "-5m",
        "5M",
        "1.5h",
        "1h30m",
        "5m\n",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        300,
        None,
        True,
        "9" * 10 + "s",
    ],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(PydanticCustomError, match="a whole number and s, m, h or d"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (60, "1m"), (90, "90s"), (3600, "1h"), (172800, "2d")])
def test_a_duration_is_written_in_the_largest_unit_that_divides_it(seconds: int, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


def seconds(*numbers: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=number) for number in numbers)


LIMITS: list[tuple[Callable[..., Any], type[Any], str, tuple[Any, ...]]] = [
    (examples.target, models.Target, "lifetime", seconds(29, 30, 3600, 3601)),
    (examples.trust, models.FederationTrust, "leeway", seconds(-1, 0, 60, 61)),
    (examples.trust, models.FederationTrust, "lifetime", seconds(0, 1, 3600, 3601)),
    (examples.trust, models.FederationTrust, "subject_lifetime", seconds(0, 1, 86400, 86401)),
    (examples.trust, models.FederationTrust, "max_depth", (-1, 0, 4, 5)),
    (examples.partner, models.Partner, "requests_per_minute", (0, 1, 6_000_000, 6_000_001)),
    (examples.partner, models.Partner, "burst", (0, 1, 1_000_000, 1_000_001)),
    (examples.client, models.Client, "requests_per_minute", (0, 1, 6_000_000, 6_000_001)),
    (examples.client, models.Client, "daily_quota", (0, 1, 1_000_000_000, 1_000_000_001)),
    (examples.mapping, models.ScopeMapping, "lifetime", seconds(0, 1, 3600, 3601)),
    (examples.mapping, models.ScopeMapping, "max_depth", (-1, 0, 4, 5)),
    (examples.mapping, models.ScopeMapping, "claims", (["a"], {}, {"a": "'" + "a" * 2000 + "'"}, {"a": "a" * 65536})),
]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("declare", "model", "field", "values"), LIMITS)
def test_the_limits_of_the_notation_are_the_limits_of_the_database(
    declare: Callable[..., Any], model: type[Any], field: str, values: tuple[Any, ...]
) -> None:
    below, *within, above = values
    for value in within:
        checking.require_right(declare(**{field: value}))
        _update(model, field, value)
    for value in (below, above):
        with pytest.raises((ConfigurationRefused, ValueError)):
            checking.require_right(declare(**{field: value}))
        with pytest.raises(IntegrityError), transaction.atomic():
            _update(model, field, value)


def _update(model: type[Any], field: str, value: Any) -> None:
    """Past every service: a copy of the row with another value, as if the code above had not looked."""
    row = model.objects.first()
    if model is models.ScopeMapping:
        row.id, row.version, row.state, row._state.adding = models.ScopeMapping().id, row.version + 1, "draft", True
        models.ScopeMapping.objects.filter(state="draft").delete()
    setattr(row, field, value)
    row.save()


_LONGEST = [
    (examples.target, "name", "a" * 63, "a" * 64),
    (examples.target, "audience", "a" * 255, "a" * 256),
    (examples.target, "title", "é" * 120, "é" * 121),
    (examples.target, "description", "é" * 2000, "é" * 2001),
    (examples.target, "resources", ("urn:" + "a" * 508,), ("urn:" + "a" * 509,)),
    (examples.partner, "title", "é" * 120, "é" * 121),
    (examples.partner, "purpose", "é" * 2000, "é" * 2001),
    (
        examples.partner,
        "contact_email",
        "a" * 64 + "@" + ("b" * 61 + ".") * 3 + "de",
        "a" * 65 + "@" + ("b" * 62 + ".") * 3 + "de",
    ),
    (examples.client, "name", "a" * 100, "a" * 101),
    (examples.client, "title", "é" * 120, "é" * 121),
    (examples.trust, "name", "a" * 63, "a" * 64),
    (examples.trust, "issuer", "https://a.example/" + "a" * 494, "https://a.example/" + "a" * 495),
    (examples.trust, "jwks_uri", "https://a.example/" + "a" * 494, "https://a.example/" + "a" * 495),
    (examples.trust, "audiences", ("a" * 255,), ("a" * 256,)),
    (examples.mapping, "name", "a" * 63, "a" * 64),
    (examples.mapping, "subject_claim", "é" * 255, "é" * 256),
    (examples.mapping, "condition", "client == '" + "a" * 2036 + "'", "client == '" + "a" * 2037 + "'"),
    (examples.mapping, "scopes_expression", "['" + "é" * 1022 + "']", "['" + "é" * 1023 + "']"),
    (examples.mapping, "claims", {"a" * 63: "'" + "a" * 2046 + "'"}, {"a" * 64: "1"}),
]


@pytest.mark.parametrize(("declare", "field", "longest", "longer"), _LONGEST)
def test_the_longest_value_fits_its_column_and_a_longer_one_is_refused(
    change: Change, declare: Callable[..., Any], field: str, longest: Any, longer: Any
) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        checking.require_right(declare(**{field: longer}))
    assert {problem.path[0] for problem in refused.value.problems} == {field}
    declared = declare(**{field: longest})
    for kind, (register, example) in REGISTER.items():
        if kind is declared.kind:
            register(change, declared)
            break
        register(change, example())
    found = [item.declared for key, item in inventory.everything().items() if key[0] is declared.kind]
    assert getattr(found[-1], field) == longest


REGISTER: dict[Kind, tuple[Callable[..., Any], Callable[..., Any]]] = {
    Kind.TARGET: (services.register_target, examples.target),
    Kind.PARTNER: (services.register_partner, examples.partner),
    Kind.CLIENT: (services.register_client, examples.client),
    Kind.TRUST: (services.add_trust, examples.trust),
    Kind.MAPPING: (services.publish_mapping, examples.mapping),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_default_is_right_by_its_own_notation(kind: Kind) -> None:
    _, example = REGISTER[kind]
    assert isinstance(example(), KINDS[kind])
    checking.require_right(example())
    assert fields_of(KINDS[kind])[0].name == "name"


def test_a_problem_reads_as_field_expectation_and_value() -> None:
    assert str(Problem(path=("rules", 0, "operator"), expected="a word", came='"x"')) == (
        'rules[0].operator: expected a word; "x" came'
    )
    assert str(Problem(path=(), expected="a document")) == "expected a document"
