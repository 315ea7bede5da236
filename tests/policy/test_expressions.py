"""Expressions: what can be written, what it gives, and that whatever else happens is a fault, in bounded space."""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.expression_grammar import (
    FUNCTIONS,
    ITERATIONS,
    MAX_MENTIONS,
    MAX_SOURCE_BYTES,
    METHODS,
    VARIABLES,
    ExpressionError,
    require_offered,
)
from policy.expressions import (
    LARGEST_INTEGER,
    MAX_CLAIMS_BYTES,
    MAX_ITEM_LENGTH,
    MAX_ITEMS,
    MAX_TEXT_LENGTH,
    Expression,
    ExpressionFault,
    Kind,
    Variables,
)
from tests.attacks import attack

if TYPE_CHECKING:
    from policy.expressions import Result

CLAIMS: Final[dict[str, Any]] = {
    "tier": "gold",
    "level": 3,
    "staff": True,
    "roles": ["ledger.read", "ops"],
    "mixed": ["a", 1],
    "email": "Ada@Kestrel.example",
    "https://kestrel.example/unit": "east",
    "nested": {"unit": {"name": "north"}},
    "nothing": None,
    "share": 0.5,
}


def variables(claims: Any = CLAIMS, **more: Any) -> Variables:
    return Variables(claims, more.get("actor", {}), more.get("client", "gateway"), more.get("scopes", {"b", "a"}))


def value_of(source: str, kind: Kind = Kind.CLAIM, claims: Any = CLAIMS) -> Result:
    return Expression.compile(source, kind).evaluate(variables(claims))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("claims.tier == 'gold' && claims.level >= 3", True),
        ("claims.staff", True),
        ("claims.level + 1", 4),
        ("has(claims.unit) ? string(claims.unit) : 'none'", "none"),
        ("'unit' in claims", False),
        ("claims.email.split('@')[1].lowerAscii()", "kestrel.example"),
        ("claims.email.substring(0, claims.email.indexOf('@'))", "Ada"),
        ('claims["https://kestrel.example/unit"]', "east"),
        ("claims.nested.unit.name", "north"),
        ("claims.roles", ["ledger.read", "ops"]),
        ("claims.roles.filter(r, r.startsWith('ledger.')).map(r, 'our:' + string(r))", ["our:ledger.read"]),
        ("claims.roles.exists(r, r == 'ops' || r == client)", True),
        ("claims.roles.map(r, r != 'ops', string(r))", ["ledger.read"]),
        ("scopes", ["a", "b"]),
        ("client + ':' + claims.tier", "gateway:gold"),
        ("size(actor) == 0", True),
        ("'a\\'b' + \"'\"", "a'b'"),
        ("claims\n  .tier", "gold"),
    ],
)
def test_an_expression_gives_what_the_claims_say(source: str, value: Result) -> None:
    given = value_of(source)
    assert (type(given), given) == (type(value), value)


