"""Whether the caller changes what they read: ``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110 s13, RFC 6585)."""

from __future__ import annotations

import json
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from rest_framework.utils.encoders import JSONEncoder

from portal.api.problems import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

_LENGTH: Final = 32


def etag_of(document: Mapping[str, Any]) -> str:
    """A strong validator: documents that differ anywhere, in the time of their last change too, have different ones."""
    text = json.dumps(document, cls=JSONEncoder, sort_keys=True)
    return f'"{sha256(text.encode()).hexdigest()[:_LENGTH]}"'


def as_sent(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it is on the wire: instants and ids are text there."""
    sent: dict[str, Any] = json.loads(json.dumps(document, cls=JSONEncoder))
    return sent


def require_match(request: Request, document: Mapping[str, Any], *, is_optional: bool = False) -> None:
    """The caller read the object as it is now. Raises ``ApiError``: 428 without ``If-Match``, 412 for a stale one.

    The refusal holds the object as it is, so that whoever comes second sees what the first one changed.
    """
    given = request.headers.get("If-Match")
    if given is None:
        if is_optional:
            return
        detail = "Say with If-Match which version you change: the ETag of the object as you read it."
        raise ApiError(HTTPStatus.PRECONDITION_REQUIRED, "precondition_required", detail)
    if not _names(given, etag_of(document)):
        detail = "The object was changed since you read it. current is how it is now: change that."
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, "precondition_failed", detail, current=as_sent(document))


def is_known(request: Request, document: Mapping[str, Any]) -> bool:
    """Whether the caller has the object as it is already (``If-None-Match``)."""
    given = request.headers.get("If-None-Match")
    return given is not None and _names(given, etag_of(document))


def _names(field: str, etag: str) -> bool:
    named = {part.strip().removeprefix("W/") for part in field.split(",")}
    return "*" in named or etag in named
