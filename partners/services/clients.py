"""Clients: register, change, suspend, reinstate. Their secrets are put by ``credentials``."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from partners import inventory, models
from partners.certificate_names import named
from partners.checking import require_right, write
from partners.errors import IllegalTransition
from partners.keysets import accept_jwks
from partners.services import keys, lookups, mappings
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import ClientState
from partners.trust_anchors import accept_anchors
from partners.vocabulary import ClientType, GrantType, Kind
from partners.workloads import DEFAULT_LIFETIME

if TYPE_CHECKING:
    from partners.changes import Change
    from partners.declarations import DeclaredClient
    from partners.services.differences import Fields

_TOOLKIT_GRANTS: Final = {
    GrantType.AUTHORIZATION_CODE: models.Client.GRANT_AUTHORIZATION_CODE,
    GrantType.DEVICE_CODE: models.Client.GRANT_DEVICE_CODE,
}


def register_client(change: Change, declared: DeclaredClient) -> Fields:
    """A new client, active. Raises ``ConfigurationRefused``, and ``IllegalTransition`` for a former partner."""
    declared = _normal(declared)
    if models.Client.objects.filter(client_id=declared.name).exists():
        lookups.refuse(declared, "name", "a client id that is not taken", declared.name)
    owner = lookups.owning_partner(declared, declared.partner) if declared.partner else None
    row = models.Client(
        client_id=declared.name, partner=owner, state=ClientState.ACTIVE, client_secret=_unusable_secret()
    )
    _save(row, declared)
    return record(change, _subject(row), "registered", differences(None, replace(declared, state=None)))


def change_client(change: Change, declared: DeclaredClient, *, seen: str | None = None) -> Fields:
    """The client's own fields; its state and its secrets are left alone. ``seen`` is the stamp of what was looked at.

    Raises ``ConfigurationRefused``, ``NotRegistered``, ``IllegalTransition``, ``ChangedMeanwhile``.
    """
    declared = _normal(declared)
    row = lookups.client(declared.name)
    lookups.require_unchanged(f"Client {row.client_id}", seen, row.updated)
    before = inventory.client(row)
    if before.partner != declared.partner:
        lookups.refuse(declared, "partner", f"{before.partner or 'no partner'}: a client never moves", declared.partner)
    fields = differences(before, replace(declared, state=before.state))
    if not fields:
        return ()
    if row.partner:
        lookups.require_in_force(row.partner)
    _save(row, declared)
    return record(change, _subject(row), "changed", fields)


def suspend_client(change: Change, client_id: str) -> Fields:
    """The client gets the answer of an unknown one from the next request on.

    Raises ``NotRegistered``, ``IllegalTransition``.
    """
    return set_state(change, lookups.client(client_id), ClientState.SUSPENDED)


def reinstate_client(change: Change, client_id: str) -> Fields:
    """A suspended client is served again. Raises ``NotRegistered``, ``IllegalTransition``."""
    row = lookups.client(client_id)
    if row.partner:
        lookups.require_in_force(row.partner)
    return set_state(change, row, ClientState.ACTIVE)


def set_state(change: Change, row: models.Client, state: ClientState) -> Fields:
    """The other of the two states. Raises ``IllegalTransition`` when the client is in it already."""
    if row.state == state:
        raise IllegalTransition(f"Client {row.client_id} is {state.value} already. Nothing is left to do.")
    fields = (FieldChange(field="state", old=row.state, new=state.value),)
    row.state = state
    row.save(update_fields=["state", "updated"])
    return record(change, _subject(row), "suspended" if state is ClientState.SUSPENDED else "reinstated", fields)


def _normal(declared: DeclaredClient) -> DeclaredClient:
    """The declaration, checked, with its keys as they will be stored: public members of signing keys only."""
    require_right(declared)
    anchors = declared.trust_anchors and accept_anchors(declared.trust_anchors)
    workload = declared.workload and replace(declared.workload, jwks=_kept(declared.workload.jwks))
    return replace(declared, jwks=_kept(declared.jwks), trust_anchors=anchors, workload=workload)


def _kept(jwks: dict[str, object] | None) -> dict[str, object] | None:
    return None if jwks is None else {"keys": list(accept_jwks(jwks))}


def _save(row: models.Client, declared: DeclaredClient) -> None:
    serves = _served(declared)
    row.name = declared.title
    row.client_type = declared.client_type.value
    row.authorization_grant_type = _toolkit_grant(declared)
    row.methods = [method.value for method in declared.methods]
    row.grant_types = [grant.value for grant in declared.grant_types]
    row.scopes = list(declared.scopes)
    row.assertion_algorithms = [algorithm.value for algorithm in declared.assertion_algorithms]
    row.accepts_endpoint_audience = declared.accepts_endpoint_audience
    row.redirect_uris = " ".join(declared.redirect_uris)
    _set_proofs(row, declared)
    _set_workload(row, declared)
    row.requests_per_minute = declared.requests_per_minute
    row.burst = declared.burst
    row.daily_quota = declared.daily_quota
    before = row.key_source
    row.key_source = keys.place(before, row.partner, declared.workload or declared)
    row.save()
    keys.discard(before, row.key_source)
    row.serves.set(serves)
    if declared.client_type is ClientType.PUBLIC:
        row.secrets.all().delete()


def _set_proofs(row: models.Client, declared: DeclaredClient) -> None:
    """What it proves itself with beside keys and secrets. Raises ``ConfigurationRefused`` where nobody could vouch."""
    kind, name = next(iter(named(declared).items()), ("", ""))
    if kind and not declared.trust_anchors and not (row.partner and row.partner.trust_anchors):
        lookups.refuse(declared, "trust_anchors", "trust anchors, here or at the partner", None)
    row.certificate_name_kind, row.certificate_name = str(kind), name
    row.trust_anchors = declared.trust_anchors or ""
    row.tls_client_certificate_bound_access_tokens = declared.tls_client_certificate_bound_access_tokens
    row.dpop_bound_access_tokens = declared.dpop_bound_access_tokens
    row.requires_dpop_nonce = declared.requires_dpop_nonce


def _set_workload(row: models.Client, declared: DeclaredClient) -> None:
    """Whose tokens authenticate it; nobody's where it proves itself by other means."""
    workload, document = declared.workload, write(declared)["workload"]
    row.workload_issuer = "" if workload is None else workload.issuer
    row.workload_audiences = [] if workload is None else list(workload.audiences)
    row.workload_algorithms = [] if workload is None else [algorithm.value for algorithm in workload.algorithms]
    row.workload_rules = [] if workload is None else mappings.stored_rules(document)
    row.workload_lifetime = DEFAULT_LIFETIME if workload is None else workload.lifetime


