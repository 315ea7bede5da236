"""What a call sends: one JSON object, within bounds, with each member once (RFC 8259, RFC 7396)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from exchange.protocol.strict_json import NotStrictJson, parse_object
from partners.errors import Problem
from portal.api.problems import wrong_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from partners.errors import Path

LONGEST: Final = 64 * 1024


class JsonObject(BaseParser):
    """A body of ``application/json``."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - the framework's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """The object. Raises ``ParseError``, ``ApiError``. A body of nothing is an object of nothing."""
        text = stream.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise ParseError(f"The body is larger than {LONGEST // 1024} KiB.")
        if not text.strip():
            return {}
        try:
            found = dict(parse_object(text))
        except NotStrictJson as error:
            raise ParseError(f"The body is not one JSON object: {error}.") from error
        nuls = tuple(Problem(path=path, expected="text without the character U+0000") for path in _nuls(found, ()))
        if nuls:
            raise wrong_fields(nuls)
        return found


def _nuls(value: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - any value of JSON
    """Where in a body U+0000 is, which no text here can have; that of a member's name is where the member is."""
    if isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield (*path, name.replace("\0", "\ufffd"))
            yield from _nuls(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nuls(item, (*path, index))
    elif isinstance(value, str) and "\0" in value:
        yield path


class MergePatch(JsonObject):
    """A body of ``application/merge-patch+json``."""

    media_type = "application/merge-patch+json"


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The document changed by the patch: a null takes a member away, which then has its default (RFC 7396 s2)."""
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result
