"""What a resource server may know of a token, now (RFC 7662 section 2; RFC 9701; standards rules 78 to 81).

A caller hears of tokens for the targets it serves, and of those that were issued to itself. Whatever else it asks about
is ``active: false``, in the same words as a token that never was, so that nobody can learn from asking (section 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.clients import authenticate_client
from exchange.jwt_checks import Wrong
from exchange.ledger import StaleRegistry
from exchange.protocol import introspection
from exchange.protocol.client_auth import present
from exchange.standings import State
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.own_tokens import OwnToken
    from exchange.references import References
    from exchange.registry import Registry
    from exchange.snapshot import Snapshot
    from exchange.standings import Standing, Standings
    from exchange.trail import Trail
    from partners.selectors import RegisteredClient
    from policy.tokens import JSON

INACTIVE: dict[str, JSON] = {"active": False}


async def introspect(
    incoming: Incoming,
    snapshot: Snapshot,
    references: References,
    standings: Standings,
    trail: Trail,
    *,
    now: datetime,
) -> dict[str, JSON] | Wrong:
    """The members of the answer, or why the token is not active for this caller.

    Raises ``OAuthError`` for the question itself, ``StaleRegistry`` or ``Unanswered``.
    """
    registry = snapshot.registry
    token = introspection.parse_question(incoming.form)
    credentials = trail.presented(present(incoming.authorization, incoming.form, incoming.certificate))
    client = trail.authenticated(authenticate_client(credentials, registry, grant_type=None, now=now))
    incoming.limits.client(client.client, "introspection")
    own = await references.read(token, snapshot, now=now)
    if isinstance(own, Wrong):
        return own
    standing = await standings.of(own.id)
    if standing.epoch > registry.epoch:
        raise StaleRegistry(standing.epoch)
    caller = registry.client(client.client.client_id)
    assert caller is not None
    wrong = check_standing(own, standing, registry) or _check_concern(own, caller)
    return wrong or introspection.told(own.claims, _scope(own, caller, registry))


def check_standing(own: OwnToken, standing: Standing, registry: Registry) -> Wrong | None:
    """Whether the token still stands: not revoked, and client, partner and trust in force (strictest wins)."""
    if standing.state is State.UNKNOWN:
        return Wrong(reason=Reason.TOKEN_UNKNOWN, expected="a token of the ledger", received=own.id)
    if standing.state is State.REVOKED:
        return Wrong(reason=Reason.TOKEN_REVOKED, expected="a token in force", received="revoked")
    lapse = registry.origin(own.claims).lapse()
    return None if lapse is None else Wrong(reason=Reason.TOKEN_REVOKED, expected=lapse[0], received=shown(lapse[1]))


def _check_concern(own: OwnToken, caller: RegisteredClient) -> Wrong | None:
    """A caller sees tokens for what it serves, and its own (rule 79)."""
    if caller.serves.isdisjoint(own.audience) and caller.client.client_id != own.client_id:
        expected = " ".join(sorted(caller.serves)) or "a token of its own"
        return Wrong(reason=Reason.TOKEN_OF_OTHERS, expected=expected, received=" ".join(own.audience))
    return None


def _scope(own: OwnToken, caller: RegisteredClient, registry: Registry) -> str:
    """The token's scopes at the targets that the caller serves; all of them for the client that holds it."""
    granted = str(own.claims.get("scope", ""))
    if caller.client.client_id == own.client_id:
        return granted
    served = (registry.targets[name].scopes for name in own.audience if name in caller.serves & registry.targets.keys())
    known = {scope for scopes in served for scope in scopes}
    return " ".join(scope for scope in granted.split() if scope in known)
