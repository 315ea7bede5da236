"""One journey to the provider and back: what is sent with the browser, and what must come back with it.

The session keeps state, nonce and the PKCE verifier, once and for ten minutes, so that an answer is taken only by the
browser that asked for it (RFC 9700 sections 2.1.1 and 4.7), from the provider that was asked (RFC 9207 section 2.4).
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from portal.signing_in.openid.id_tokens import Claims, Expected, NotBelieved, UnknownKey, believe
from portal.signing_in.openid.provider import Client, Unusable, provider, redeem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.sessions.backends.base import SessionBase

KEPT_AS: Final = "openid_journey"
GOOD_FOR: Final = timedelta(minutes=10)
ANSWER_FIELDS: Final = ("state", "code", "iss", "error")
SCOPE: Final = "openid profile email"


class Strayed(Exception):
    """What came back does not belong to a journey of this browser. The message says why; it is for the log."""


class Declined(Exception):
    """The provider said no, or the person did, in the provider's word for it."""


def is_offered() -> bool:
    """Whether this installation has a provider."""
    return bool(settings.HANDOVER.openid_issuer)


def start(session: SessionBase, purpose: str, then: str) -> str:
    """Where to send the browser. ``purpose`` is ``sign-in``, ``connect`` or ``confirm``. Raises ``Unusable``."""
    known = provider(settings.HANDOVER.openid_issuer)
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    session[KEPT_AS] = kept | {"purpose": purpose, "then": then, "at": datetime.now(UTC).timestamp()}
    challenge = urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": settings.HANDOVER.openid_client_id,
        "redirect_uri": _callback(),
        "scope": SCOPE,
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if purpose == "confirm":
        query |= {"prompt": "login", "max_age": "0"}
    separator = "&" if "?" in known.authorization_endpoint else "?"
    return f"{known.authorization_endpoint}{separator}{urlencode(query)}"


def finish(session: SessionBase, answer: Mapping[str, list[str]]) -> tuple[Claims, dict[str, Any]]:
    """Who signed in there, and what the journey was for.

    Raises ``Strayed``, ``Declined``, ``NotBelieved`` and ``Unusable``.
    """
    kept = session.pop(KEPT_AS, None)
    given = {name: answer[name][0] for name in ANSWER_FIELDS if len(answer.get(name, ())) == 1}
    if not isinstance(kept, dict) or datetime.now(UTC).timestamp() - kept["at"] > GOOD_FOR.total_seconds():
        raise Strayed("no journey of this browser is under way")
    if not compare_digest(given.get("state", "").encode(), kept["state"].encode()):
        raise Strayed("its state is another's")
    known = provider(settings.HANDOVER.openid_issuer)
    if given.get("iss", known.issuer) != known.issuer or (known.names_itself and "iss" not in given):
        raise Strayed("another issuer answered, or none said it did")
    if "error" in given or "code" not in given:
        raise Declined(given.get("error", "no code"))
    return _exchange(given["code"], kept), kept


def _exchange(code: str, kept: Mapping[str, Any]) -> Claims:
    """The code for its ID token, and that for what it says; keys are read again once for one that is not known."""
    config = settings.HANDOVER
    client = Client(issuer=config.openid_issuer, client_id=config.openid_client_id, secret=config.openid_secret)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _callback()}
    answer = redeem(client, provider(client.issuer), form | {"code_verifier": str(kept["verifier"])})
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise NotBelieved("the answer has no id_token")
    expected = Expected(client_id=client.client_id, nonce=str(kept["nonce"]), groups_claim=config.openid_groups_claim)
    try:
        return believe(token, provider(client.issuer), expected, now=datetime.now(UTC))
    except UnknownKey:
        return believe(token, provider(client.issuer, anew=True), expected, now=datetime.now(UTC))


def _callback() -> str:
    return str(settings.HANDOVER.issuer + reverse("openid-callback"))


__all__ = ["Claims", "Declined", "NotBelieved", "Strayed", "Unusable", "finish", "is_offered", "start"]
