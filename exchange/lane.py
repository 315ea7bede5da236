"""The hot lane: the ASGI callable of the token endpoint and its neighbours (RFC 6749 section 3.2, RFC 8414, RFC 7517).

Form in, JSON out, nothing of Django's request stack in between. It is thin: read the request, have it answered, send.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson
import structlog

from audit.identifiers import new_id
from exchange import admission, interactive, passages, wire
from exchange.body import BodyTooLarge, BodyTooSlow, ClientGone
from exchange.caller import Caller, Incoming, caller_of, incoming_from
from exchange.passages import UnclearDemand, call_of, is_question, passage_of
from exchange.protocol.errors import OAuthError, ServerError, refusal
from exchange.protocol.form import parse_form
from exchange.protocol.request import DEVICE_CODE, GRANTS
from exchange.protocol.response import API_PATH, Answer, failure, metadata, resource_metadata
from exchange.snapshot import SnapshotUnavailable
from exchange.trail import Trail
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from exchange.answering import Answerer
    from exchange.own_tokens import OwnToken
    from exchange.passages import Passage
    from exchange.protocol.form import Form
    from exchange.questions import Questions
    from exchange.snapshot import Snapshots

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Hearing = Callable[[OwnToken], None]

TOKEN_PATH: Final = "/oauth/token"
INTROSPECTION_PATH: Final = "/oauth/introspect"
REVOCATION_PATH: Final = "/oauth/revoke"
DEVICE_PATH: Final = "/oauth/device-authorization"
VERIFY_PATH: Final = passages.VERIFY_PATH
RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"
JWKS_MAX_AGE: Final = 900
POSTED: Final = frozenset({TOKEN_PATH, INTROSPECTION_PATH, REVOCATION_PATH, DEVICE_PATH})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What this installation is to the world: its issuer, the scopes of its API, and the proxies it runs."""

    issuer: str
    scopes: tuple[str, ...]
    trusted: Sequence[IPv4Network | IPv6Network]


