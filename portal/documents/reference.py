"""The field tables of ``docs/configuration.md``, made from the declarations.

The prose is written by hand; what stands between a pair of markers is written by ``manage.py docs``.
"""

from __future__ import annotations

import re
from dataclasses import MISSING
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partners.declarations import KINDS, DeclaredIntrospection, DeclaredRule, DeclaredScope, DeclaredWorkload
from partners.notation import format_duration
from partners.schema import FieldSchema, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
SECTIONS: Final[Mapping[str, type]] = {
    **{kind.value: declaration for kind, declaration in KINDS.items()},
    "scopes": DeclaredScope,
    "workload": DeclaredWorkload,
    "introspection": DeclaredIntrospection,
    "rules": DeclaredRule,
}
_MARKED: Final = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page() -> str:
    """The page with every table made anew. Raises ``KeyError`` for a marker that names no section."""
    text = PAGE.read_text(encoding="utf-8")
    return _MARKED.sub(lambda match: f"{match[1]}{table(SECTIONS[match[2]])}{match[3]}", text)


def table(declaration: type) -> str:
    """The fields of one kind as a table."""
    rows = [_row(field) for field in fields_of(declaration)]
    heading = ("Field", "Written as", "Default", "Limits", "Meaning")
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(field: FieldSchema) -> tuple[str, ...]:
    written = f"{field.kind} of a {field.refers_to}" if field.refers_to else field.kind
    limits = "" if field.refers_to or field.expected == field.kind else field.expected
    cells = (f"`{field.name}`", written, _default(field.default), limits, field.description)
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _default(value: Any) -> str:  # noqa: ANN401 - of any field
    if value is MISSING:
        return "required"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if not value and value != 0:
        return "none"
    items = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"`{getattr(item, 'value', item)}`" for item in items)
