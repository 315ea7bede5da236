"""Our secret at an issuer's introspection endpoint: put by reference, kept sealed, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partners.errors import IllegalTransition
from partners.introspection_values import sealed_of
from partners.sealed import CannotOpen, seal
from partners.services import lookups
from partners.services.differences import FieldChange
from partners.services.recording import Subject, record
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from partners import models
    from partners.changes import Change
    from partners.declarations import DeclaredTrust
    from partners.services.differences import Fields

LONGEST_SECRET: Final = 512
SECRET: Final = f"text of 1 to {LONGEST_SECRET} visible ASCII characters"


def check_secret(text: str) -> bool:
    """Whether the text can be a secret that a partner gave us; how strong it is, is theirs to say."""
    return 0 < len(text) <= LONGEST_SECRET and text.isascii() and text.isprintable() and " " not in text


def put_introspection_secret(
    change: Change, partner: str, name: str, secret: str | None, *, seen: str | None = None
) -> Fields:
    """Seal the secret for the trust's endpoint; None keeps the one that is there. A live one that is equal stays.

    ``seen`` is the stamp of the trust its author looked at: no secret is sealed for a place they never saw.
    Raises ``IllegalTransition`` where there is no endpoint, or no secret yet; ``NotRegistered``, ``ChangedMeanwhile``.
    """
    row = lookups.trust(lookups.require_in_force(lookups.partner(partner)), name)
    lookups.require_unchanged(f"Trust {name} of {partner}", seen, row.updated_at)
    if not row.introspection_endpoint:
        raise IllegalTransition(f"Trust {name} of {partner} has no introspection endpoint. Declare one first.")
    if secret is None:
        if sealed_of(row) is None:
            raise IllegalTransition(
                f"Trust {name} of {partner} has no secret for its introspection endpoint yet."
                " Refer to it: secret: {env: NAME} or {file: PATH}."
            )
        return ()
    if _opened(row) == secret:
        return ()
    sealed = seal(secret, *place(row))
    row.introspection_kek_id = sealed.kek_id
    row.introspection_nonce, row.introspection_ciphertext = sealed.nonce, sealed.ciphertext
    row.save(update_fields=["introspection_kek_id", "introspection_nonce", "introspection_ciphertext", "updated_at"])
    fields = (FieldChange(field="introspection secret", old=None, new="put"),)
    return record(change, Subject(kind=Kind.TRUST, name=row.name, partner=row.partner), "changed", fields)


def set_introspection(row: models.FederationTrust, declared: DeclaredTrust) -> None:
    """Where the issuer is asked. A secret for another place, or of another client, is forgotten."""
    wanted = declared.introspection
    before = place(row)
    row.introspection_endpoint = "" if wanted is None else wanted.endpoint
    row.introspection_client_id = "" if wanted is None else wanted.client_id
    row.introspection_allows_missing_audience = wanted is not None and wanted.allows_missing_audience
    if place(row) != before:
        row.introspection_kek_id, row.introspection_nonce, row.introspection_ciphertext = "", b"", b""


def place(row: models.FederationTrust) -> tuple[str, str]:
    """What a secret is sealed for: the endpoint it is sent to and the client it belongs to."""
    return row.introspection_endpoint, row.introspection_client_id


def _opened(row: models.FederationTrust) -> str | None:
    sealed = sealed_of(row)
    try:
        return None if sealed is None else sealed.open(*place(row))
    except CannotOpen:
        return None
