"""Asking an issuer about one opaque token of its own (RFC 7662 section 2; rules 116, 157; faults F12, F13).

Bounded in every way: two seconds in all, 64 KiB, eight questions at a time per issuer, no redirect, and after five
failures the issuer is left alone for a minute. Whatever is not a plain "active" refuses: an issuer that cannot be asked
lets nobody in. No answer is kept, since a token that was revoked a second ago must not pass on an older one.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

import structlog

from exchange import outbound
from exchange.breakers import Gate
from exchange.discovery import DocumentRefused, document_of
from exchange.messages import Message
from exchange.opaque_tokens import Told
from exchange.outbound import Limits, Outbound, OutboundError
from exchange.protocol.errors import OAuthError, refusal
from partners.sealed import CannotOpen
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from uuid import UUID

    from exchange.opaque_tokens import MustIntrospect
    from policy.tokens import JSON

LIMITS: Final = Limits(connect=1.0, total=2.0, body=64 * 1024)
PATIENCE_SECONDS: Final = 2.2
"""A little more than one call may take, so that its own words about the end are heard."""
AT_ONCE: Final = 8
THREADS: Final = 32
MAX_LOGGED: Final = 300

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1024)
def _client(trust_id: UUID) -> Outbound:  # noqa: ARG001 - one gate for each issuer: none slows another down
    return Outbound(tls=outbound.client().tls, limits=LIMITS, gate=Gate())


@dataclass(slots=True)
class _Desk:
    """The questions under way in this process, by trust. Only the event loop touches it."""

    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="introspect")
    )
    waiting: Counter[UUID] = field(default_factory=Counter)

    async def ask(self, must: MustIntrospect) -> dict[str, JSON]:
        """The answer's members. Raises ``OutboundError``, ``DocumentRefused``, ``CannotOpen``, ``TimeoutError``."""
        if self.waiting[must.trust_id] >= AT_ONCE:
            raise OutboundError(f"{AT_ONCE} questions to it are under way; it answers too slowly.")
        self.waiting[must.trust_id] += 1
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loop.run_in_executor(self.threads, _call, must)
        finally:
            self.waiting[must.trust_id] -= 1
            if not self.waiting[must.trust_id]:
                del self.waiting[must.trust_id]


_desk: Final = _Desk()


async def ask(must: MustIntrospect) -> Told:
    """What the issuer says about the token, or why nobody could find out. Never raises: a failure is a refusal."""
    rule, members, refused = must.opaque.rule, {}, None
    try:
        members = await _desk.ask(must)
    except (OutboundError, DocumentRefused, CannotOpen, TimeoutError) as error:
        log.warning("introspection.failed", trust=str(must.trust_id), why=str(error)[:MAX_LOGGED] or "too slow")
        refused = refusal(Reason.INTROSPECTION_FAILED, rule, "an answer of the issuer", "none that can be used")
    else:
        refused = _inactive(members, must)
    digest = must.opaque.token.digest
    return Told(trust_id=must.trust_id, digest=digest, claims={} if refused else members, refused=refused)


def _inactive(members: dict[str, JSON], must: MustIntrospect) -> OAuthError | None:
    """Why this answer is no yes: only ``true`` is one (RFC 7662 section 2.2)."""
    active = members.pop("active", None)
    if active is True:
        return None
    if active is False:
        return refusal(Reason.TOKEN_INACTIVE, must.opaque.rule, "active: true", "false")
    return refusal(Reason.INTROSPECTION_FAILED, must.opaque.rule, "active: true or false", shown(active))


def _call(must: MustIntrospect) -> dict[str, JSON]:
    where, token = must.where, must.opaque.token
    if where.secret is None:
        raise CannotOpen("no secret was put for this endpoint")
    secret = where.secret.open(where.endpoint, where.client_id)
    basic = b64encode(f"{quote_plus(where.client_id)}:{quote_plus(secret)}".encode()).decode()
    form = urlencode({"token": token.reveal(), "token_type_hint": "access_token"}).encode()
    message = Message.form(form, authorization=f"Basic {basic}")
    answer = _client(must.trust_id).post(where.endpoint, message, source=token_hex(8))  # each question is its own
    return dict(document_of(answer))
