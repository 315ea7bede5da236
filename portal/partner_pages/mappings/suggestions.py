"""What a mapping could ask of tokens like one that was pasted: conditions and grants, each with why it is proposed.

The token is read once and is in no answer: what is proposed are lines of the form's own notation, which whoever pasted
it chooses from. Its signature is not looked at here; a proposal gives nobody anything before a mapping is published.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from policy.claim_rules import MAX_PATH_DEPTH, ClaimRule, Operator, RuleError, Verdict
from portal.partner_pages.mappings import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.utils.functional import _StrPromise

LONGEST_VALUE: Final = 200
MOST_OF_ONE_CLAIM: Final = 20
MOST: Final = 80
_PARTS: Final = re.compile(r"[.:/_-]+")

_OF_CLIENT: Final = frozenset({"azp", "client_id", "appid", "cid"})
_BY_TRUST: Final = frozenset({"iss", "aud"})
_SCOPES: Final = ("scope", "scp")
_MEMBERSHIP: Final = frozenset({"groups", "roles", "role", "entitlements", "permissions", "wids"})
_OF_PERSON: Final = frozenset(
    {
        *("sub", "oid", "upn", "unique_name", "uid", "name", "given_name", "family_name", "nickname"),
        *("preferred_username", "email", "phone_number", "picture", "birthdate", "address"),
    }
)
_MOMENTARY: Final = frozenset(
    {
        *("jti", "iat", "exp", "nbf", "auth_time", "nonce", "at_hash", "c_hash", "s_hash", "sid", "session_state"),
        *("uti", "rh", "aio", "cnf", "act", "may_act", "updated_at", "txn", "events"),
    }
)


class Ground(StrEnum):
    """Why a line is proposed, or why it hardly ever should be."""

    CLIENT = "client"
    TRUST = "trust"
    SCOPE = "scope"
    MEMBER = "member"
    PERSON = "person"
    MOMENT = "moment"
    OTHER = "other"
    SAME = "same"
    ALIKE = "alike"


WHY: Final[Mapping[Ground, _StrPromise]] = {
    Ground.CLIENT: gettext_lazy("The client of theirs that got the token: another one's tokens would not fit."),
    Ground.TRUST: gettext_lazy("The trust demands this already; here it is said a second time."),
    Ground.SCOPE: gettext_lazy("Only tokens that carry this scope of theirs would fit."),
    Ground.MEMBER: gettext_lazy("Only members would fit: choose what stands for the right to this."),
    Ground.PERSON: gettext_lazy("It names one person or program: the mapping would be for that one alone."),
    Ground.MOMENT: gettext_lazy("It differs from token to token: this very token would fit, and no other."),
    Ground.OTHER: gettext_lazy("Fits where every token that is meant says the same."),
    Ground.SAME: gettext_lazy("This scope of the audience has the same name."),
    Ground.ALIKE: gettext_lazy("This scope of the audience is named alike; look whether it means the same."),
}
RARE: Final = frozenset({Ground.PERSON, Ground.MOMENT})
CHOSEN: Final = frozenset({Ground.CLIENT, Ground.SAME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One line for a field of the form, and the ground on which it is proposed."""

    field: str
    line: str
    ground: Ground

    @property
    def value(self) -> str:
        """What a tick sends: the field and the line."""
        return f"{self.field} {self.line}"

    @property
    def theirs(self) -> str:
        """Of a grant, the scope of theirs."""
        return _left(self.line)

    @property
    def why(self) -> _StrPromise:
        """The ground in words."""
        return WHY[self.ground]

    @property
    def is_chosen(self) -> bool:
        """Whether it is ticked before anybody looked."""
        return self.ground in CHOSEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a token says, and what is proposed from it. ``rare`` hardly ever makes a condition that lasts.

    ``unlike``: scopes of theirs to which no scope of the audience is named alike. ``left_out`` counts what nobody can
    write as a line, or what was too much.
    """

    claims: str
    issuer: str
    grants: tuple[Suggestion, ...]
    conditions: tuple[Suggestion, ...]
    rare: tuple[Suggestion, ...]
    unlike: tuple[str, ...]
    left_out: int


def read(claims: Mapping[str, Any], ours: Sequence[str], *, rules: str = "", grants: str = "") -> Reading:
    """What these claims suggest, where the scopes of the chosen audience are ``ours``.

    What the texts of the form say already is not proposed again.
    """
    known, granting = set(_lines(rules)), {_left(line) for line in _lines(grants)}
    theirs = [scope for scope in _words(claims) if scope not in granting]
    granted = _granted(theirs, ours)
    alike = {_left(grant.line) for grant in granted}
    found = [one for one in _conditions(claims) if one is None or one.line not in known]
    proposed = [suggestion for suggestion in found if suggestion is not None][:MOST]
    issuer = claims.get("iss")
    return Reading(
        claims=_pretty(claims),
        issuer=issuer if isinstance(issuer, str) else "",
        grants=granted[:MOST_OF_ONE_CLAIM],
        conditions=tuple(one for one in proposed if one.ground not in RARE),
        rare=tuple(one for one in proposed if one.ground in RARE),
        unlike=tuple(scope for scope in theirs if scope not in alike)[:MOST_OF_ONE_CLAIM],
        left_out=len(found) - len(proposed),
    )


def grants(claims: Mapping[str, Any], ours: Sequence[str]) -> tuple[Suggestion, ...]:
    """What the scopes in these claims are worth, where those of an audience are ``ours``."""
    return _granted(_words(claims), ours)[:MOST_OF_ONE_CLAIM]


def added(text: str, lines: Sequence[str]) -> str:
    """A field's text with the lines that it does not have yet; a scope of theirs that has a line keeps that one."""
    present = _lines(text)
    taken = {_left(line) for line in present if texts.ARROW in line}
    new = [line for line in dict.fromkeys(lines) if line not in present and _left(line) not in taken]
    return "\n".join([*present, *new])


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _left(line: str) -> str:
    """What stands before the arrow of a grant; of a line without one, all of it."""
    return line.partition(texts.ARROW)[0].strip()


