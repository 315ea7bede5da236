"""The ground that a simulation stands on: the configuration concerned, as it is now, as a registry (RFC 8693 s2.1).

Read from the database for each simulation, so that a change is seen at once, and a draft can stand in for what is in
force. It holds public keys only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from exchange import keys
from exchange.keyring import EMPTY
from exchange.people import installation
from exchange.registry import build
from exchange.supposing import unverified_claims
from partners import excerpts
from policy.raw import RawToken

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from exchange.registry import Registry
    from exchange.simulation import Question


def ground_of(
    questions: Collection[Question],
    *,
    slugs: Collection[str] = (),
    draft: UUID | None = None,
    as_if_active: bool = False,
) -> Registry:
    """What these questions are decided from: the partners of their clients, and of the clients our tokens name."""
    config = settings.HANDOVER
    ours = [claims for claims in map(unverified_claims, _tokens(questions)) if claims.get("iss") == config.issuer]
    clients = {question.client_id for question in questions} | {str(claims.get("client_id")) for claims in ours}
    concerned = excerpts.concerned(clients, slugs=slugs, draft=draft, as_if_active=as_if_active)
    ring = keys.public_ring() if ours else EMPTY
    return build(
        None,
        concerned,
        installation(config.issuer, config.token_lifetime, settings.OAUTH2_PROVIDER["SCOPES"], ring),
    )


def _tokens(questions: Collection[Question]) -> list[RawToken]:
    tokens = [token for question in questions for token in (question.subject, question.actor)]
    return [token if isinstance(token, RawToken) else token.as_text() for token in tokens if token is not None]
