"""What the token endpoint remembers: our signing keys, the families of issued tokens, and one-time identifiers.

No token text is stored anywhere (RFC 9700 section 2.5, RFC 8693 section 6): a token is its ``jti``. The rows of the
hot path are written by one database function, ``exchange_record``; constraints here are its last line of defence.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from oauth2_provider.models import AbstractDeviceGrant
from uuid_utils.compat import uuid7

from exchange.watch_models import Alert, Looked, SeenKey, TrustWatch

__all__ = [
    "Alert",
    "DeviceGrant",
    "GoldenToken",
    "IssuedToken",
    "Looked",
    "SeenKey",
    "SigningKey",
    "SpentJti",
    "TokenFamily",
    "TrustWatch",
]


class SigningKey(models.Model):
    """One of our signing keys (RFC 7517), its private part under AES-256-GCM with ``kid`` and ``alg`` as bound data."""

    class State(models.TextChoices):
        """``PUBLISHED`` keys are in the key set but do not sign yet; ``RETIRING`` ones no longer sign (rule 86)."""

        GENERATED = "generated"
        PUBLISHED = "published"
        ACTIVE = "active"
        RETIRING = "retiring"
        RETIRED = "retired"
        COMPROMISED = "compromised"

    kid = models.CharField(primary_key=True, max_length=64)
    alg = models.CharField(max_length=10)
    use = models.CharField(max_length=10, default="access", help_text="What it signs: access tokens, or ID tokens.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.GENERATED)
    public_jwk = models.JSONField()
    kek_id = models.CharField(max_length=16)
    nonce = models.BinaryField(max_length=12)
    ciphertext = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retiring_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["use"], condition=Q(state="active"), name="signing_key_is_one_active_per_use"
            ),
            models.CheckConstraint(
                name="signing_key_state_is_known",
                condition=Q(state__in=["generated", "published", "active", "retiring", "retired", "compromised"]),
            ),
            models.CheckConstraint(name="signing_key_use_is_known", condition=Q(use__in=["access", "id"])),
        ]

    def __str__(self) -> str:
        return self.kid


class TokenFamily(models.Model):
    """All tokens that descend from one exchanged foreign token. Denying the family denies every one of them."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    partner_id = models.UUIDField(null=True, blank=True)
    root_issuer = models.CharField(max_length=512)
    root_token_id = models.CharField(max_length=255, help_text="The jti, or the SHA-256 of a token that has none.")
    subject = models.CharField(max_length=400)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["root_issuer", "root_token_id"], name="family_by_root"),
            models.Index(fields=["subject", "-id"], name="family_by_subject"),
            models.Index(fields=["expires_at"], name="family_by_end"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class IssuedToken(models.Model):
    """One issued token: everything but its text. ``id`` is its ``jti``, ``event_id`` its ``txn``.

    ``digest`` finds a token that does not say which one it is; ``claims`` is what such a token would say as a JWT, kept
    as it would be signed: the exact text, since ``jsonb`` refuses U+0000, which an issuer may put anywhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    family_id = models.UUIDField(db_index=True)
    parent_id = models.UUIDField(null=True, blank=True)
    event_id = models.UUIDField()
    depth = models.PositiveSmallIntegerField(default=0)
    client_id = models.UUIDField()
    partner_id = models.UUIDField(null=True, blank=True)
    kid = models.CharField(max_length=64)
    subject = models.CharField(max_length=400)
    audience = ArrayField(models.CharField(max_length=255))
    scope = models.TextField(blank=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - most tokens are not looked up
    claims = models.TextField(null=True, blank=True)  # noqa: DJ001 - most tokens say themselves what they say

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"], name="issued_token_by_end")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="issued_token_ends_after_it_starts", condition=Q(expires_at__gt=F("issued_at"))
            ),
            models.CheckConstraint(
                name="issued_token_with_claims_has_a_digest", condition=Q(claims=None) | Q(digest__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(digest__isnull=False), name="issued_token_by_digest"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class SpentJti(models.Model):
    """An identifier that was used once and will not be accepted again: one row per (purpose, issuer, jti).

    Three columns, never one joined string: ``ab`` + ``c`` is not ``a`` + ``bc`` (RFC 7523 section 3).
    """

    pk = models.CompositePrimaryKey("purpose", "issuer", "jti")
    purpose = models.CharField(max_length=20)
    issuer = models.CharField(max_length=512)
    jti = models.CharField(max_length=255)
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"], name="spent_jti_by_end")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.issuer}"


class DeviceGrant(AbstractDeviceGrant):
    """What a device waits for (RFC 8628), in django-oauth-toolkit's columns; the codes are kept as digests only.

    ``user_code`` is a keyed digest: a code of eight letters could be guessed from a plain one. The row goes when its
    token was issued.
    """

    last_checked = models.DateTimeField(  # type: ignore[assignment]  # the toolkit sets it at each save; None: never asked
        null=True, blank=True
    )
    address = models.CharField(max_length=64, help_text="Where the device asked from, shown to whoever is to allow it.")

    class Meta(AbstractDeviceGrant.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires"], name="device_grant_by_end")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *AbstractDeviceGrant.Meta.constraints,
            models.UniqueConstraint(fields=["user_code"], name="device_grant_by_user_code"),
            models.CheckConstraint(
                name="device_grant_is_allowed_by_somebody", condition=~Q(status="authorized") | Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"device of {self.client_id}"


class GoldenToken(models.Model):
    """A token that was tried and must come to the same end: header and the claims that rules read, no signature.

    ``question`` asks it again, ``expected`` is the end it came to when it was kept, ``found`` the last one. What is
    checked is the claims, ``kid`` and ``alg``; that the issuer signed them was only known when it was kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.PROTECT, related_name="golden_tokens")
    name = models.CharField(max_length=120)
    question = models.JSONField()
    expected = models.JSONField()
    found = models.JSONField()
    is_green = models.BooleanField(default=True)
    author = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField()
    checked_epoch = models.BigIntegerField(help_text="The configuration it was last tried under.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner", "-id"], name="golden_by_partner"),
            models.Index(fields=["-id"], condition=Q(is_green=False), name="golden_red"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["partner", "name"], name="golden_is_named_once_per_partner")
        ]

    def __str__(self) -> str:
        return self.name
