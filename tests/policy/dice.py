"""Random parts of decisions: rolled once from a fixed seed, combined by Hypothesis."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from policy.facts import Actor
from policy.mapping import MappingSource
from tests.policy.examples import (
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    catalogue,
    make_client,
    make_facts,
    make_mapping,
    make_partner,
    make_target,
    make_token,
    make_trust,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policy.mapping import ScopeMapping
    from policy.tokens import HypotheticalToken
    from policy.trust import Trust

DICE: Final = random.Random(8693)
"""The parts are rolled once, with many values each; Hypothesis combines them, which is cheap and shrinks well."""

TARGETS = (
    make_target(LEDGER, "rwx", lifetime=timedelta(seconds=1800)),
    make_target(REPORTS, "rxyz", lifetime=timedelta(seconds=60)),
)
NAMES = [LEDGER, LEDGER, f"{LEDGER}/v1", REPORTS, f"{REPORTS}/v1", "https://unknown.example"]
WHO = ["gateway", "robot", "peer", "user-1"]
CONDITIONS = [
    rule("tier", "equals", "gold"),
    rule("tier", "exists"),
    rule("tier", "contains", "gold"),
    rule("employee", "exists"),
]


def some(items: Sequence[Any], most: int) -> list[Any]:
    return DICE.sample(items, DICE.randint(0, min(most, len(items))))


def scopes(most: int = 5) -> frozenset[str]:
    return frozenset(some("rwxyz", most))


def length() -> timedelta:
    return timedelta(seconds=DICE.choice([1, 59, 300, DICE.randint(1, 7200)]))


def chain(most: int) -> dict[str, Any]:
    """An act claim of one to ``most`` actors."""
    actor: dict[str, Any] = {"sub": DICE.choice(WHO)}
    if DICE.random() < 0.3:
        actor["iss"] = "https://elsewhere.example"
    return actor if most == 1 or DICE.random() < 0.5 else actor | {"act": chain(most - 1)}


def token(subjects: list[str]) -> HypotheticalToken:
    claims: dict[str, Any] = {"tier": DICE.choice(["gold"] * 6 + ["silver", ["gold"], {"gold": 1}, True])}
    if DICE.random() < 0.4:
        claims["act"] = DICE.choice([chain(5), chain(2), "x", None])
    if DICE.random() < 0.3:
        claims["may_act"] = DICE.choice([{"sub": "gateway"}, {"sub": "robot"}, {}, None])
    ends = NOW + DICE.choice([timedelta(seconds=DICE.randint(-30, 4000)), timedelta(hours=1)])
    rights = frozenset(some(["settle", "report", "audit"], 3))
    return make_token(DICE.choice(subjects), claims=claims, scope=rights, expires_at=ends)


def mapping() -> ScopeMapping:
    return make_mapping(
        DICE.choice(TARGETS),
        clients=DICE.choice([None, None, frozenset({"gateway"}), frozenset({"other"})]),
        rules=tuple(some(CONDITIONS, 1)) if DICE.random() < 0.4 else (),
        grants={theirs: scopes() for theirs in some(["settle", "report", "audit"], 3)},
        always=scopes(),
        default_scopes=scopes(),
        lifetime=length(),
        allows_impersonation=DICE.random() < 0.7,
        max_depth=DICE.randint(0, 5),
        subject_claim=DICE.choice(["sub"] * 9 + ["tier"]),
    )


def trust() -> Trust:
    return make_trust(
        rules=tuple(some(CONDITIONS, 1)) if DICE.random() < 0.2 else (),
        lifetime=length(),
        max_depth=DICE.randint(0, 5),
        allows_foreign_chain=DICE.random() < 0.5,
        accepts_actors=DICE.random() < 0.5,
    )


def asked() -> Asked:
    names = DICE.choices(NAMES, k=DICE.choice([0, 1, 1, 1, 2, 2]))
    cut = DICE.randint(0, len(names))
    return Asked(audience=tuple(names[:cut]), resource=tuple(names[cut:]), scope=DICE.choice([None, scopes()]))


ADDED = st.lists(st.sampled_from(CONDITIONS), max_size=2).map(tuple)
MAPPINGS = [mapping() for _ in range(400)]
PARTS: Final[dict[str, list[Any]]] = {
    "request": [asked() for _ in range(60)],
    "client": [
        make_client(scopes=scopes(), partner=make_partner(default_target=DICE.choice([None, LEDGER])))
        for _ in range(24)
    ],
    "subject": [token(WHO) for _ in range(200)],
    "actor": [None] * 60 + [*(Actor(token=token(["gateway", "gateway", "robot"]), trust=trust()) for _ in range(60))],
    "source": [*MappingSource, *[MappingSource.TRUST] * 3],
    "trust": [trust() for _ in range(120)],
    "targets": [catalogue(*TARGETS)],
    "ceiling": [length() for _ in range(10)],
}
FACTS = st.builds(
    make_facts,
    mappings=st.lists(st.sampled_from(MAPPINGS), max_size=5).map(tuple),
    **{name: st.sampled_from(values) for name, values in PARTS.items()},
)
HISTORIES = st.sampled_from([chain(5) for _ in range(60)])
