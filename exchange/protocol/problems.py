"""What went wrong, as a document that programs read (RFC 9457): our own API answers every error with one.

``code`` is stable and names the error; ``detail`` is for people; ``reference`` is what the portal finds the call by.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE: Final = "application/problem+json"

_CODES: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: ("malformed_request", "The request could not be read. Correct it, then try again."),
    HTTPStatus.UNAUTHORIZED: (
        "unauthenticated",
        "The call carries no access token for this API that is in force. Get one from the token endpoint.",
    ),
    HTTPStatus.FORBIDDEN: ("forbidden", "The access token does not allow this call. Ask for one that does."),
    HTTPStatus.REQUEST_TIMEOUT: ("request_too_slow", "The body did not arrive within 10 seconds. Send it again."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("request_too_large", "The body is larger than 64 KiB. Send less at once."),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "slow_down",
        "More calls came than the client's limit allows. Wait as Retry-After says, then go on.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "temporarily_unavailable",
        "A store did not answer in time. Nothing was changed. Try again in a few seconds.",
    ),
}
_OURS: Final = ("server_error", "The fault is ours, and its cause is in the log. Nothing was changed.")


def problem(status: int, reference: str, *, code: str = "", detail: str = "", **members: Any) -> dict[str, Any]:  # noqa: ANN401 - members of JSON
    """The document. Without a ``code`` of its own an error has that of its status."""
    usual = _CODES.get(status, _OURS)
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code or usual[0],
        "detail": detail or usual[1],
        "reference": reference,
        **members,
    }
