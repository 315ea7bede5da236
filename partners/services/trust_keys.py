"""The public keys of an issuer that were handed over, replaced by its owner: no more than that moves.

Issuer, audiences and conditions stay, so what was tested still is, as when a fetched key set changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audit.events import KeysRefreshed
from partners import inventory
from partners.checking import require_right
from partners.errors import IllegalTransition
from partners.keysets import accept_jwks
from partners.services import lookups
from partners.services.differences import as_data, differences
from partners.states import KeyMethod, TrustState

if TYPE_CHECKING:
    from audit.events import JSON
    from partners.changes import Change
    from partners.services.differences import Fields


def put_trust_keys(change: Change, partner: str, name: str, jwks: dict[str, Any]) -> Fields:
    """Make these the keys of a trust whose keys are handed over.

    Raises ``NotRegistered``, ``ConfigurationRefused``, and ``IllegalTransition`` where the keys are fetched, or the
    trust was withdrawn.
    """
    owner = lookups.require_in_force(lookups.partner(partner))
    row = lookups.trust(owner, name)
    if row.state == TrustState.WITHDRAWN or row.key_source.method != KeyMethod.UPLOADED:
        raise IllegalTransition(f"The keys of trust {name} are not handed over: they are fetched, or it was withdrawn.")
    before = inventory.trust(row)
    declared = replace(before, jwks=jwks)
    require_right(declared)
    kept: dict[str, object] = {"keys": list(accept_jwks(jwks))}
    fields = differences(before, replace(before, jwks=kept))
    if not fields:
        return ()
    row.key_source.jwks = kept
    row.key_source.save(update_fields=["jwks", "updated_at"])
    change.touch(owner.pk)
    data: dict[str, JSON] = {"object": "trust", "name": name, "key_source": str(row.key_source.pk)}
    event = KeysRefreshed(
        partner_id=owner.pk, partner=owner.slug, target=row.issuer, data=data | {"fields": as_data(fields)}
    )
    change.record(event)
    return fields