class Lane:
    """Answers the hot paths; ``handles`` says which. ``toolkit`` answers the interactive grants."""

    def __init__(
        self,
        snapshots: Snapshots,
        answerer: Answerer,
        questions: Questions,
        toolkit: App,
        premises: Premises,
    ) -> None:
        self._snapshots = snapshots
        self._answerer = answerer
        self._questions = questions
        self._toolkit = toolkit
        self._limits = answerer.limits
        self._trusted, self._issuer = premises.trusted, premises.issuer
        issuer, takes_certificates = premises.issuer, bool(premises.trusted)
        self._metadata = orjson.dumps(metadata(issuer, takes_certificates=takes_certificates))
        self._api = orjson.dumps(resource_metadata(issuer, premises.scopes, takes_certificates=takes_certificates))
        path = urlsplit(issuer).path
        described = f"{RESOURCE_PATH}{path}{API_PATH}"
        self._description = issuer.removesuffix(path) + described
        self._documents: dict[str, Callable[[], Answer]] = {
            "/oauth/jwks": self._jwks,
            f"/.well-known/oauth-authorization-server{path}": self._describe,
            f"{path}/.well-known/openid-configuration": self._describe,
            described: self._describe_api,
            "/healthz": _healthy,
            "/readyz": self._ready,
        }

    def handles(self, path: str) -> bool:
        """Whether a path is one of this lane's."""
        return path in POSTED or path in self._documents or is_question(path)

    @staticmethod
    def guards(path: str) -> bool:
        """Whether a path is our own API's, so that ``admit`` asks who is there."""
        return path == API_PATH or path.startswith(f"{API_PATH}/")

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["path"] in POSTED:
            return self._post(scope, receive, send)
        if is_question(scope["path"]):
            return self._verify(scope, send)
        return wire.answer(scope, send, self._document(scope), is_head=scope["method"] == "HEAD")

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller, correlation_id = caller_of(scope, self._trusted), new_id()
        grant_type = ""
        try:
            self._limits.address(caller.address)
            body = await _read(caller, scope, receive)
            form = parse_form(body)
            grant_type = _grant_type(form, scope["path"])
            incoming = incoming_from(caller, form, self._limits)
            begin = _begin(caller, correlation_id, grant_type)
            if scope["path"] == TOKEN_PATH:
                answer = await self._granted(incoming, begin, scope, body)
            else:
                answer = await self._asked(incoming, begin, scope["path"], caller.accept)
        except ClientGone:
            return
        except OAuthError as error:
            answer = await self._answerer.refuse(error, _begin(caller, correlation_id, grant_type))
        except Exception:
            log.exception("exchange.failed", correlation_id=correlation_id)
            answer = await self._fault(caller, correlation_id, grant_type)
        await wire.answer(scope, send, answer, correlation_id)

    def _granted(self, incoming: Incoming, begin: Callable[[], Trail], scope: Scope, body: bytes) -> Awaitable[Answer]:
        """The answer of the grant that the request names."""
        grant_type = incoming.form.require("grant_type")
        if grant_type in GRANTS:
            return self._answerer.exchange(incoming, begin)
        if grant_type in interactive.GRANTS:
            return self._answerer.relay(incoming, begin, partial(interactive.relay, self._toolkit, scope, body))
        raise refusal(Reason.GRANT_TYPE_UNSUPPORTED, Rule.REQUEST, "a supported grant type", shown(grant_type))

    def _asked(self, incoming: Incoming, begin: Callable[[], Trail], path: str, accept: str) -> Awaitable[Answer]:
        """The answer of an endpoint that is asked about a token, or by a device."""
        if path == DEVICE_PATH:
            return self._answerer.authorize_device(incoming, begin)
        if path == INTROSPECTION_PATH:
            return self._questions.introspect(incoming, begin, accept)
        return self._questions.revoke(incoming, begin)

    async def _verify(self, scope: Scope, send: Send) -> None:
        """A gateway's question about the request it holds back."""
        caller, correlation_id = caller_of(scope, self._trusted), new_id()
        if scope["path"] == VERIFY_PATH and caller.method not in {"GET", "HEAD"}:
            await wire.answer(scope, send, _gets_only(), correlation_id)
            return
        read = partial(passage_of, scope, caller, self._trusted)
        answer = await self._judged(caller, correlation_id, read, lambda _own: None)
        await wire.answer(scope, send, answer, correlation_id, is_head=caller.method == "HEAD")

    async def admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A call of our own API: 401 without a token for it (RFC 9728 section 5.1), else the portal's to answer."""
        caller, correlation_id = caller_of(scope, self._trusted), new_id()
        found: list[OwnToken] = []
        answer = None
        if not admission.is_of_a_session(scope, caller):
            url, audience = self._issuer + scope["raw_path"].decode("latin-1"), self._issuer + API_PATH
            read = partial(call_of, caller, audience=audience, url=url, description=self._description)
            answer = await self._judged(caller, correlation_id, read, found.append)
        if answer is None or answer.status == HTTPStatus.OK:
            admitted = admission.Admitted(
                own=found[-1] if found else None, correlation_id=correlation_id, description=self._description
            )
            answer = await admission.hand_over(self._toolkit, admitted, scope, receive, send)
        if answer is not None:
            answer = admission.as_problem(answer, correlation_id)
            await wire.answer(scope, send, answer, correlation_id, is_head=caller.method == "HEAD")

    async def _judged(self, caller: Caller, correlation_id: str, read: Callable[[], Passage], hear: Hearing) -> Answer:
        """Whether the request may pass that ``read`` tells of; ``hear`` is told of the token of one that may."""
        begin = _begin(caller, correlation_id, "")
        try:
            self._limits.address(caller.address)
            return await self._questions.verify(read(), begin, hear)
        except OAuthError as error:
            return await self._answerer.refuse(error, begin)
        except UnclearDemand as error:
            return Answer(status=400, headers=_PLAIN, body=f"Cannot verify: {error}.\n".encode())
        except Exception:
            log.exception("verify.failed", correlation_id=correlation_id)
            return failure(ServerError(Reason.INTERNAL), correlation_id)

    async def _fault(self, caller: Caller, correlation_id: str, grant_type: str) -> Answer:
        """A fault of ours is audited like a refusal; if even that fails, it is told all the same."""
        error = ServerError(Reason.INTERNAL)
        try:
            return await self._answerer.refuse(error, _begin(caller, correlation_id, grant_type))
        except Exception:
            log.exception("exchange.fault_unrecorded", correlation_id=correlation_id)
            return failure(error, correlation_id)

    def _document(self, scope: Scope) -> Answer:
        if scope["method"] not in {"GET", "HEAD"}:
            return _gets_only()
        try:
            return self._documents[scope["path"]]()
        except SnapshotUnavailable:
            return Answer(
                status=503, headers=((b"retry-after", b"2"), *_PLAIN), body=b"No configuration was read yet.\n"
            )

    def _jwks(self) -> Answer:
        """Our public keys; caches may keep them for a quarter of an hour (rule 85)."""
        return _cached(self._snapshots.current.keys.jwks, f"public, max-age={JWKS_MAX_AGE}, stale-if-error=86400")

    def _describe(self) -> Answer:
        return _cached(self._metadata, "public, max-age=300")

    def _describe_api(self) -> Answer:
        return _cached(self._api, "public, max-age=300")

    def _ready(self) -> Answer:
        """Ready to decide and to record. JWKS and metadata are served all the same."""
        is_ready = self._snapshots.is_fresh
        body = b"ready\n" if is_ready else b"not ready: the database cannot be reached\n"
        return Answer(status=200 if is_ready else 503, headers=_PLAIN, body=body)


