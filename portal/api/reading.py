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
    shape = of.json_schema()
    shape.pop("title", None)
    shape["properties"] = {name: _plain(member) for name, member in shape["properties"].items()}
    return shape


def _plain(member: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in member.items() if key != "title"}
