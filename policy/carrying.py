"""Claims carried over from the partner's token to ours: those a mapping works out, and how its subject signed in.

How somebody signed in is copied as it is, and an exchange never refreshes it: ``auth_time`` is the time of the original
login, whatever was exchanged since (RFC 9068 section 2.2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from policy import claim_names
from policy.claim_rules import Verdict
from policy.guards import Refusal, evaluate
from policy.reasons import Reason, Rule, Step, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policy.expressions import Variables
    from policy.mapping import ScopeMapping
    from policy.tokens import JSON, TokenFacts

MAX_CARRIED_BYTES: Final = 4096
MAX_LOGIN_LENGTH: Final = 255
MAX_LOGIN_METHODS: Final = 20


def carry_claims(
    mappings: tuple[ScopeMapping, ...], token: TokenFacts, variables: Variables, steps: list[Step]
) -> Mapping[str, JSON]:
    """The claims that the mappings carry over from the partner's token. One token has one set of them: all agree."""
    carried = [_carried(mapping, token, variables) for mapping in mappings]
    if len(carried) > 1 and len({orjson.dumps(claims, option=orjson.OPT_SORT_KEYS) for claims in carried}) > 1:
        names = shown("; ".join(_named(claims) for claims in carried))
        step = Step(Rule.MAPPING, Verdict.REFUSED, "mappings that carry over the same claims", names)
        raise Refusal(Reason.TARGETS_DISAGREE, step)
    if carried[0]:
        steps.append(Step(Rule.MAPPING, Verdict.PASSED, "claims carried over", shown(_named(carried[0]))))
    return carried[0]


def _carried(mapping: ScopeMapping, token: TokenFacts, variables: Variables) -> dict[str, JSON]:
    """The claims one mapping carries over. It may be an old row, so their names are looked at here too."""
    claims = _login(mapping, token) if mapping.carries_login else {}
    if not mapping.claims:
        return claims
    if not claim_names.RESERVED.isdisjoint(mapping.claims):
        raise _fault(mapping, "no claim that has a meaning here", _named(mapping.claims))
    for name, expression in mapping.claims.items():
        claims[name] = evaluate(mapping, name, expression, variables)  # type: ignore[assignment]  # text is JSON
    if len(orjson.dumps(claims)) > MAX_CARRIED_BYTES:
        raise _fault(mapping, f"claims of at most {MAX_CARRIED_BYTES} bytes", _named(claims))
    return claims


def _login(mapping: ScopeMapping, token: TokenFacts) -> dict[str, JSON]:
    """What the subject token says of the login; nothing where it says nothing (RFC 9068 section 2.2.1)."""
    claims = {name: token.claims[name] for name in _LOGIN if token.claims.get(name) is not None}
    for name, value in claims.items():
        if not _LOGIN[name](value):
            raise _fault(mapping, f"{name} as in OpenID Connect Core section 2", shown(value))
    return claims


def _is_word(value: JSON) -> bool:
    return isinstance(value, str) and len(value) <= MAX_LOGIN_LENGTH and value.isprintable()


def _are_words(value: JSON) -> bool:
    return isinstance(value, list) and len(value) <= MAX_LOGIN_METHODS and all(map(_is_word, value))


def _is_instant(value: JSON) -> bool:
    return type(value) is int and 0 <= value < LATEST


LATEST: Final = 2**53
_LOGIN: Final[Mapping[str, Callable[[JSON], bool]]] = {"auth_time": _is_instant, "acr": _is_word, "amr": _are_words}


def _named(claims: Iterable[str]) -> str:
    return " ".join(claims) or "none"


def _fault(mapping: ScopeMapping, expected: str, received: str) -> Refusal:
    step = Step(Rule.MAPPING, Verdict.FAULT, f"{mapping.label}: {expected}", shown(received))
    return Refusal(Reason.MAPPING_RULE_FAULT, step)