def test_the_actors_claims_are_there_where_an_actor_acts() -> None:
    expression = Expression.compile("actor.team == 'ops' && client == 'gateway'", Kind.CONDITION)
    assert expression.evaluate(variables(actor={"team": "ops"})) is True
    assert expression.evaluate(variables(actor={"team": "art"})) is False


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("claims.staff", Kind.CONDITION, "true or false"),
        ("'yes'", Kind.CONDITION, "true or false"),
        ("claims.roles", Kind.SCOPES, "a list of text"),
        ("[1]", Kind.SCOPES, "a list of text"),
        ("'ledger.read'", Kind.SCOPES, "a list of text"),
        ("claims", Kind.CLAIM, "text, true or false, a whole number or a list of text"),
        ("null", Kind.CLAIM, "text, true or false, a whole number or a list of text"),
        ("[1]", Kind.CLAIM, "text, true or false, a whole number or a list of text"),
        ("1 +", Kind.CLAIM, "does not compile"),
        ("", Kind.CLAIM, "does not compile"),
        ("(1", Kind.CLAIM, "does not compile"),
        ("1 + 'a'", Kind.CLAIM, "does not compile"),
        ("(" * 40 + "1" + ")" * 40, Kind.CLAIM, "does not compile"),
    ],
)
def test_what_gives_something_else_is_refused_when_it_is_written(source: str, kind: Kind, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        Expression.compile(source, kind)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("claims.roles.exists(r, r.exists(q, q == 'a'))", "one level"),
        ("[1].map(x, [2].map(y, y))", "one level"),
        ("claims.roles.exists(r, r in claims.roles)", "only its own variable"),
        ("claims.a.map(x, string(x)).map(y, y + y)", "map is used twice"),
        ("claims.roles.exists(claims, true)", "a name of its own"),
        ("claims.roles.exists((r), true)", "r is not a variable"),
        ("claims.tier.replace('g', 'gg')", "is not offered"),
        ("['a'].join(claims.tier)", "is not offered"),
        ("'%s'.format([claims])", "is not offered"),
        ("claims.tier.matches('^gold')", "is not offered"),
        ("matches(claims.tier, '(a+)+$')", "is not offered"),
        ("dyn(claims)", "is not offered"),
        ("timestamp(claims.tier)", "is not offered"),
        ("google.protobuf.Value", "google is not a variable"),
        ("tier == 'gold'", "tier is not a variable"),
        ("[.claims.roles].exists(r, true)", "a dot must follow"),
        ("'a' in .claims", "a dot must follow"),
        ("1.5 > 1.0", "numbers are whole"),
        ("{'a': 1}", "not part of the language"),
        ("claims.tier // a comment", "not part of the language"),
        ("claims.`tier`", "not part of the language"),
        ('r"a"', "r is not a variable"),
        ("'a' in'a'", "without a prefix"),
        ('"""a"""', "in plain quotes"),
        ("claims.tier)(", "was not opened"),
        ("'a\0'", "control character"),
        ("'\ud800'", "control character"),
        ("'" + "é" * 1024 + "'", "longer than 2048 bytes"),
        (" + ".join(["client"] * (MAX_MENTIONS + 1)), "at most 20 times"),
        ("claims.l.exists(x, x in [" + ", ".join(["1"] * 60) + "])", "at most 100 may"),
    ],
)
def test_what_is_not_offered_is_refused_before_the_engine_sees_it(source: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        require_offered(source)


@pytest.mark.parametrize(
    "source",
    [
        "claims.absent == 'gold'",
        "!(claims.absent == 'gold')",
        "claims.tier.absent == 1",
        "claims.roles[7] == 'ops'",
        "claims.mixed.all(m, m.startsWith('a'))",
        "claims.level > 'x' || claims.absent",
        "claims.tier > 3",
        "int(claims.tier) == 3",
        "9223372036854775807 + claims.level > 0",
        "claims.tier.substring(9) == ''",
        "int(client) > 0",
    ],
)
def test_what_cannot_be_evaluated_is_a_fault_and_neither_yes_nor_no(source: str) -> None:
    with pytest.raises(ExpressionFault):
        value_of(source, Kind.CONDITION)


@pytest.mark.parametrize(
    "source",
    [
        "claims.absent",
        "string(claims.absent)",
        "claims.nothing",
        "claims.share",
        "claims.nested",
        "claims.mixed",
        "[claims.absent]",
        "claims.email + '\\n'",
        f"{LARGEST_INTEGER} + 1",
    ],
)
def test_a_value_that_no_claim_may_hold_is_a_fault(source: str) -> None:
    with pytest.raises(ExpressionFault):
        value_of(source)


@attack("A31")
@pytest.mark.parametrize(
    ("claims", "source", "fits", "bursts"),
    [
        ("text", "claims.x", "a" * MAX_TEXT_LENGTH, "a" * (MAX_TEXT_LENGTH + 1)),
        ("list", "claims.x", ["a"] * MAX_ITEMS, ["a"] * (MAX_ITEMS + 1)),
        ("item", "claims.x", ["a" * MAX_ITEM_LENGTH], ["a" * (MAX_ITEM_LENGTH + 1)]),
        ("number", "claims.x", -LARGEST_INTEGER, -LARGEST_INTEGER - 1),
    ],
)
def test_what_an_expression_may_give_is_bounded(claims: str, source: str, fits: Any, bursts: Any) -> None:
    assert value_of(source, claims={"x": fits}) == fits, claims
    with pytest.raises(ExpressionFault):
        value_of(source, claims={"x": bursts})


def test_claims_larger_than_an_expression_is_given_are_a_fault_whatever_it_reads() -> None:
    small = {"tier": "gold", "ballast": "a" * (MAX_CLAIMS_BYTES - 200)}
    assert value_of("claims.tier", claims=small) == "gold"
    with pytest.raises(ExpressionFault, match="larger than"):
        value_of("claims.tier", claims=small | {"more": "a" * 200})
    with pytest.raises(ExpressionFault, match="larger than"):
        Expression.compile("client", Kind.CLAIM).evaluate(variables({}, actor={"ballast": "a" * MAX_CLAIMS_BYTES}))


@pytest.mark.parametrize("claims", [{"x": "\ud800"}, {"x": 2**64}, {"x": {1: 2}}, {"x": object()}])
def test_claims_that_are_no_json_are_a_fault(claims: Any) -> None:
    with pytest.raises(ExpressionFault):
        value_of("client == 'gateway' && claims.x == 1", Kind.CONDITION, claims)


def test_more_rounds_than_the_engine_allows_are_a_fault() -> None:
    many = {"l": list(range(3000))}
    assert value_of("claims.l.exists(x, x == -1)", Kind.CONDITION, many) is False
    with pytest.raises(ExpressionFault, match="budget"):
        value_of("(claims.l + claims.l + claims.l + claims.l).exists(x, x == -1)", Kind.CONDITION, many)


@attack("A31")
@pytest.mark.parametrize(
    ("source", "claims"),
    [
        ("size(" + " + ".join(["claims.s"] * 20) + ") < 0", {"s": "a" * 16_000}),
        ("claims.l.map(x, " + " + ".join(["string(x)"] * 18) + ").size() < 0", {"l": ["a" * 100] * 150}),
        ("(" + " + ".join(["claims.s"] * 12) + ").split('').size() < 0", {"s": "a" * 16_000}),
        ("claims.l.map(x, x.split('')).exists(x, x == ['b'])", {"l": ["a" * 100] * 150}),
        ("claims == claims && claims in [claims]", {"s": "a" * 16_000}),
        ("claims.s.contains(claims.t)", {"s": "a" * 8000, "t": "a" * 4000 + "b"}),
    ],
)
def test_the_worst_that_can_be_written_takes_a_bounded_amount_of_memory(source: str, claims: Any) -> None:
    """What grows without end is not offered; what is offered multiplies what came in by a small constant."""
    assert len(source) <= MAX_SOURCE_BYTES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(ExpressionFault):
        value_of(source, Kind.CONDITION, claims)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024


def test_a_stored_expression_that_is_refused_today_is_a_fault_when_it_is_used() -> None:
    for source in ("claims.tier.matches('gold')", "claims.tier", "1 +"):
        with pytest.raises(ExpressionFault):
            Expression(source=source, kind=Kind.CONDITION).evaluate(variables())


_NAMES = sorted(VARIABLES | FUNCTIONS | METHODS | {"x", "tier", "roles", "level", "absent", "true", "null", "in"})
_PIECES = st.sampled_from([*_NAMES, *"()[].,:?!<>+-", "==", "&&", "||", "'a'", '"b"', "0", "1", " ", "(x, ", "."])
_TEXTS = st.lists(_PIECES, max_size=25).map("".join) | st.text(max_size=40)
_SHAPES = st.sampled_from(
    [
        "claims.{0} == {1}",
        "has(claims.{0}) && claims.{0} == {1}",
        "claims.roles.{2}(x, x == {1})",
        "string(claims.{0}) + {1}",
        "[string(claims.{0}), {1}]",
        "claims.roles.map(x, string(x) + {1})",
    ]
)
_MADE = st.builds(
    str.format,
    _SHAPES,
    st.sampled_from(["tier", "level", "roles", "absent", "nested", "nothing"]),
    st.sampled_from(["'gold'", "3", "true", "client", "'a'"]),
    st.sampled_from(sorted(ITERATIONS)),
)


@settings(max_examples=300)
@given(source=_TEXTS | _MADE, kind=st.sampled_from(Kind))
def test_whatever_is_written_is_refused_faults_or_gives_what_it_is_for(source: str, kind: Kind) -> None:
    try:
        value = value_of(source, kind)
    except (ExpressionError, ExpressionFault):
        return
    if kind is Kind.CONDITION:
        assert type(value) is bool
    elif kind is Kind.SCOPES:
        assert isinstance(value, list)
    if isinstance(value, list):
        assert all(type(item) is str for item in value)
    assert type(value) in {bool, int, str, list}
