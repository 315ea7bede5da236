"""What the address of a call asks for: filters, order, and the place in a list to go on from.

A cursor is signed, and good for the list and the filters it came from: nobody can make one up, and nobody has to know
what is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from django.core import signing
from rest_framework.response import Response

from partners.records import LONGEST_PAGE, Window
from portal.api.problems import wrong_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rest_framework.request import Request

R = TypeVar("R")

USUAL_PAGE: Final = 50
LONGEST_TEXT: Final = 255
_SALT: Final = "portal.api.cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of an address. ``read`` answers its value, or raises ``ValueError``."""

    name: str
    description: str
    expected: str
    read: Callable[[str], Any]
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


def word(name: str, words: Iterable[str], description: str) -> Parameter:
    """A parameter that is one of a few words."""
    known = sorted(words)

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return Parameter(
        name=name,
        description=description,
        expected="one of " + ", ".join(known),
        read=read,
        schema={"type": "string", "enum": known},
    )


def text(name: str, description: str) -> Parameter:
    """A parameter that is compared exactly."""

    def read(given: str) -> str:
        if not 0 < len(given) <= LONGEST_TEXT or not given.isprintable():
            raise ValueError(given)
        return given

    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
    expected = f"1 to {LONGEST_TEXT} printable characters"
    return Parameter(name=name, description=description, expected=expected, read=read, schema=schema)


def _size(given: str) -> int:
    sizes = {str(size): size for size in range(1, LONGEST_PAGE + 1)}
    if given not in sizes:
        raise ValueError(given)
    return sizes[given]


_LIMIT: Final = Parameter(
    name="limit",
    description="How many objects at most.",
    expected=f"a whole number from 1 to {LONGEST_PAGE}",
    read=_size,
    schema={"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": USUAL_PAGE},
)
_CURSOR: Final = Parameter(
    name="cursor",
    description="Where to go on: `next` of the answer before.",
    expected="the value of next in an answer of this list, with the same filters",
    read=str,
)
_ORDER: Final = word("order", ("ascending", "descending"), "The order of names.")
LIST: Final = (_LIMIT, _CURSOR)
NAMED_LIST: Final = (*LIST, _ORDER)


def read(request: Request, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters that were given. Raises ``ApiError`` for one that is unknown, comes twice, or cannot be read."""
    known = {parameter.name: parameter for parameter in parameters}
    values = {}
    for name, given in request.query_params.lists():
        parameter = known.get(name)
        if parameter is None:
            raise wrong_parameter(name, "one of " + ", ".join(known) if known else "no parameter")
        if len(given) > 1:
            raise wrong_parameter(name, "one value")
        try:
            values[name] = parameter.read(given[0])
        except ValueError as error:
            raise wrong_parameter(name, parameter.expected) from error
    return values


def window(request: Request, given: Mapping[str, Any]) -> Window:
    """The part of the list that is asked for. Raises ``ApiError`` for a cursor of another list."""
    return Window(
        after=_after(request, given),
        size=given.get("limit", USUAL_PAGE),
        descending=given.get("order") == "descending",
    )


def before(request: Request, given: Mapping[str, Any]) -> UUID | None:
    """Of a list that goes by ids, the newest first: the id to go on below. Raises ``ApiError`` as ``window`` does."""
    after = _after(request, given)
    return UUID(after) if after else None


def newest(
    request: Request, given: Mapping[str, Any], read: Callable[..., Sequence[R]], shown: Callable[[R], dict[str, Any]]
) -> Response:
    """A part of such a list. ``read`` takes ``before`` and a ``size``, and answers as many rows of it at most."""
    size = window(request, given).size
    return page_of_rows(request, read(before=before(request, given), size=size + 1), size, shown)


def page(request: Request, items: list[dict[str, Any]], following: str) -> Response:
    """A part of a list, and the cursor of the next one; null at the end."""
    cursor = signing.dumps([_list(request), following], salt=_SALT) if following else None
    return Response({"items": items, "next": cursor})


def page_of_rows(
    request: Request, found: Sequence[R], size: int, shown: Callable[[R], dict[str, Any]], key: str = "id"
) -> Response:
    """A part of a list of which one row more than fits was read: that there is one says that there is a next part."""
    fitting = found[:size]
    following = str(getattr(fitting[-1], key)) if len(found) > size else ""
    return page(request, [shown(row) for row in fitting], following)


def _after(request: Request, given: Mapping[str, Any]) -> str:
    if "cursor" not in given:
        return ""
    try:
        of_list, after = signing.loads(given["cursor"], salt=_SALT)
    except (signing.BadSignature, ValueError) as error:
        raise wrong_parameter("cursor", _CURSOR.expected) from error
    if of_list != _list(request):
        raise wrong_parameter("cursor", _CURSOR.expected)
    return str(after)


def _list(request: Request) -> str:
    """Which list, in which order, narrowed how."""
    narrowed = sorted(item for item in request.query_params.items() if item[0] not in {"cursor", "limit"})
    return f"{request.path}?{narrowed}"
