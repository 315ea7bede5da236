"""Mappings as people write them in a form: one condition, one grant or one claim on each line, and the way back.

``tier equals gold``, ``settle:write -> ledger.read ledger.write``, ``department -> claims.unit``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from policy.claim_rules import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ARROW: Final = "->"
_WORDS_OF_A_RULE: Final = 3
_PARTS: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*"|[^,]+')
"""The values of a list; a comma within quotes belongs to its value."""


def rules_of(text: str) -> list[dict[str, Any]]:
    """The conditions in a text. Raises ``ValidationError`` with every line that is none."""
    return [rule for rule in _read(text, _rule) if rule]


def grants_of(text: str) -> dict[str, list[str]]:
    """What each scope of theirs is worth, in a text. Raises ``ValidationError``."""
    return {theirs: ours.split() for theirs, ours in _pairs(text)}


def claims_of(text: str) -> dict[str, str]:
    """The claims of the new token and their expressions, in a text. Raises ``ValidationError``."""
    return dict(_pairs(text))


def in_rules(rules: Sequence[Mapping[str, Any]]) -> str:
    """Conditions as they are written."""
    return "\n".join(" ".join(filter(None, (r["claim"], r["operator"], _value_in_words(r)))) for r in rules)


def in_pairs(pairs: Mapping[str, object]) -> str:
    """Grants or claims as they are written."""
    return "\n".join(f"{name} {ARROW} {_spaced(value)}" for name, value in pairs.items())


def _spaced(value: object) -> str:
    return " ".join(value) if isinstance(value, list | tuple) else str(value)


def _value_in_words(rule: Mapping[str, Any]) -> str:
    value = rule.get("value")
    if value is None:
        return ""
    if rule["operator"] == Operator.MATCHES:
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(_one(item) for item in value)
    return _one(value)


def _one(value: object) -> str:
    """A value as it is read back: text that would be read as something else is quoted."""
    if isinstance(value, str) and _literal(value) == value and "," not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> Any:  # noqa: ANN401 - a value of a rule
    """Numbers, true, false and quoted text by themselves; everything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | bool) else text


def _rule(line: str) -> dict[str, Any]:
    parts = line.split(None, 2)
    if len(parts) < _WORDS_OF_A_RULE - 1 or parts[1] not in set(Operator):
        raise ValueError
    claim, operator = parts[0], parts[1]
    if len(parts) < _WORDS_OF_A_RULE:
        return {"claim": claim, "operator": operator}
    if operator == Operator.ONE_OF:
        return {
            "claim": claim,
            "operator": operator,
            "value": [_literal(part.strip()) for part in _PARTS.findall(parts[2])],
        }
    value = parts[2] if operator == Operator.MATCHES else _literal(parts[2].strip())
    return {"claim": claim, "operator": operator, "value": value}


def _read(text: str, read: Any) -> Iterator[Any]:  # noqa: ANN401 - one line to one rule
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield read(line.strip())
        except ValueError:
            wrong.append(number)
    if wrong:
        words = _("Line %(lines)s is no condition. Write a claim, one of %(operators)s, and a value: tier equals gold.")
        raise ValidationError(words % {"lines": ", ".join(map(str, wrong)), "operators": ", ".join(Operator)})


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        name, arrow, value = (part.strip() for part in line.partition(ARROW))
        if arrow and name and value:
            yield name, value
        elif line.strip():
            wrong.append(number)
    if wrong:
        words = _("Line %(lines)s has not two sides. Write what comes, an arrow (->), and what it becomes.")
        raise ValidationError(words % {"lines": ", ".join(map(str, wrong))})