def _served(declared: DeclaredClient) -> list[models.Target]:
    """The targets it serves. A ceiling over a scope that no target has would be a spelling mistake nobody notices."""
    objections = lookups.Objections(declared)
    serves = [target for name in declared.serves if (target := objections.target("serves", name))]
    known = set(models.Scope.objects.filter(name__in=declared.scopes).values_list("name", flat=True))
    known |= settings.OAUTH2_PROVIDER["SCOPES"].keys()  # those of our own API
    unknown = sorted(set(declared.scopes) - known)
    if unknown:
        objections.add("scopes", "scopes of a registered target", unknown)
    objections.raise_any()
    return serves


def _toolkit_grant(declared: DeclaredClient) -> str:
    """The one grant that django-oauth-toolkit's column holds; ``grant_types`` is what decides."""
    known = [_TOOLKIT_GRANTS[grant] for grant in declared.grant_types if grant in _TOOLKIT_GRANTS]
    return str(known[0] if known else models.Client.GRANT_CLIENT_CREDENTIALS)


def _unusable_secret() -> str:
    """A hash of 256 random bits that are forgotten at once: no secret opens the toolkit's own column.

    One round suffices, since there is nothing to guess; an empty column would match an empty secret.
    """
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(token_urlsafe(32), hasher.salt(), iterations=1)


def _subject(row: models.Client) -> Subject:
    return Subject(kind=Kind.CLIENT, name=row.client_id, partner=row.partner, client=row.client_id)