_PLAIN: Final = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"))


def _gets_only() -> Answer:
    return Answer(status=405, headers=((b"allow", b"GET, HEAD"), *_PLAIN), body=b"This address takes GET.\n")


def _healthy() -> Answer:
    """The process runs. Nothing else is asked, so that an orchestrator restarts only what is dead."""
    return Answer(status=200, headers=_PLAIN, body=b"ok\n")


def _cached(body: bytes, cache_control: str) -> Answer:
    headers = (
        (b"content-type", b"application/json"),
        (b"cache-control", cache_control.encode()),
        (b"access-control-allow-origin", b"*"),
    )
    return Answer(status=200, headers=headers, body=body)


def _grant_type(form: Form, path: str) -> str:
    """The grant a request is about; a device asks for the first half of one. Raises ``MissingParameter``."""
    if path == DEVICE_PATH:
        return DEVICE_CODE
    return form.require("grant_type") if path == TOKEN_PATH else ""


async def _read(caller: Caller, scope: Scope, receive: Receive) -> bytes:
    """The body of a form-encoded POST. Raises ``InvalidRequest`` and its kin, or ``ClientGone``."""
    if caller.method != "POST":
        raise refusal(Reason.METHOD_NOT_ALLOWED, Rule.REQUEST, "POST", shown(caller.method))
    if not caller.is_form:
        raise refusal(Reason.REQUEST_MALFORMED, Rule.REQUEST, "application/x-www-form-urlencoded", "another type")
    try:
        return await wire.body_of(scope, receive)
    except BodyTooLarge as error:
        raise refusal(Reason.REQUEST_TOO_LARGE, Rule.REQUEST, "a body of at most 64 KiB", "more") from error
    except BodyTooSlow as error:
        raise refusal(Reason.REQUEST_TOO_SLOW, Rule.REQUEST, "a body within 10 seconds", "slower") from error


def _begin(caller: Caller, correlation_id: str, grant_type: str) -> Callable[[], Trail]:
    """Makes the trail of one attempt at this request."""
    return partial(
        Trail,
        correlation_id=correlation_id,
        grant_type=grant_type,
        address=caller.address,
        request_id=caller.request_id,
        traceparent=caller.traceparent,
    )