def chosen(values: Sequence[str]) -> dict[str, list[str]]:
    """The lines that were ticked, by field; whatever else was sent is nobody's tick."""
    lines: dict[str, list[str]] = {"rules": [], "grants": []}
    for value in values[:MOST]:
        field, _space, line = value.partition(" ")
        if field in lines and line.strip() and line.isprintable():
            lines[field].append(line.strip())
    return lines


def _words(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of a token, as the verifier reads them."""
    value = next((claims[name] for name in _SCOPES if name in claims), "")
    words = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return list(dict.fromkeys(word for word in words if isinstance(word, str) and word))


def _granted(theirs: Iterable[str], ours: Sequence[str]) -> tuple[Suggestion, ...]:
    return tuple(grant for scope in theirs if (grant := _grant(scope, ours)) is not None)


def _grant(theirs: str, ours: Sequence[str]) -> Suggestion | None:
    """Their scope, and the one of ours that is named like it; none is guessed where several are."""
    last = _PARTS.split(theirs.lower())[-1]
    alike = [scope for scope in ours if _PARTS.split(scope.lower())[-1] == last]
    match = theirs if theirs in ours else alike[0] if len(alike) == 1 else None
    line = f"{theirs} {texts.ARROW} {match}"
    if match is None or not _is_read_back(texts.grants_of, line, {theirs: [match]}):
        return None
    return Suggestion(field="grants", line=line, ground=Ground.SAME if match == theirs else Ground.ALIKE)


def _conditions(claims: Mapping[str, Any]) -> Iterator[Suggestion | None]:
    """A suggestion for every value that a condition can name; None for one that no line can say."""
    for path, value in _values(claims, ()):
        top, claim = path[0], "/".join(path)
        if isinstance(value, list):
            items = [(Operator.CONTAINS, item) for item in value]
        elif top in _SCOPES and isinstance(value, str):
            items = [(Operator.CONTAINS, word) for word in value.split()]
        else:
            items = [(Operator.EQUALS, value)]
        for operator, item in items[:MOST_OF_ONE_CLAIM]:
            yield _condition(claims, {"claim": claim, "operator": str(operator), "value": item}, _ground(path))
        yield from [None] * len(items[MOST_OF_ONE_CLAIM:])


def _values(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - JSON
    """Every scalar, and every list, with the names that lead to it."""
    if not isinstance(value, dict):
        yield path, value
    elif len(path) < MAX_PATH_DEPTH:
        for name, member in value.items():
            yield from _values(member, (*path, name))


def _ground(path: tuple[str, ...]) -> Ground:
    known = (
        (Ground.MOMENT, _MOMENTARY),
        (Ground.PERSON, _OF_PERSON),
        (Ground.SCOPE, _SCOPES),
        (Ground.TRUST, _BY_TRUST),
        (Ground.CLIENT, _OF_CLIENT),
    )
    if path[-1] in _MEMBERSHIP:
        return Ground.MEMBER
    return next((ground for ground, names in known if path[0] in names), Ground.OTHER)


def _condition(claims: Mapping[str, Any], rule: dict[str, Any], ground: Ground) -> Suggestion | None:
    """The line of a condition that these claims satisfy; None where no line can say it."""
    if len(str(rule["value"])) > LONGEST_VALUE:
        return None
    try:
        is_met = ClaimRule.compile(**rule).evaluate(claims) is Verdict.PASSED
    except RuleError:
        return None
    line = texts.in_rules([rule])
    if not is_met or not _is_read_back(texts.rules_of, line, [rule]):
        return None
    return Suggestion(field="rules", line=line, ground=ground)


def _is_read_back(read_back: Any, line: str, meant: object) -> bool:  # noqa: ANN401 - a reader of texts
    """Whether the line is one line, and says what is meant: hostile text in a claim becomes no other condition."""
    try:
        return line.isprintable() and bool(read_back(line) == meant)
    except ValidationError:
        return False


def _pretty(claims: Mapping[str, Any]) -> str:
    text = json.dumps(dict(claims), indent=2, ensure_ascii=False)
    is_text = all(character.isprintable() or character == "\n" for character in text)
    return text if is_text else json.dumps(dict(claims), indent=2)
