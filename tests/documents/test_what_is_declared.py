"""Every table is written by documents, or the page says why not; every column of those that are is accounted for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings

from partners.declarations import KINDS, DeclaredScope
from partners.vocabulary import Kind

DECLARED: Final = {
    "partners.Target": KINDS[Kind.TARGET],
    "partners.Scope": DeclaredScope,
    "partners.Partner": KINDS[Kind.PARTNER],
    "partners.Client": KINDS[Kind.CLIENT],
    "partners.FederationTrust": KINDS[Kind.TRUST],
    "partners.ScopeMapping": KINDS[Kind.MAPPING],
}
PARTS: Final = {
    "partners.KeySource": "`jwks`, `jwks_uri` or discovery, of a trust, a client or a workload",
    "partners.ClientSecret": "`secrets` of a client, by reference",
}
"""Tables that are parts of an object that is declared."""

DRAFTS, PEOPLE, OWN = "Drafts of mappings", "People, their roles", "Passwords, passkeys"
PARTNERS_PEOPLE, LENT, WATCHED = "A partner's own people", "Consents and tokens", "What is watched and reminded of"
TRAIL, KEYS, SETTINGS = "The audit trail", "Our signing keys", "Settings of the installation"
NOT_DECLARED: Final = {
    "exchange.GoldenToken": "Golden tokens",
    "exchange.SigningKey": KEYS,
    **dict.fromkeys(
        ("portal.Shadow", "portal.ShadowDifference", "portal.BackTest", "portal.BackTestDifference"), DRAFTS
    ),
    **dict.fromkeys(("portal.User", "portal.RoleGrant", "portal.Identity", "auth.Group", "auth.Permission"), PEOPLE),
    **dict.fromkeys(
        (
            "portal.SignInLink",
            "sessions.Session",
            "account.EmailAddress",
            "account.EmailConfirmation",
            "mfa.Authenticator",
            "usersessions.UserSession",
        ),
        OWN,
    ),
    **dict.fromkeys(
        ("portal.DomainProof", "portal.Invitation", "portal.PartnerAdmin", "portal.Proposal"), PARTNERS_PEOPLE
    ),
    **dict.fromkeys(
        (
            "exchange.TokenFamily",
            "exchange.IssuedToken",
            "exchange.SpentJti",
            "exchange.DeviceGrant",
            "oauth2_provider.Grant",
            "oauth2_provider.AccessToken",
            "oauth2_provider.RefreshToken",
            "oauth2_provider.IDToken",
        ),
        LENT,
    ),
    **dict.fromkeys(
        (
            "exchange.TrustWatch",
            "exchange.SeenKey",
            "exchange.Looked",
            "exchange.Alert",
            "portal.Canary",
            "portal.CanaryTurn",
            "portal.ReminderLetter",
            "portal.Reminder",
        ),
        WATCHED,
    ),
    **dict.fromkeys(
        ("audit.Event", "audit.Pending", "audit.CountedSpan", "audit.UseOfSpan", "audit.OutcomeOfHour"), TRAIL
    ),
}
"""By the row of the page that says why."""
OF_THE_MACHINE: Final = {"partners.Registry", "contenttypes.ContentType", "portal.KeptAnswer"}
"""What nobody decides and no page shows: an epoch, names of tables, answers for whoever calls again."""

OTHER_NAMES: Final = {
    "partners.Partner": {"slug": "name", "name": "title"},
    "partners.Client": {
        "client_id": "name",
        "name": "title",
        "key_source": "jwks",
        "certificate_name_kind": "tls_client_auth_subject_dn",
        "certificate_name": "tls_client_auth_subject_dn",
        **dict.fromkeys(
            (f"workload_{part}" for part in ("issuer", "audiences", "algorithms", "rules", "lifetime")), "workload"
        ),
    },
    "partners.FederationTrust": {
        "key_source": "jwks",
        **dict.fromkeys(
            (
                f"introspection_{part}"
                for part in ("endpoint", "client_id", "allows_missing_audience", "kek_id", "nonce", "ciphertext")
            ),
            "introspection",
        ),
    },
}
"""Columns that documents call otherwise. The secret of an introspection endpoint is declared by reference."""
NOT_COLUMNS_OF_A_FILE: Final = {
    "partners.Scope": {"target": "the target it is declared in", "name": "the key it is declared under"},
    "partners.Partner": {"version": "the epoch of its last change"},
    "partners.Client": {
        "created": "when it was made",
        "updated": "when it was changed",
        **dict.fromkeys(
            (
                "user", "post_logout_redirect_uris", "authorization_grant_type", "client_secret", "hash_client_secret",
                "skip_authorization", "algorithm", "allowed_origins", "registration_source", "cimd_expires_at",
            ),
            "the library's, which nothing here reads, or which follows from the grant types",
        ),
    },
    "partners.FederationTrust": {"state": "a trust that a file lacks is withdrawn by --prune"},
    "partners.ScopeMapping": {
        "version": "counted, never chosen",
        "state": "published by being declared, withdrawn by --prune",
        "author": "who applied the file",
    },
}  # fmt: skip
ROW: Final = {"id", "created_at", "updated_at"}


def columns(label: str) -> set[str]:
    model: Any = apps.get_model(label)
    return {field.name for field in model._meta.get_fields() if field.concrete and not field.auto_created} - ROW


def test_every_table_is_declared_or_the_page_says_why_not() -> None:
    tables = {model._meta.label for model in apps.get_models()}
    said = [DECLARED.keys(), PARTS.keys(), NOT_DECLARED.keys(), OF_THE_MACHINE]
    assert tables == set().union(*said)
    assert len(tables) == sum(map(len, said))


def test_the_page_has_a_row_for_each_reason() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "configuration.md").read_text(encoding="utf-8")
    listed = page.partition("## What is not declared")[2]
    for row in {*NOT_DECLARED.values(), SETTINGS, "The steps of onboarding"}:
        assert f"\n| {row}" in listed, row


def test_every_column_of_what_is_declared_is_in_a_file_or_has_its_reason() -> None:
    for label, declaration in DECLARED.items():
        declared = {field.name for field in fields(declaration)}
        other, left_out = OTHER_NAMES.get(label, {}), NOT_COLUMNS_OF_A_FILE.get(label, {})
        assert set(other.values()) <= declared, label
        assert columns(label) - other.keys() - left_out.keys() <= declared, label
        assert other.keys() | left_out.keys() <= columns(label), label
