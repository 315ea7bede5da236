"""Keys that a partner rotates with an overlap: new ones are added first, and old ones removed when nobody uses them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from partners import records, services
from partners.errors import IllegalTransition, NotRegistered
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change

    Keys = list[dict[str, Any]]
    Reshape = Callable[[Keys], Keys]


def added(pasted: Keys) -> Reshape:
    """The present keys and these. One that is there already stays as it is."""
    return lambda present: [*present, *(key for key in pasted if key not in present)]


def without(kid: str) -> Reshape:
    """All but one. Raises ``IllegalTransition`` where that one is not there, or is the last."""

    def reshape(present: Keys) -> Keys:
        left = [key for key in present if key.get("kid") != kid]
        if len(left) == len(present):
            raise IllegalTransition(_("No key of this name is there any more. Nothing was removed."))
        if not left:
            raise IllegalTransition(_("This is the last key, and without one nothing can be verified. Add one first."))
        return left

    return reshape


def reshape_client(change: Change, partner: str, client_id: str, reshape: Reshape) -> None:
    """Change the handed-over keys of a partner's client. Raises ``ConfigurationError``."""
    records.held(Kind.CLIENT, client_id)
    found = records.clients(records.Window(size=1), partner=partner, client_id=client_id).records
    if not found:
        raise NotRegistered(Kind.CLIENT, client_id)
    declared: Any = found[0].declared
    keys = reshape(_handed_over(declared, Kind.CLIENT))
    services.change_client(change, replace(declared, jwks={"keys": keys}))


def reshape_trust(change: Change, partner: str, name: str, reshape: Reshape) -> None:
    """Change the handed-over keys of a trust. Raises ``ConfigurationError``."""
    records.held(Kind.TRUST, partner)
    declared: Any = records.trust(partner, name).declared
    keys = reshape(_handed_over(declared, Kind.TRUST))
    services.put_trust_keys(change, partner, name, {"keys": keys})


def _handed_over(declared: Any, kind: Kind) -> Keys:  # noqa: ANN401 - a client or a trust
    if declared.jwks is None:
        raise NotRegistered(kind, f"{declared.name} with keys that were handed over")
    return list(declared.jwks["keys"])
