"""One call, one effect: a change in one transaction, with its answer kept for a caller who sends the call again.

``Idempotency-Key`` names a call (draft-ietf-httpapi-idempotency-key-header). The row with the answer is written in the
transaction of the change: there is never one without the other. A call that arrives while the first is under way waits
for its row, then hears the same. A call that failed left nothing behind, and may be sent again under its key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from exchange import golden
from partners import records
from partners.changes import changing
from portal.api.callers import Caller, reference_of
from portal.api.conditions import etag_of, is_known, require_match
from portal.api.problems import ApiError
from portal.kept_answers import KEPT_FOR, KeptAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request

    from partners.changes import Change
    from partners.vocabulary import Kind

LONGEST_KEY: Final = 255
_SALT: Final = "portal.api.answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a change answers. ``secret`` is shown once, beside the document, and never kept."""

    status: HTTPStatus = HTTPStatus.OK
    document: Mapping[str, Any] | None = None
    location: str = ""
    secret: str | None = None


def perform(request: Request, work: Callable[[Change], Reply]) -> Response:
    """The answer of ``work``, done once under the caller's key. Raises ``ApiError`` and what ``work`` raises."""
    caller = request.auth
    assert isinstance(caller, Caller)
    with changing(caller.actor, correlation_id=reference_of(request)) as change:
        row, is_new = _row(request, caller)
        if row is None:
            return _response(_checked(work, change))
        if not is_new:
            return _again(row, request)
        reply = _checked(work, change)
        response = _response(reply)
        _keep(row, reply, response)
        return response


def acted(
    request: Request,
    read: Callable[[], Mapping[str, Any]],
    act: Callable[[Change], object],
    *,
    held: tuple[Kind, str] | None = None,
) -> Response:
    """An act on one object, which the answer shows as it is then. ``If-Match`` may say which version was read.

    ``held`` names the kind and the object whose locks are taken first, where it is one of the configuration.
    """

    def work(change: Change) -> Reply:
        if held is not None:
            records.held(*held)
        require_match(request, read(), is_optional=True)
        act(change)
        return Reply(document=read())

    return perform(request, work)


def _checked(work: Callable[[Change], Reply], change: Change) -> Reply:
    """The change, and the golden tokens of whatever it published. Raises ``CasesAreRed`` and what ``work`` raises."""
    reply = work(change)
    golden.require_green(change)
    return reply


def told(request: Request, document: Mapping[str, Any]) -> Response:
    """One object, or 304 for a caller who has it already."""
    if is_known(request, document):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag_of(document)})
    return Response(document, headers={"ETag": etag_of(document)})


def _row(request: Request, caller: Caller) -> tuple[KeptAnswer | None, bool]:
    """The row of this call, and whether it is the first of its key. None where the caller chose no key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None, True
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        detail = f"Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters."
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_idempotency_key", detail)
    mine = {"caller": caller.id, "key": key}
    KeptAnswer.objects.filter(**mine, created_at__lt=timezone.now() - KEPT_FOR).delete()
    return KeptAnswer.objects.get_or_create(**mine, defaults={"request": _digest(request)})


def _digest(request: Request) -> bytes:
    """What was asked: the same key for anything else is a mistake of the caller's.

    Keyed, since a body may hold a secret that a partner chose: nobody who reads the table can try guesses of it.
    """
    text = JSONEncoder(sort_keys=True).encode([request.method, request.get_full_path(), request.data])
    return salted_hmac(_SALT, text, algorithm="sha256").digest()


def _again(row: KeptAnswer, request: Request) -> Response:
    if bytes(row.request) != _digest(request):
        detail = "This Idempotency-Key belongs to another call of yours. Choose a new key for each call."
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
    headers = {**row.headers, "Idempotent-Replayed": "true"}
    return Response(json.loads(row.body), status=row.status, headers=headers)


def _keep(row: KeptAnswer, reply: Reply, response: Response) -> None:
    document = reply.document if reply.secret is None else {"secret": None, **(reply.document or {})}
    row.status, row.body = reply.status, JSONEncoder().encode(document)
    row.headers = {name: response[name] for name in ("ETag", "Location") if name in response}
    row.save(update_fields=["status", "body", "headers"])


def _response(reply: Reply) -> Response:
    headers = {} if reply.document is None else {"ETag": etag_of(reply.document)}
    if reply.location:
        headers["Location"] = reply.location
    document = reply.document if reply.secret is None else {"secret": reply.secret, **(reply.document or {})}
    return Response(document, status=reply.status, headers=headers)
