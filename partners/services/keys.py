"""Where the public keys of a client or an issuer come from. Nothing is fetched here: the refresher does that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partners import models
from partners.declarations import DeclaredTrust, DeclaredWorkload
from partners.keysets import accept_jwks
from partners.states import KeyMethod

if TYPE_CHECKING:
    from partners.declarations import DeclaredClient

    Holder = DeclaredClient | DeclaredTrust | DeclaredWorkload


def place(source: models.KeySource | None, owner: models.Partner | None, declared: Holder) -> models.KeySource | None:
    """The key source of a declaration: the present one where it says the same, else a new one; None without keys.

    A source that moved is another source: keys of the old place vouch for nobody at the new one. One that did not move
    keeps its keys, whatever the refresher has learnt since.
    """
    wanted = _wanted(declared)
    if wanted is None:
        return None
    if source is not None and all(getattr(source, name) == value for name, value in wanted.items()):
        return source
    jwks_uri = wanted["location"] if wanted["method"] is KeyMethod.JWKS_URI else ""
    return models.KeySource.objects.create(partner=owner, jwks_uri=jwks_uri, **wanted)


def discard(before: models.KeySource | None, now: models.KeySource | None) -> None:
    """Delete the source that was replaced, after its holder was saved with the new one."""
    if before is not None and before != now:
        before.delete()


def _wanted(declared: Holder) -> dict[str, Any] | None:
    if declared.jwks is not None:
        jwks = {"keys": list(accept_jwks(declared.jwks))}
        return {"method": KeyMethod.UPLOADED, "location": "", "jwks": jwks}
    if declared.jwks_uri is not None:
        return {"method": KeyMethod.JWKS_URI, "location": declared.jwks_uri}
    if isinstance(declared, DeclaredTrust | DeclaredWorkload):
        return {"method": KeyMethod.DISCOVERY, "location": declared.issuer}
    return None
