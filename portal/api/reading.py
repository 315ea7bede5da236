"""Bodies that declare no object of the configuration: read into a value whose type says what they hold.

What came is never said in the answer: any member of such a body may hold a token, put there by mistake (CWE-209).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from partners import checking
from portal.api.problems import wrong_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import TypeAdapter

V = TypeVar("V")


def read(of: TypeAdapter[V], body: Mapping[str, Any]) -> V:
    """The value in a body. Raises ``ApiError`` with every member that is wrong."""
    try:
        return of.validate_json(json.dumps(body))
    except ValidationError as error:
        problems = tuple(replace(problem, came="") for problem in checking.shape_problems(error))
        raise wrong_fields(problems) from None


def shape_of(of: TypeAdapter[Any]) -> dict[str, Any]:
    """The type as JSON Schema: what is checked is what is described."""
    shape: dict[str, Any] = _plain(of.json_schema(), {})
    return shape


def _plain(part: Any, inner: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value of JSON
    """A schema without the titles that the library makes up, and with what it refers to in its place."""
    if isinstance(part, list):
        return [_plain(item, inner) for item in part]
    if not isinstance(part, dict):
        return part
    inner = part.get("$defs", inner)
    if "$ref" in part:
        return _plain(inner[part["$ref"].rpartition("/")[2]], inner)
    kept = {name: item for name, item in part.items() if name not in {"$defs", "title"} or isinstance(item, dict)}
    return {name: _plain(item, inner) for name, item in kept.items() if name != "$defs"}
