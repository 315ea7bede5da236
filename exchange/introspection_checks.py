"""An introspection endpoint as somebody tries it before its secret is kept: asked about a token that nobody made.

The same guarded client, bounds and credential as an exchange's question (RFC 7662 section 2.1), and nothing kept of the
answer. The one right answer is ``active: false``; an endpoint that calls the made-up token active calls every one so.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from exchange import outbound
from exchange.discovery import DocumentRefused, document_of
from exchange.inquiries import LIMITS
from exchange.messages import Message
from exchange.outbound import OutboundError, OutboundFailed, OutboundRefused

if TYPE_CHECKING:
    from exchange.outbound import Outbound
    from policy.tokens import JSON

UNKNOWN_CALLER: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Answer(StrEnum):
    """What the endpoint made of the question."""

    INACTIVE = "inactive"
    """As it must be, to a caller it knows."""
    ASKS_WHO = "asks_who"
    """It answers, and wants to know who asks: as it must be where no secret was sent."""
    TOLD_ANYBODY = "told_anybody"
    """It answered without asking who wants to know."""
    WRONG_CREDENTIAL = "wrong_credential"
    ANYTHING_GOES = "anything_goes"
    NOT_AN_ANSWER = "not_an_answer"
    NOT_CALLED = "not_called"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer, and in the words of whoever found it why it is none. Never what the endpoint itself said."""

    answer: Answer
    detail: str = ""

    @property
    def is_good(self) -> bool:
        """Whether opaque tokens could be asked about as it is."""
        return self.answer in {Answer.INACTIVE, Answer.ASKS_WHO}


def ask_about_nothing(endpoint: str, client_id: str, secret: str | None, http: Outbound | None = None) -> Asked:
    """Ask about a token that does not exist, as the client with this secret, or as nobody. Blocks two seconds at most.

    Never raises: what went wrong is the finding.
    """
    client = http or replace(outbound.client(), limits=LIMITS)
    try:
        members = document_of(client.post(endpoint, _question(client_id, secret), source=token_hex(8)))
    except OutboundRefused as error:
        return Asked(answer=Answer.NOT_CALLED, detail=str(error))
    except OutboundFailed as error:
        return _failed(error, is_known=secret is not None)
    except (OutboundError, DocumentRefused) as error:
        return Asked(answer=Answer.NOT_AN_ANSWER, detail=str(error))
    return Asked(answer=_judged(members, is_known=secret is not None))


def _question(client_id: str, secret: str | None) -> Message:
    form = urlencode({"token": token_urlsafe(32), "token_type_hint": "access_token"}).encode()
    if secret is None:
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
        return Message(method="POST", fields=fields, content=form)
    basic = b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
    return Message.form(form, authorization=f"Basic {basic}")


def _failed(error: OutboundFailed, *, is_known: bool) -> Asked:
    if error.status in UNKNOWN_CALLER:
        return Asked(answer=Answer.WRONG_CREDENTIAL if is_known else Answer.ASKS_WHO, detail=str(error))
    return Asked(answer=Answer.NO_ANSWER, detail=str(error))


def _judged(members: dict[str, JSON], *, is_known: bool) -> Answer:
    if members.get("active") is False:
        return Answer.INACTIVE if is_known else Answer.TOLD_ANYBODY
    return Answer.ANYTHING_GOES if members.get("active") is True else Answer.NOT_AN_ANSWER
