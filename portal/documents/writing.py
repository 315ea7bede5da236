"""One document into force: register or change the object, then lead it to the state the document asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners import services
from partners.declarations import (
    DeclaredClient,
    DeclaredMapping,
    DeclaredPartner,
    DeclaredTarget,
    DeclaredTrust,
)
from partners.states import ClientState
from partners.vocabulary import DeclaredPartnerState

if TYPE_CHECKING:
    from partners.changes import Change
    from partners.declarations import Declared
    from partners.inventory import Found
    from partners.services import FieldChange
    from portal.documents.reading import Document

    Fields = tuple[FieldChange, ...]


def write(change: Change, document: Document, found: Found | None, *, reinstates: bool) -> Fields:
    """What the document changed. Raises ``ConfigurationError``."""
    declared = document.declared
    before = found.declared if found else None
    if isinstance(declared, DeclaredTarget):
        return (services.change_target if before else services.register_target)(change, declared)
    if isinstance(declared, DeclaredTrust):
        return _trust(change, document, declared, is_known=before is not None)
    if isinstance(declared, DeclaredMapping):
        return services.publish_mapping(change, declared)
    keeps = not reinstates and is_kept_suspended(declared, before)
    if isinstance(declared, DeclaredPartner):
        return _partner(change, declared, is_known=before is not None, keeps_state=keeps)
    return _client(change, document, declared, before, keeps_state=keeps)


def _trust(change: Change, document: Document, declared: DeclaredTrust, *, is_known: bool) -> Fields:
    fields = (services.change_trust if is_known else services.add_trust)(change, declared)
    secret = document.introspection_secret
    is_new = not is_known or any(field.field == "introspection" for field in fields)
    if declared.introspection is None or (secret is None and not is_new):
        return fields
    return (*fields, *services.put_introspection_secret(change, declared.partner, declared.name, secret))


def is_kept_suspended(declared: Declared, before: Declared | None) -> bool:
    """Whether the document says active and the object was suspended, which an older file must not undo in passing."""
    if not isinstance(declared, DeclaredPartner | DeclaredClient) or not isinstance(before, type(declared)):
        return False
    return (declared.state, before.state) == ("active", "suspended")


def _partner(change: Change, declared: DeclaredPartner, *, is_known: bool, keeps_state: bool) -> Fields:
    fields = (services.change_partner if is_known else services.register_partner)(change, declared)
    if declared.state is None or keeps_state:
        return fields
    return (*fields, *services.lead_partner(change, declared.name, DeclaredPartnerState(declared.state)))


def _client(
    change: Change, document: Document, declared: DeclaredClient, before: Declared | None, *, keeps_state: bool
) -> Fields:
    fields = (services.change_client if before else services.register_client)(change, declared)
    if document.secrets is not None:
        fields += services.put_secrets(change, declared.name, document.secrets)
    present = before.state if isinstance(before, DeclaredClient) else ClientState.ACTIVE
    if declared.state in {None, present} or keeps_state:
        return fields
    lead = services.suspend_client if declared.state is ClientState.SUSPENDED else services.reinstate_client
    return (*fields, *lead(change, declared.name))
