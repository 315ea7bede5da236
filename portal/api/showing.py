"""Answers made from rows: the members that a shape describes, so that what is shown is what is described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal.api.schema_words import Schema


def shown(shape: Schema, row: object, **worked_out: Any) -> dict[str, Any]:  # noqa: ANN401 - members of JSON
    """A row as its shape describes it: what was ``worked_out``, else what the row has under the member's name.

    A text that is empty is null where the shape says that it may be.
    """
    return {
        name: worked_out[name] if name in worked_out else _told(member, getattr(row, name))
        for name, member in shape["properties"].items()
    }


def _told(member: Schema, value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    may_be_null = "null" in member.get("type", ()) or {"type": "null"} in member.get("anyOf", ())
    return None if value == "" and may_be_null else value
